"""Page-Hinkley (river): a mean that leaves its own past level, on panes or on single events.

A candidate only, as ADWIN's: the life cycle confirms by effect. Faster than ADWIN on large shifts, since it needs
no minimum of values after the change. On panes it is fed the normalised series, on events every value
(`detect/events`): faster where events are independent, and full of false alarms where they are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.events.page_hinkley import PageHinkleyScanner, side
from driftgauge.detect.events.streams import value_streams
from driftgauge.detect.on_blocks import BlockAlarm, OnBlocks
from driftgauge.detect.river_state import PAGE_HINKLEY_SIZE, PageHinkleyParameters
from driftgauge.detect.settings import override, place
from driftgauge.detect.types import Detector, DetectorContext


class PageHinkley(OnBlocks[PageHinkleyParameters]):
    """One `river.drift.PageHinkley` per value series (Page: Continuous inspection schemes, 1954).

    Settings are river's: `min_instances`, `delta`, `threshold`, `alpha`, `mode`, on series in units of their own
    noise (see `normalise.py`). alpha is 1, not river's .9999: a fading sum wanders over any threshold by itself.
    `statistic` is the excess of the cumulative sum over its extreme, in the units of `threshold`.
    """

    name: ClassVar[str] = "page_hinkley"
    by_default: ClassVar[bool] = True
    size: ClassVar[int | None] = PAGE_HINKLEY_SIZE
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "min_instances": 30,
        "delta": 0.5,
        "threshold": 10.0,
        "alpha": 1.0,
        "mode": "both",
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        super().__init__(context, PageHinkleyParameters.of(chosen), chosen)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh one, on panes or events; see the two classes for the settings. ValueError if one doesn't fit."""
        on, others = place(settings)
        return PageHinkleyOnEvents(context, others) if on == "event" else cls(context, others)

    def look(self, test: Any, z: float) -> BlockAlarm | None:
        """See `OnBlocks`. Which side fired river doesn't tell, but its sums still stand until its next update."""
        test.update(z)
        if not test.drift_detected:
            return None
        up = test._sum_increase - test._min_increase  # noqa: SLF001
        down = test._max_decrease - test._sum_decrease  # noqa: SLF001
        direction, excess = side(up, down, self._parameters.mode)
        return BlockAlarm(excess, self._parameters.threshold, direction)


class PageHinkleyOnEvents(OnEvents):
    """river's Page-Hinkley per value series and source, on every event, in sd of the reference, clipped at 4.

    Settings are river's, and `confirm`. `delta` and `threshold` are .25 and 30 here: one false alarm in ten million
    independent values, and half a sd is found after some 100.
    """

    name: ClassVar[str] = "page_hinkley"
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "min_instances": 30,
        "delta": 0.25,
        "threshold": 30.0,
        "alpha": 1.0,
        "mode": "both",
        "confirm": True,
    }

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        confirm = chosen.pop("confirm")
        self._parameters = PageHinkleyParameters.of(chosen)
        super().__init__(context, value_streams(context.series), chosen, confirm=confirm)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh one. ValueError if a setting doesn't fit."""
        return cls(context, settings)

    def scanner(self) -> PageHinkleyScanner:
        """Fresh tests."""
        return PageHinkleyScanner(self._parameters, len(self._streams))
