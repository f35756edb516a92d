"""The evidence of a transition: what an episode and the history show of it at the pane that decided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftgauge.alerts.episode import Agreed, Episode
from driftgauge.alerts.levels import Level, SeriesPast
from driftgauge.alerts.transition import DetectorEvidence, Evidence, Reason
from driftgauge.detect.history import History
from driftgauge.detect.types import Detection
from driftgauge.panes.merge import Pane
from driftgauge.profiles.series import Series
from driftgauge.profiles.windows import window_length, window_of


def note_agreed(episode: Episode, detection: Detection) -> None:
    """The numbers are those of a detector's first alarm, the partitions those of all of them."""
    agreed = episode.detectors.get(detection.detector)
    if agreed is None:
        numbers = (detection.statistic, detection.threshold, detection.p_value, detection.window)
        agreed = episode.detectors[detection.detector] = Agreed(*numbers)
    agreed.partitions = sorted({*agreed.partitions, *detection.partitions})


def evidence_of(
    history: History, pane: Pane, back: int, series: Series, episode: Episode, level: Level, reason: Reason | None
) -> Evidence:
    """Of an episode at `pane`, `back` panes before the newest of the history; `level`: where the series is now."""
    past = SeriesPast.of(history, series.index, back)
    slack = window_of(series) if series.kind == "window" else pane.length
    gap = level.mean - episode.before
    return Evidence(
        detectors=tuple(_evidence(name, agreed) for name, agreed in sorted(episode.detectors.items())),
        direction="up" if gap >= 0 else "down",
        before=episode.before,
        after=level.mean,
        effect_sd=gap / series.sd if series.kind == "value" and series.sd > 0 else None,
        onset=episode.onset,
        onset_earliest=episode.onset - slack,
        onset_latest=episode.onset + pane.length,
        n_before=episode.n_before,
        # Windows overlap, so their events can't be added up.
        n_after=level.n if series.kind == "window" else int(past.since(episode.onset).n.sum()),
        live_counts=_live_counts(history, pane, back, series, episode.onset)
        if reason != "level_expired"
        else np.empty(0, np.int64),
    )


def _evidence(name: str, agreed: Agreed) -> DetectorEvidence:
    numbers = (agreed.statistic, agreed.threshold, agreed.p_value, agreed.window)
    return DetectorEvidence(name, *numbers, tuple(agreed.partitions))


def _live_counts(history: History, pane: Pane, back: int, series: Series, onset: int) -> NDArray[np.int64]:
    if series.kind == "window" and window_of(series) > window_length(pane.length):
        return history.day_before(pane.start)[series.slot.start : series.slot.stop]
    starts = history.count_starts.rows(back)[:, 0].astype(np.int64)
    # Non-empty panes are remembered: after a gap they reach further back than the window does.
    since = starts >= (pane.end - window_of(series) if series.kind == "window" else onset)
    cells = history.counts.rows(back)[since, series.slot.start : series.slot.stop].astype(np.int64)
    total: NDArray[np.int64] = cells.sum(axis=0)
    return total
