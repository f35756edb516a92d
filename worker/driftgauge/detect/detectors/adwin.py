"""ADWIN (river): changes of the mean of location, spread, share or score, on panes or on single events.

A candidate only: ADWIN sees any change, also one too small to matter, and its bound holds for independent values.
The life cycle confirms by effect. On panes it is fed the normalised series, on events every value (`detect/events`):
faster where events are independent, and full of false alarms where they are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from driftgauge.detect.events.adwin import AdwinScanner
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.events.streams import value_streams
from driftgauge.detect.on_blocks import BlockAlarm, OnBlocks
from driftgauge.detect.river_state import AdwinParameters
from driftgauge.detect.settings import override, place
from driftgauge.detect.types import Detector, DetectorContext


class Adwin(OnBlocks[AdwinParameters]):
    """One `river.drift.ADWIN` per value series (Bifet, Gavalda: Learning from time-changing data, 2007).

    Settings are river's: `delta`, `clock`, `max_buckets`, `min_window_length`, `grace_period`, on series in units of
    their own noise (see `normalise.py`), so one delta fits all. `statistic` is how far the window's mean moved when
    ADWIN cut it, in those units (it understates the shift: only the oldest buckets go); `threshold` is delta.
    """

    name: ClassVar[str] = "adwin"
    by_default: ClassVar[bool] = True
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "delta": 1e-4,
        "clock": 1,
        "max_buckets": 5,
        "min_window_length": 5,
        "grace_period": 10,
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        super().__init__(context, AdwinParameters.of(chosen), chosen)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh one, on panes or events; see the two classes for the settings. ValueError if one doesn't fit."""
        on, others = place(settings)
        return AdwinOnEvents(context, others) if on == "event" else cls(context, others)

    def look(self, test: Any, z: float) -> BlockAlarm | None:
        """See `OnBlocks`."""
        before = test.estimation
        test.update(z)
        if not test.drift_detected:
            return None
        moved = test.estimation - before or z - before
        return BlockAlarm(abs(moved), self._parameters.delta, "up" if moved > 0 else "down")


class AdwinOnEvents(OnEvents):
    """One `river.drift.ADWIN` per value series and source, on every event, in sd of the reference, clipped at 4.

    Settings are river's, and `confirm`. `clock`: looks at every 32nd value, as river by default: with every value it
    costs six times as much.
    """

    name: ClassVar[str] = "adwin"
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "delta": 1e-4,
        "clock": 32,
        "max_buckets": 5,
        "min_window_length": 5,
        "grace_period": 10,
        "confirm": True,
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        confirm = chosen.pop("confirm")
        self._parameters = AdwinParameters.of(chosen)
        super().__init__(context, value_streams(context.series), chosen, confirm=confirm)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh one. ValueError if a setting doesn't fit."""
        return cls(context, settings)

    def scanner(self) -> AdwinScanner:
        """Fresh windows."""
        return AdwinScanner(self._parameters, len(self._streams))
