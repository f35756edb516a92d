"""The faults that are injected: what each does to one field, from its first pane on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.quality.fields import Categorical, Category, State
from bench.quality.streams import FIELDS, HOUR, MINUTE, Course
from driftgauge.detect.traffic.limits import TRAFFIC

RAMP_PANES = 6 * HOUR // MINUTE
_EMPLOYMENT = next(field for field in FIELDS if isinstance(field, Categorical) and field.name == "employment_type")


@dataclass(frozen=True)
class Fault:
    """`field` is what it happens to; `strike` turns its state after the onset into that with the fault.

    `aim`: panes within which half of the runs are to find it, if there is an aim.
    """

    name: str
    field: str
    strike: Callable[[State], State]
    aim: int | None = None

    def on(self, course: Course) -> Course:
        """The same course with the fault from its first pane on."""
        struck = course.part(0, len(course.starts))
        struck.states[self.field] = self.strike(course.states[self.field])
        return struck


def _set(**changes: object) -> Callable[[State], State]:
    return lambda state: replace(state, **changes)  # type: ignore[arg-type]


def _shift(by: float) -> Callable[[State], State]:
    return lambda state: replace(state, shift=state.shift + by)


def _ramp(state: State) -> State:
    """Up by one sd within six hours, and there to stay."""
    return replace(state, shift=state.shift + np.minimum(1.0, np.arange(1, len(state.shift) + 1) / RAMP_PANES))


def _shares(change: Callable[[dict[Category, float]], Mapping[Category, float]]) -> Callable[[State], State]:
    shares = dict(change(dict(_EMPLOYMENT.shares)))
    total = sum(shares.values())
    return _set(shares={name: share / total for name, share in shares.items()})


def _renamed(shares: dict[Category, float]) -> dict[Category, float]:
    return {("d-new" if name == "d" else name): share for name, share in shares.items()}


def _swapped(shares: dict[Category, float]) -> dict[Category, float]:
    return {**shares, "b": shares["c"], "c": shares["b"]}


@dataclass(frozen=True)
class TrafficFault:
    """From its first pane on only a `share` of the events comes. `aim`: as of a `Fault`."""

    name: str
    share: float
    aim: int | None = None
    field: str = TRAFFIC

    def on(self, course: Course, rng: np.random.Generator) -> Course:
        """The same course with the fault from its first pane on."""
        struck = course.part(0, len(course.starts))
        struck.n = rng.binomial(course.n, self.share).astype(np.int64)
        return struck


DAY_PANES = 24 * 60
FAULTS = (
    Fault("NULL storm .8 → 93 %", "employment_type", _set(missing=0.93), aim=1),
    Fault("missing .8 → 5 %", "employment_type", _set(missing=0.05)),
    Fault("missing 0 → 3 %", "income", _set(missing=0.03)),
    Fault("unit × 1000", "income", _set(factor=1000.0), aim=1),
    Fault("unit / 1000", "income", _set(factor=0.001), aim=1),
    Fault("type error", "age", _set(invalid=1.0)),
    Fault("new category 5 %", "employment_type", _shares(lambda s: {**s, "new": 0.05 / 0.95})),
    Fault("category of 10 % vanishes", "employment_type", _shares(lambda s: {**s, "d": 0.0})),
    Fault("category of 10 % renamed", "employment_type", _shares(_renamed)),
    Fault("shares .25, .15 swapped", "employment_type", _shares(_swapped)),
    Fault("stuck value", "age", _set(held=1.0, value=35.0)),
    Fault("stuck category", "channel", _set(shares={"web": 1.0, "app": 0.0, "phone": 0.0})),
    Fault("stuck boolean", "returning", _set(shares={False: 1.0, True: 0.0})),
    Fault("stale: 50 values", "income", _set(pool=50), aim=60),
    Fault("20 % are the median", "income", _set(held=0.2, value=float(np.exp(10.3)))),
    Fault("shift .125 sd", "age", _shift(0.125)),
    Fault("shift .25 sd", "age", _shift(0.25), aim=DAY_PANES),
    Fault("shift .5 sd", "age", _shift(0.5), aim=60),
    Fault("shift 1 sd", "age", _shift(1.0), aim=3),
    Fault("sd × 1.5", "age", _set(stretch=1.5)),
    Fault("ramp to 1 sd in 6 h", "age", _ramp),
    Fault("score shift .5 sd", "score", _shift(0.5), aim=60),
)
TRAFFIC_FAULTS = (
    TrafficFault("no event", 0.0, aim=3),
    TrafficFault("half the traffic", 0.5, aim=60),
)
