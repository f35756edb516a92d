"""The words detectors speak: what they are built from, what they are fed, what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from driftgauge.detect.sensitivity import Sensitivity
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series

Direction = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Detection:
    """A detector's alarm on series `series` (index) at row `pane` of the block.

    `confirmed`: False asks the life cycle to confirm it by effect first (a candidate). `onset`: start (ms) of the pane
    in which the change began, if the detector estimates that itself; else None and the engine splits the ring.
    `window`: ms that the values behind the alarm span, where the detector compares windows. `partitions`: the sources
    whose events gave it, for detectors on single events. `of_own_past`: the series is told from its own past, and may
    have been off its reference all along or be back there now.
    """

    series: int
    pane: int
    detector: str
    statistic: float
    threshold: float
    direction: Direction
    confirmed: bool
    onset: int | None = None
    p_value: float | None = None
    window: int | None = None
    partitions: tuple[str, ...] = ()
    of_own_past: bool = False


@dataclass(frozen=True, slots=True)
class DetectorContext:
    """What a detector is built from, the same for every worker and restart.

    `looks`: panes per 30 days. `budget`: expected false alerts per subject and 30 days that this model may use in
    all; each detector takes its own share of it (documented in its file). `series`: all series of the subject.
    `pane_length`: ms.
    """

    series: Sequence[Series]
    pane_length: int
    looks: float
    budget: float


class Detector(Protocol):
    """One detection method over all series of one subject that it applies to, vectorised over them.

    Laws (tests/laws): updating with one block or with its splits gives equal detections and equal snapshots;
    `restore(snapshot())` goes on exactly; NaN values and n = 0 are skipped, never raise. `by_default`: whether it is on
    where the configuration doesn't name it.
    """

    name: ClassVar[str]
    by_default: ClassVar[bool]

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh detector. `settings` (plain JSON values) override the documented defaults; ValueError if unknown."""
        ...

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values, thresholds included: part of the analysis hash."""
        ...

    def update(self, block: PaneBlock) -> list[Detection]:
        """Feed closed panes, in order; detections ordered by (pane, series)."""
        ...

    def rebase(self, series: Sequence[Series]) -> None:
        """From the next pane on, tolerance and noise of the context's series are those that these have (same order).

        No part of the state: after a restore it is called before the next block too.
        """
        ...

    def sensitivity(self, events: float, panes: int, remembered: int) -> Sequence[Sensitivity]:
        """What it would find at `events` a pane within `panes` of them (two or more), where that can be told.

        `remembered`: panes that its history holds.
        """
        ...

    def snapshot(self) -> bytes:
        """State as bytes, versioned; equal states give equal bytes."""
        ...

    def restore(self, state: bytes) -> None:
        """Take a snapshot of a detector built from the same context. StateError if it doesn't fit."""
        ...
