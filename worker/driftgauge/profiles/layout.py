"""The flat order of a profile's cells: how a whole pane becomes one integer vector.

Fields stand in this order: the features as the profile lists them, then the score, then the label. Every stage
that touches counts (ingest, panes, detect) goes by a `Layout` and never by names in its loops.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.cells import numeric_index
from driftgauge.profiles.profile import CategoricalField, NumericField, Profile, SegmentReference

Role = Literal["feature", "score", "label"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One field's place: cells [start, stop) of the flat vector, of which the first `spec.bins` are value bins.

    `redacted`: its values and categories are shown to nobody.
    """

    index: int
    name: str
    role: Role
    spec: NumericField | CategoricalField
    start: int
    stop: int
    redacted: bool = False

    @property
    def shown_names(self) -> list[str]:
        """A name per cell that people may read: where redacted, numbers stand for bins and categories."""
        names = self.spec.cell_names
        if not self.redacted:
            return names
        word, bins = "bin" if isinstance(self.spec, NumericField) else "category", self.spec.bins
        return [*(f"{word} {i + 1} of {bins}" for i in range(bins)), *names[bins:]]

    def cell(self, special: str) -> int:
        """Flat index of a special cell (`missing`, `invalid`, `below`, ...). ValueError if it has none."""
        return self.start + self.spec.cell_names.index(special, self.spec.bins)


@dataclass(frozen=True, slots=True)
class SlotPositions:
    """A numeric slot's `bounds` (see `cells.NumericIndex`), and its stretch [start, stop) of the flat positions."""

    bounds: NDArray[np.float64]
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class NumericPositions:
    """The positions of all numeric slots, flat, and how counts per position become counts per cell.

    `size`: number of positions Q. `slots`: by slot index.
    """

    size: int
    slots: Mapping[int, SlotPositions]
    _cells: NDArray[np.int64]  # the cell of every position but the -inf ones
    _own: NDArray[np.int64]  # those positions
    _minus_infinity: NDArray[np.int64]  # the others, which share the cell of +inf
    _invalid: NDArray[np.int64]

    @classmethod
    def of(cls, slots: Sequence[Slot]) -> NumericPositions:
        """Made once per layout."""
        placed: dict[int, SlotPositions] = {}
        cells: list[int] = []
        for slot in slots:
            if isinstance(slot.spec, NumericField):
                index = numeric_index(slot.spec)
                placed[slot.index] = SlotPositions(index.bounds, len(cells), len(cells) + len(index.cells))
                cells += (index.cells + slot.start).tolist()
        first = np.array([p.start for p in placed.values()], np.int64)
        flat = np.array(cells, np.int64)
        own = np.setdiff1d(np.arange(len(flat)), first)
        return cls(len(flat), placed, flat[own], own, first, flat[first])

    def fold(self, positions: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Add counts per position, int64 [P, Q], to counts per cell, int64 [P, K]."""
        counts[:, self._cells] += positions[:, self._own]
        counts[:, self._invalid] += positions[:, self._minus_infinity]


@dataclass(frozen=True)
class Layout:
    """The slots of a profile. `size` is the length K of a pane's count vector.

    `told_days`: days of event time that the reference tells of; 0 if its rows have no times. `repeats`: the features of
    which it is watched how often their values repeat.
    """

    profile_hash: str
    slots: tuple[Slot, ...]
    told_days: float = 0.0
    repeats: tuple[Slot, ...] = ()

    @classmethod
    def of(cls, profile: Profile, repeats: Collection[str] = (), redacted: Collection[str] = ()) -> Layout:
        """The layout of a profile; the same always gives the same.

        `repeats`: features that are watched for repeats; `redacted`: those whose values are shown to nobody.
        """
        entries: list[tuple[str, Role, NumericField | CategoricalField]] = [
            (name, "feature", spec) for name, spec in profile.features.items()
        ]
        if profile.prediction and profile.prediction.score:
            entries.append(("score", "score", profile.prediction.score))
        if profile.prediction and profile.prediction.label:
            entries.append(("label", "label", profile.prediction.label))
        slots, start = [], 0
        for index, (name, role, spec) in enumerate(entries):
            stop = start + len(spec.counts)
            slots.append(Slot(index, name, role, spec, start, stop, role == "feature" and name in redacted))
            start = stop
        watched = tuple(slot for slot in slots if slot.role == "feature" and slot.name in repeats)
        return cls(profile.content_hash, tuple(slots), profile.reference.told_days, watched)

    def within(self, segment: SegmentReference) -> Layout:
        """The same cells under the same hash, with what the segment's rows held for the reference.

        Of repeats it holds nothing: rows are drawn from the whole.
        """
        own = segment.fields
        pairs = ((slot, slot.spec.model_copy(update=dict(own[slot.role, slot.name]))) for slot in self.slots)
        return replace(self, slots=tuple(replace(slot, spec=spec) for slot, spec in pairs), repeats=())

    @property
    def size(self) -> int:
        """Number of cells K."""
        return self.slots[-1].stop if self.slots else 0

    @cached_property
    def numeric(self) -> NumericPositions:
        """How to count the numeric slots."""
        return NumericPositions.of(self.slots)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """First cell of every slot, int64 [F]."""
        return np.array([s.start for s in self.slots], dtype=np.int64)

    @cached_property
    def features(self) -> tuple[Slot, ...]:
        """The slots that are counted from `features`."""
        return tuple(s for s in self.slots if s.role == "feature")

    @cached_property
    def keyed(self) -> tuple[Slot, ...]:
        """The features, those watched for repeats first: what rows are told apart by (`repeats.row_keys`)."""
        return (*self.repeats, *(s for s in self.features if s not in self.repeats))

    @cached_property
    def outputs(self) -> tuple[Slot, ...]:
        """The slots that are counted from `prediction` (score, label)."""
        return tuple(s for s in self.slots if s.role != "feature")

    @cached_property
    def reference(self) -> NDArray[np.int64]:
        """Reference counts of all cells, int64 [K]."""
        return np.array([c for s in self.slots for c in s.spec.counts], dtype=np.int64)
