"""Proof at start-up that the installed river keeps its state as it is known here, for every class that is used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from driftgauge.detect.detectors.ddm import Ddm, DdmTest
from driftgauge.detect.detectors.eddm import Eddm, EddmTest
from driftgauge.detect.detectors.fhddm import Fhddm, FhddmTest
from driftgauge.detect.detectors.hddm_a import HddmA, HddmATest
from driftgauge.detect.detectors.hddm_w import HddmW, HddmWTest
from driftgauge.detect.detectors.kswin import Kswin, KswinParameters
from driftgauge.detect.river_state import check_river
from driftgauge.errors import StateError

_VALUES = 100


class RiverClass(Protocol):
    """How a class of river is made and stored. `attributes`: its private ones, none of which is unknown."""

    @property
    def attributes(self) -> Collection[str]:
        """Names."""
        ...

    def fresh(self) -> Any:
        """An object with nothing seen."""
        ...

    def encode(self, test: Any) -> bytes:
        """Its state."""
        ...

    def decode(self, state: bytes) -> Any:
        """The object of a state."""
        ...


class _Trial(NamedTuple):
    """A class, and the rates of ones in a stream of 0 and 1 that it finds to have changed."""

    known: RiverClass
    before: float
    after: float


_TRIALS: Mapping[str, _Trial] = MappingProxyType(
    {
        Ddm.name: _Trial(DdmTest(30, 3.0), 0.2, 0.8),
        Eddm.name: _Trial(EddmTest(10, 0.9), 0.2, 0.8),
        HddmA.name: _Trial(HddmATest(0.001, two_sided_test=True), 0.2, 0.8),
        HddmW.name: _Trial(HddmWTest(0.001, 0.05, two_sided_test=True), 0.2, 0.8),
        Fhddm.name: _Trial(FhddmTest(50, 0.01, 10), 0.8, 0.2),
        Kswin.name: _Trial(KswinParameters(0.2, 30, 10, 1), 0.2, 0.8),
    }
)


def check_classes(detectors: Iterable[str]) -> None:
    """StateError unless river's classes behind these detectors are the ones known here. Call at start-up."""
    check_river()
    for name in detectors:
        trial = _TRIALS.get(name)
        if trial is not None:
            _check(trial)


def _check(trial: _Trial) -> None:
    """Store an object in the middle of a stream and make it anew: the two must go on as one, to the alarm."""
    known = trial.known
    try:
        test = known.fresh()
        for i in range(_VALUES):
            if _alarms(test, i, trial.before):
                test = known.fresh()
        twin = known.decode(known.encode(test))
        alarms = [[_alarms(one, i, trial.after) for i in range(_VALUES)] for one in (test, twin)]
        private = {name for one in (test, twin) for name in vars(one) if name.startswith("_")}
    except (AttributeError, TypeError, ValueError) as error:
        raise StateError(f"the installed river keeps its state in an unknown way: {error}") from error
    if alarms[0] != alarms[1] or not any(alarms[0]) or not private <= set(known.attributes):
        raise StateError(f"the installed river's {type(test).__name__} isn't the one known here; install river 0.26")


def _alarms(test: Any, i: int, rate: float) -> bool:
    # The same 0 and 1 each time, spread like chance.
    test.update(int((i * 2_654_435_761 % 1000) / 1000 < rate))
    return bool(test.drift_detected)
