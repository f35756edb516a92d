"""A partition at work: its task, the right to save it, and what the store holds of it.

Between the task, which says what its state is, and the store, which is only told what has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from driftgauge.runtime.tasks import IngestTask, Task
from driftgauge.state.base import Claim


@dataclass(slots=True)
class Owned:
    """`saved`: the fields the store holds (history rows by name only); `changed` and `deleted` wait to be saved.

    `restored`: whether it went on from a stored state.
    """

    task: Task
    claim: Claim
    saved: dict[str, bytes]
    saved_position: int
    changed: dict[str, bytes] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    paused: bool = False
    restored: bool = False

    @classmethod
    def of(
        cls, task: Task, claim: Claim, fields: Mapping[str, bytes], position: int, *, restored: bool = False
    ) -> Owned:
        """A partition whose state has just been loaded, or saved for the first time."""
        return cls(task, claim, _remembered(fields), position, restored=restored)

    def collect(self) -> bool:
        """Add what changed since the last save to what is waiting to be saved; whether there is anything."""
        if self.task.position == self.saved_position and not self.changed and not isinstance(self.task, IngestTask):
            return False
        fields, gone = self.task.changes()
        for name, data in fields.items():
            if self.saved.get(name) != data:
                self.changed[name] = data
            else:
                # It changed, that was not saved, and now it is as it was.
                self.changed.pop(name, None)
            # What was to go may be there anew: a watch that follows another one has fields of the same names.
            self.deleted.discard(name)
        # Open panes that have closed are fields the task no longer names. One that opened and closed while nothing
        # could be saved must not be saved either: it would close again.
        vanished = {n for n in (*self.saved, *self.changed) if n.startswith("open/") and n not in fields}
        for name in (*gone, *vanished):
            if name in self.changed and name not in fields:
                del self.changed[name]
            if name in self.saved:
                self.deleted.add(name)
        return bool(self.changed or self.deleted) or self.task.position != self.saved_position

    def settle(self, position: int) -> None:
        """What was waiting has been saved, with this position."""
        self.saved.update(_remembered(self.changed))
        for name in self.deleted:
            self.saved.pop(name, None)
        self.saved_position = position
        self.changed, self.deleted = {}, set()


def _remembered(fields: Mapping[str, bytes]) -> dict[str, bytes]:
    """History rows never change once written: that they are stored is all there is to remember of them."""
    return {name: b"" if _is_row(name) else data for name, data in fields.items()}


def _is_row(name: str) -> bool:
    return name.rpartition('"]')[2].startswith(("row/", "counts/"))
