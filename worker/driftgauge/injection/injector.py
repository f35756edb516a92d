"""Faults put into the rows of one source, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from driftgauge.injection.chosen import Chosen
from driftgauge.injection.faults import Fault
from driftgauge.injection.fields import ABSENT, Row
from driftgauge.injection.traffic import Delay, Drop
from driftgauge.records import Source


class Injector:
    """Puts faults into the rows of one source; `hits` counts per fault those that it changed, dropped or delayed."""

    def __init__(self, source: Source, faults: Sequence[Fault], seed: int) -> None:
        """None so far. `reorders`: whether records may be delayed."""
        self.reorders = any(fault.spec.kind == "delay" for fault in faults)
        self.hits = [0] * len(faults)
        self._faults = [(fault, _chosen(seed, fault, source), fault.begin()) for fault in faults]

    def put_into(self, row: Row, offset: int, time: int) -> int | None:
        """Change the row at `offset` with event time `time` (ms), fault after fault.

        By how many ms it comes later, mostly 0; None if it never comes.
        """
        later = 0
        for place, (fault, chosen, change) in enumerate(self._faults):
            if not fault.spec.within(time) or offset not in chosen:
                continue
            if isinstance(change, Drop):
                self.hits[place] += 1
                return None
            if isinstance(change, Delay):
                self.hits[place] += 1
                later += change.later
            elif fault.field is not None and (before := row.value(fault.field)) is not ABSENT:
                after = change.of(before, time)
                if type(after) is not type(before) or after != before:
                    row.put(fault.field, after)
                    self.hits[place] += 1
        return later


def _chosen(seed: int, fault: Fault, source: Source) -> Chosen:
    # Without the amounts, so that the records hit stay the same when they are varied.
    name = fault.spec.kind if fault.field is None else f"{fault.spec.kind} {fault.field.name}"
    return Chosen(seed, name, source, fault.share)
