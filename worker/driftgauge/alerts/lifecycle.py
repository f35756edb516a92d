"""The life cycle of a problem on a series: (nothing) -> candidate -> firing -> resolved.

Detectors that agree on a series are one episode. A confirmed detection opens it at once. A candidate (river's
detectors) stays open until the effect since the estimated change has added up to what `confirm_panes` panes at the
smallest worthwhile effect would give, or until `horizon_panes` have passed: discarding a gated alarm instead would
lose the drift for ever, because the detector has reset itself. What a day shows against production's own days is a
candidate too, until that has lasted for a day without another alert on the field's distribution: by then the profile's
window of a day holds nothing else either, and one cause is one alert. All times are event time; the same panes give
the same transitions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftgauge.alerts.episode import Agreed, Episode, Episodes, decode_episodes, encode_episodes
from driftgauge.alerts.levels import Level, SeriesPast
from driftgauge.alerts.severity import SEVERITIES, severity_of
from driftgauge.alerts.transition import DetectorEvidence, EventKind, Evidence, Reason, Severity, Transition
from driftgauge.detect.baseline.clean import Alerted
from driftgauge.detect.history import History
from driftgauge.detect.normalise import wander_of
from driftgauge.detect.subject import Findings
from driftgauge.detect.types import Detection
from driftgauge.panes.merge import Pane
from driftgauge.profiles.series import Series
from driftgauge.profiles.windows import DAY, against_baseline, window_length, window_of

# Where panes are long, a day is but a few of them: an open alert is repeated after at least this many.
_REPEAT_PANES = 24
# The level a rate has *now* is that of its last few panes, or of as many as hold so many events; a value needs more
# panes to be told from noise.
_RATE_PANES = 5
_RATE_EVENTS = 100
_CONFIRM_MIN_PANES = 3
# A candidate's change must stand out by so many standard deviations from how far the series wandered by itself in the
# reference. The cut is the best of many, and near the end of what is remembered every pane brings a new one: four were
# reached by chance.
_CONFIRM_NOISE = 5.0


@dataclass(frozen=True, slots=True)
class LifecycleSettings:
    """Durations in panes, except `repeat_interval` (ms)."""

    confirm_panes: int = 30
    horizon_panes: int = 240
    resolve_panes: int = 30
    repeat_interval: int = 86_400_000


@dataclass(frozen=True, slots=True)
class _Moment:
    """A pane as the life cycle sees it: `back` panes before the newest of the history, number `tick` ever."""

    pane: Pane
    back: int
    tick: int


def repeat_interval(settings: LifecycleSettings, pane_length: int) -> int:
    """Event time (ms) after which an open alert is repeated: the configured interval, or 24 panes if that is longer."""
    return max(settings.repeat_interval, _REPEAT_PANES * pane_length)


def began(series: Series, onset: int) -> int:
    """From when (ms) on nothing usual is to be learned of what began at `onset`.

    Days that lie off production's own ones by a part count as their wander, so there the whole window is left out.
    """
    return onset - window_of(series) if against_baseline(series) else onset


def _events_of_a_level(series: Series) -> float:
    """Events from which a mean is known to within half the tolerance (one standard error)."""
    return (2 * series.sd / series.tolerance) ** 2


def events_to_resolve(series: Series, before: float, effect: float) -> float:
    """Events that a calm stretch must hold before it says that an effect of this size is over.

    So many that, were it not over, they would have to lie four standard errors off to look calm, that is within half
    the tolerance of the level `before`: a lasting effect is looked at for weeks. Infinite for one that is no larger.
    """
    if series.kind == "window":
        return 0.0
    room = effect - series.tolerance / 2
    if room <= 0:
        return math.inf
    # Of a share or rate the events vary by what it is now; a fall counts by what it was.
    level = min(0.5, before + effect)
    variance = level * (1 - level) if series.kind == "rate" or series.category is not None else series.sd**2
    return 16 * variance / room**2


class Lifecycle:
    """All episodes of one subject."""

    def __init__(self, series: Sequence[Series], pane_length: int, analysis: str, settings: LifecycleSettings) -> None:
        """No episodes yet. `analysis`: the model's analysis hash, part of every id."""
        self._state = Episodes()
        self.rebase(series)
        self._length = pane_length
        self._analysis = analysis
        self._settings = settings

    def rebase(self, series: Sequence[Series]) -> None:
        """From the next pane on, the tolerance and the wander of the series are those that these have (same order)."""
        self._series = series
        self._by_key = {entry.key: entry for entry in series}
        self._wander = [wander_of(entry) for entry in series]

    def firing(self, now: int) -> list[Alerted]:
        """The alerts that are open at `now` (ms), and the candidates whose days would be taken for what is usual."""
        running = [(self._by_key[key], episode) for key, episode in self.episodes.items()]
        return [
            Alerted(series, began(series, episode.onset), episode.opened_pane_end, now)
            for series, episode in running
            if episode.phase == "firing" or against_baseline(series)
        ]

    def step(self, history: History, findings: Findings) -> list[Transition]:
        """Take the block that was last added to `history`; transitions in order of panes, then of series."""
        out: list[Transition] = []
        by_pane: dict[int, list[Detection]] = {}
        for detection in findings.detections:
            by_pane.setdefault(detection.pane, []).append(detection)
        for row, pane in enumerate(findings.panes):
            found = by_pane.get(row, [])
            if not found and not self.episodes:
                continue
            back = len(findings.panes) - 1 - row
            moment = _Moment(pane, back, history.total - back)
            fresh = {self._note(history, moment, detection) for detection in found}
            for key in sorted(self.episodes, key=lambda k: self._by_key[k].index):
                if against_baseline(self._by_key[key]):
                    out += self._advance_alone(history, moment, key, alarmed=(key, False) in fresh)
                else:
                    out += self._advance(history, moment, key, confirmed=(key, True) in fresh)
        return out

    def end(self, history: History, last: Pane) -> list[Transition]:
        """The profile that all this was judged by holds until the end of `last`: no episode goes on by another one."""
        moment = _Moment(last, 0, history.total)
        firing = [(self._by_key[key], episode) for key, episode in self.episodes.items() if episode.phase == "firing"]
        return [
            self._publish(history, moment, series, episode, "resolved", level, reason="profile_changed")
            for series, episode in sorted(firing, key=lambda entry: entry[0].index)
            for level in [self._level(history, moment, series, episode)]
        ]

    @property
    def episodes(self) -> dict[str, Episode]:
        """The candidates and the firing ones, by series key."""
        return self._state.running

    def snapshot(self) -> bytes:
        """All episodes as bytes."""
        return encode_episodes(self._state)

    def restore(self, data: bytes) -> None:
        """Take back the episodes; those of series that no longer exist are dropped."""
        stored = decode_episodes(data)
        running = {key: episode for key, episode in stored.running.items() if key in self._by_key}
        calm = {key: since for key, since in stored.calm_since.items() if key in self._by_key}
        self._state = Episodes(running=running, calm_since=calm)

    def _note(self, history: History, moment: _Moment, detection: Detection) -> tuple[str, bool]:
        """File a detection under its episode, opening a candidate if there is none."""
        series = self._series[detection.series]
        episode = self.episodes.get(series.key)
        if episode is None:
            episode = Episode("candidate", moment.tick, moment.pane.start, series.reference, 0, {}, moment.pane.end)
            self.episodes[series.key] = episode
            if against_baseline(series):
                self._find_onset_of_window(history, moment, series, episode)
        if detection.onset is not None and (episode.phase == "candidate"):
            episode.onset = detection.onset
            self._set_before(history, moment, series, episode)
        if series.kind == "value" and detection.confirmed and not detection.of_own_past:
            episode.off_reference = True
        _note_agreed(episode, detection)
        return series.key, detection.confirmed

    def _advance(self, history: History, moment: _Moment, key: str, *, confirmed: bool) -> list[Transition]:
        episode, series = self.episodes[key], self._by_key[key]
        if episode.phase == "firing":
            return self._go_on(history, moment, series, episode)
        if confirmed or self._confirms(history, moment, series, episode):
            return self._open(history, moment, series, episode)
        if moment.tick - episode.since >= self._settings.horizon_panes:
            del self.episodes[key]
        return []

    def _advance_alone(self, history: History, moment: _Moment, key: str, *, alarmed: bool) -> list[Transition]:
        """Of a day against production's own ones, which is heard after all other series of its field."""
        episode, series = self.episodes[key], self._by_key[key]
        if episode.phase == "firing":
            if series.reference_n:
                return self._go_on(history, moment, series, episode)
            # So few days without an alert are left that nothing is known of how far they lie apart.
            del self.episodes[key]
            level = self._level(history, moment, series, episode)
            return [self._publish(history, moment, series, episode, "resolved", level, reason="level_expired")]
        value = float(history.values.rows(moment.back)[-1, series.index])
        if not value > series.tolerance or self._is_told(series):
            del self.episodes[key]
        elif alarmed and moment.pane.end - episode.opened_pane_end >= DAY:
            return self._open(history, moment, series, episode)
        return []

    def _is_told(self, series: Series) -> bool:
        """Whether an alert is open on another series of the distribution of its field."""
        firing = (self._by_key[key] for key, episode in self.episodes.items() if episode.phase == "firing")
        return any(
            other.slot.index == series.slot.index and other.kind != "rate" and other.index != series.index
            for other in firing
        )

    def _confirms(self, history: History, moment: _Moment, series: Series, episode: Episode) -> bool:
        split = self._past(history, moment, series).split()
        if split is None:
            return False
        episode.onset, episode.before, episode.n_before = split.onset, split.before.mean, split.before.n
        gap = split.after.mean - split.before.mean
        # Of a rate only a rise matters.
        effect = gap if series.kind == "rate" else abs(gap)
        panes = min(split.after.panes, self._settings.confirm_panes)
        needed = series.tolerance * self._settings.confirm_panes
        if panes < _CONFIRM_MIN_PANES or effect * panes < needed:
            return False
        wander = self._wander[series.index]
        noise = sum(
            wander.over(level.panes * self._length) + series.sd**2 / level.n for level in (split.before, split.after)
        )
        return effect >= _CONFIRM_NOISE * math.sqrt(noise)

    def _open(self, history: History, moment: _Moment, series: Series, episode: Episode) -> list[Transition]:
        if not episode.n_before and series.kind == "window":
            self._find_onset_of_window(history, moment, series, episode)
        elif not episode.n_before:
            self._find_onset(history, moment, series, episode)
        episode.phase, episode.since = "firing", moment.tick
        episode.opened_pane_end, episode.analysis = moment.pane.end, self._analysis
        level = self._level(history, moment, series, episode)
        episode.severity = severity_of(series, episode.before, level.mean)
        return [self._publish(history, moment, series, episode, "opened", level)]

    def _go_on(self, history: History, moment: _Moment, series: Series, episode: Episode) -> list[Transition]:
        if moment.tick - episode.since >= self._settings.resolve_panes:
            past = SeriesPast.of(history, series.index, moment.back)
            events = events_to_resolve(series, episode.before, past.since(episode.onset).distance(episode.before))
            calm = past.since(episode.opened_pane_end).calm(self._settings.resolve_panes, events)
            if calm is not None and self._is_back(series, episode, calm):
                del self.episodes[series.key]
                self._state.calm_since[series.key] = int(past.starts[-calm.panes])
                return [self._publish(history, moment, series, episode, "resolved", calm)]
        level = self._level(history, moment, series, episode)
        severity = severity_of(series, episode.before, level.mean)
        if SEVERITIES.index(severity) > SEVERITIES.index(episode.severity):
            gone = self._publish(history, moment, series, episode, "resolved", level, superseded_by=severity)
            episode.severity = severity
            return [gone, self._publish(history, moment, series, episode, "escalated", level)]
        if moment.pane.end - episode.published_at >= repeat_interval(self._settings, self._length):
            return [self._publish(history, moment, series, episode, "repeat", level)]
        return []

    @staticmethod
    def _is_back(series: Series, episode: Episode, level: Level) -> bool:
        """Back within half the smallest worthwhile effect of where it was. A series without events says nothing.

        One that was off its reference must be back there too, or it would be off it again at once.
        """
        if not level.n:
            return False
        if series.kind == "value":
            was = abs(level.mean - episode.before) <= series.tolerance / 2
            if not episode.off_reference:
                return was
            off = abs(level.mean - series.reference)
            return off <= series.tolerance / 2 or (was and off <= series.tolerance)
        return level.mean <= max(episode.before, series.reference) + series.tolerance / 2

    def _level(self, history: History, moment: _Moment, series: Series, episode: Episode) -> Level:
        past = SeriesPast.of(history, series.index, moment.back).since(episode.onset)
        if series.kind == "rate":
            return past.recent(_RATE_PANES, _RATE_EVENTS)
        return past.last(self._settings.confirm_panes if series.kind == "value" else 1)

    def _past(self, history: History, moment: _Moment, series: Series) -> SeriesPast:
        """What a change point may be looked for in: the series since it was last known to be calm."""
        past = SeriesPast.of(history, series.index, moment.back)
        return past.since(self._state.calm_since.get(series.key))

    def _find_onset_of_window(self, history: History, moment: _Moment, series: Series, episode: Episode) -> None:
        split = self._past(history, moment, series).split()
        episode.onset = split.onset if split else moment.pane.start
        episode.before, episode.n_before = series.reference, series.reference_n

    def _find_onset(self, history: History, moment: _Moment, series: Series, episode: Episode) -> None:
        """Of a series found off its reference: the best cut, or the first pane known if it was off all along."""
        past = self._past(history, moment, series)
        # A pane alone may have been enough to decide.
        split = past.split(after=1)
        if split is not None and split.before.n >= _events_of_a_level(series):
            was, now = (level.mean - series.reference for level in (split.before, split.after))
            changed = abs(now - was) > series.tolerance and abs(now) > abs(was)
            if changed or abs(was) <= series.tolerance:
                episode.onset, episode.before, episode.n_before = split.onset, split.before.mean, split.before.n
                return
        episode.onset = int(past.starts[0]) if len(past.starts) else moment.pane.start
        episode.before, episode.n_before = series.reference, series.reference_n

    def _set_before(self, history: History, moment: _Moment, series: Series, episode: Episode) -> None:
        level = self._past(history, moment, series).until(episode.onset)
        off = level.mean - series.reference
        # A series that was off its reference by then had left it earlier than is estimated.
        known = level.n >= _RATE_EVENTS and (off if series.kind == "rate" else abs(off)) <= series.tolerance
        episode.before = level.mean if known else series.reference
        episode.n_before = level.n if known else series.reference_n

    def _publish(
        self,
        history: History,
        moment: _Moment,
        series: Series,
        episode: Episode,
        event: EventKind,
        level: Level,
        *,
        superseded_by: Severity | None = None,
        reason: Reason | None = None,
    ) -> Transition:
        past = SeriesPast.of(history, series.index, moment.back)
        slack = window_of(series) if series.kind == "window" else self._length
        gap = level.mean - episode.before
        evidence = Evidence(
            detectors=tuple(_evidence(name, agreed) for name, agreed in sorted(episode.detectors.items())),
            direction="up" if gap >= 0 else "down",
            before=episode.before,
            after=level.mean,
            effect_sd=gap / series.sd if series.kind == "value" and series.sd > 0 else None,
            onset=episode.onset,
            onset_earliest=episode.onset - slack,
            onset_latest=episode.onset + self._length,
            n_before=episode.n_before,
            # Windows overlap, so their events can't be added up.
            n_after=level.n if series.kind == "window" else int(past.since(episode.onset).n.sum()),
            live_counts=_live_counts(history, moment, series, episode.onset)
            if reason != "level_expired"
            else np.empty(0, np.int64),
        )
        transition = Transition(
            series,
            event,
            episode.severity,
            episode.opened_pane_end,
            moment.pane.end,
            episode.ordinal,
            episode.analysis,
            evidence,
            {str(source): span for source, span in sorted(moment.pane.offsets.items())},
            superseded_by,
            reason,
        )
        episode.ordinal += 1
        episode.published_at = moment.pane.end
        return transition


def _note_agreed(episode: Episode, detection: Detection) -> None:
    """The numbers are those of a detector's first alarm, the partitions those of all of them."""
    agreed = episode.detectors.get(detection.detector)
    if agreed is None:
        numbers = (detection.statistic, detection.threshold, detection.p_value, detection.window)
        agreed = episode.detectors[detection.detector] = Agreed(*numbers)
    agreed.partitions = sorted({*agreed.partitions, *detection.partitions})


def _evidence(name: str, agreed: Agreed) -> DetectorEvidence:
    numbers = (agreed.statistic, agreed.threshold, agreed.p_value, agreed.window)
    return DetectorEvidence(name, *numbers, tuple(agreed.partitions))


def _live_counts(history: History, moment: _Moment, series: Series, onset: int) -> NDArray[np.int64]:
    back = moment.back
    if series.kind == "window" and window_of(series) > window_length(moment.pane.length):
        return history.day_before(moment.pane.start)[series.slot.start : series.slot.stop]
    starts = history.count_starts.rows(back)[:, 0].astype(np.int64)
    # Non-empty panes are remembered: after a gap they reach further back than the window does.
    since = starts >= (moment.pane.end - window_of(series) if series.kind == "window" else onset)
    cells = history.counts.rows(back)[since, series.slot.start : series.slot.stop].astype(np.int64)
    total: NDArray[np.int64] = cells.sum(axis=0)
    return total
