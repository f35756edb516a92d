"""Our engine at pane level: the detectors and the life cycle that the detect stage runs, fed counts directly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.alerts.traffic_story import TrafficStep
from driftgauge.alerts.transition import Transition
from driftgauge.alerts.watch import SubjectWatch
from driftgauge.detect.traffic.limits import TRAFFIC
from driftgauge.engine.detect import watch_plan
from driftgauge.engine.model import Model
from driftgauge.panes.merge import Pane
from driftgauge.panes.sample import RowSample
from driftgauge.records import Source

_SOURCE = Source("quality", 0)
# Every so many panes the rows that a checkpoint would write are taken, or they would gather for a month.
_CHECKPOINT = 2048


class Alert(NamedTuple):
    """An alert that was opened: on which field and series, and when.

    `kind` of the series: rate, value, window or traffic, empty for other methods. `at`: end of the pane that decided
    (ms); `onset`: estimated (ms), None where a method estimates none.
    """

    field: str
    series: str
    kind: str
    at: int
    onset: int | None


class Watch:
    """One subject under watch, as the detect stage has it, fed counts directly."""

    def __init__(self, model: Model, saved: Mapping[str, bytes] | None = None) -> None:
        """Fresh, or going on from where another watch of the same model was saved."""
        self._model = model
        self._watch = SubjectWatch(watch_plan(model))
        self._fields: dict[str, bytes] = {}
        if saved is not None:
            self._fields.update(saved)
            self._watch.restore(saved)

    def run(
        self, starts: NDArray[np.int64], counts: NDArray[np.int64], samples: Sequence[RowSample | None] = ()
    ) -> list[Alert]:
        """Judge closed panes, oldest first; `counts` int64 [P, K]; `samples` of each, if any. What was opened."""
        model, opened = self._model, []
        for first in range(0, len(starts), _CHECKPOINT):
            part = slice(first, first + _CHECKPOINT)
            panes = [
                Pane(model.subject, model.layout.profile_hash, int(at), model.pane_length, row, 0, {_SOURCE: (0, 0)})
                for at, row in zip(starts[part], counts[part], strict=True)
            ]
            for pane, sample in zip(panes, samples[part], strict=False):
                pane.sample = sample
            steps = [*self._watch.advance(panes), *self._watch.be_silent(panes[-1].end)]
            opened += [_alert(step) for step in steps if step.event == "opened"]
            fresh, gone = self._watch.changes()
            self._fields.update(fresh)
            for name in gone:
                self._fields.pop(name, None)
        return opened

    def saved(self) -> Mapping[str, bytes]:
        """Its state, for other watches to go on from."""
        return dict(self._fields)


def _alert(step: Transition | TrafficStep) -> Alert:
    if isinstance(step, TrafficStep):
        return Alert(TRAFFIC, step.series, TRAFFIC, step.at, step.onset)
    series = step.series
    name = series.name if series.category is None else f"{series.name}[{series.category}]"
    return Alert(series.slot.name, name, series.kind, step.at, step.evidence.onset)
