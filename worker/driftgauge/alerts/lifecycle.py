"""The life cycle of a problem on a series: (nothing) -> candidate -> firing -> resolved; of a segment, also covered.

Detectors that agree on a series are one episode. A confirmed detection opens it at once. A candidate (river's
detectors) stays open until the effect since the estimated change has added up to what `confirm_panes` panes at the
smallest worthwhile effect would give, or until `horizon_panes` have passed: discarding a gated alarm instead would
lose the drift for ever, because the detector has reset itself. What a day shows against production's own days is a
candidate too, until that has lasted for a day without another alert on the field's distribution: by then the profile's
window of a day holds nothing else either, and one cause is one alert. A segment's episode is covered, which is to be
open but not published, while the alert of its model's whole tells it (see `whole.py`). All times are event time; the
same panes give the same transitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driftgauge.alerts.calm import events_to_resolve, is_back
from driftgauge.alerts.episode import Episode, Episodes, decode_episodes, encode_episodes
from driftgauge.alerts.evidence import evidence_of, note_agreed
from driftgauge.alerts.levels import Level, SeriesPast
from driftgauge.alerts.move import Move, move_on_average, move_to_now
from driftgauge.alerts.onset import (
    began,
    confirms,
    events_of_a_level,
    find_onset,
    find_onset_of_window,
    set_before,
)
from driftgauge.alerts.severity import SEVERITIES, severity_of
from driftgauge.alerts.transition import EventKind, Reason, Severity, Transition
from driftgauge.alerts.whole import Standing, Whole
from driftgauge.detect.baseline.clean import Alerted
from driftgauge.detect.history import History
from driftgauge.detect.normalise import wander_of
from driftgauge.detect.subject import Findings
from driftgauge.detect.types import Detection
from driftgauge.panes.merge import Pane
from driftgauge.panes.schedule import ALWAYS
from driftgauge.profiles.series import Series
from driftgauge.profiles.windows import DAY, against_baseline

# Where panes are long, a day is but a few of them: an open alert is repeated after at least this many.
_REPEAT_PANES = 24
# What a segment shows waits so many panes where the whole shows it too: by chance, or as its one pane was beyond any
# freak while two are wanted of the whole, it may be found there first.
_PATIENCE_PANES = 5


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
    whole: Whole | None = None


def repeat_interval(settings: LifecycleSettings, pane_length: int) -> int:
    """Event time (ms) after which an open alert is repeated: the configured interval, or 24 panes if that is longer."""
    return max(settings.repeat_interval, _REPEAT_PANES * pane_length)


class Lifecycle:
    """All episodes of one subject."""

    def __init__(self, series: Sequence[Series], pane_length: int, analysis: str, settings: LifecycleSettings) -> None:
        """No episodes yet. `analysis`: the model's analysis hash, part of every id.

        Of the last step: the alerts that `ended`, published or not, and a `timeline` of how it stood with all.
        """
        self._state = Episodes()
        self.rebase(series)
        self._length = pane_length
        self._analysis = analysis
        self._settings = settings
        self.ended: list[Alerted] = []
        self.timeline: list[Standing] = []

    def rebase(self, series: Sequence[Series]) -> None:
        """From the next pane on, the tolerance and the wander of the series are those that these have (same order)."""
        self._series = series
        self.by_key = {entry.key: entry for entry in series}
        self._wander = [wander_of(entry) for entry in series]

    def alerted(self, now: int) -> list[Alerted]:
        """The alerts that are open at `now` (ms), published or not.

        And the candidates whose days would be taken for what is usual.
        """
        running = [(self.by_key[key], episode) for key, episode in self.episodes.items()]
        return [
            Alerted(series, began(series, episode.onset), episode.opened_pane_end, now)
            for series, episode in running
            if episode.phase != "candidate" or against_baseline(series)
        ]

    def step(self, history: History, findings: Findings, whole: Whole | None = None) -> list[Transition]:
        """Take the block that was last added to `history`; transitions in order of panes, then of series.

        `whole`: of a segment, what its model's whole was at these panes.
        """
        out: list[Transition] = []
        self.ended, self.timeline = [], [self._standing_from(ALWAYS)]
        by_pane: dict[int, list[Detection]] = {}
        for detection in findings.detections:
            by_pane.setdefault(detection.pane, []).append(detection)
        for row, pane in enumerate(findings.panes):
            found = by_pane.get(row, [])
            if not found and not self.episodes:
                continue
            back = len(findings.panes) - 1 - row
            moment = _Moment(pane, back, history.total - back, whole)
            fresh = {self._note(history, moment, detection) for detection in found}
            for key in sorted(self.episodes, key=lambda k: self.by_key[k].index):
                if against_baseline(self.by_key[key]):
                    out += self._advance_alone(history, moment, key, alarmed=(key, False) in fresh)
                else:
                    out += self._advance(history, moment, key, confirmed=(key, True) in fresh)
            if out and out[-1].at == pane.end:
                self.timeline.append(self._standing_from(pane.start))
        return out

    def _standing_from(self, since: int) -> Standing:
        firing = {key: episode for key, episode in self.episodes.items() if episode.phase == "firing"}
        return Standing(since, firing, dict(self._state.calm_since))

    def moved(self, history: History, key: str, onset: int) -> Move | None:
        """How far a series has come since `onset` (ms), by the newest pane; None if there is no such series.

        From its level before, or the reference's where too few events tell that.
        """
        series = self.by_key.get(key)
        if series is None:
            return None
        past = SeriesPast.of(history, series.index, 0).since(self._state.calm_since.get(key))
        level = past.until(onset)
        known = series.kind != "window" and level.n >= events_of_a_level(series)
        return self._move_over(series, past.since(onset), level.mean if known else series.reference)

    def end(self, history: History, last: Pane) -> list[Transition]:
        """The profile that all this was judged by holds until the end of `last`: no episode goes on by another one."""
        moment = _Moment(last, 0, history.total)
        firing = [(self.by_key[key], episode) for key, episode in self.episodes.items() if episode.phase == "firing"]
        return [
            self._publish(history, moment, series, episode, "resolved", level, reason="profile_changed")
            for series, episode in sorted(firing, key=lambda entry: entry[0].index)
            for level in [self._level(history, moment, series, episode)]
        ]

    @property
    def episodes(self) -> dict[str, Episode]:
        """The candidates, the covered and the firing ones, by series key."""
        return self._state.running

    def snapshot(self) -> bytes:
        """All episodes as bytes."""
        return encode_episodes(self._state)

    def restore(self, data: bytes) -> None:
        """Take back the episodes; those of series that no longer exist are dropped."""
        stored = decode_episodes(data)
        running = {key: episode for key, episode in stored.running.items() if key in self.by_key}
        calm = {key: since for key, since in stored.calm_since.items() if key in self.by_key}
        self._state = Episodes(running=running, calm_since=calm)

    def _note(self, history: History, moment: _Moment, detection: Detection) -> tuple[str, bool]:
        """File a detection under its episode, opening a candidate if there is none."""
        series = self._series[detection.series]
        episode = self.episodes.get(series.key)
        if episode is None:
            episode = Episode("candidate", moment.tick, moment.pane.start, series.reference, 0, {}, moment.pane.end)
            self.episodes[series.key] = episode
            if against_baseline(series):
                find_onset_of_window(self._past(history, moment, series), moment.pane.start, series, episode)
        if detection.onset is not None and (episode.phase == "candidate"):
            episode.onset = detection.onset
            set_before(self._past(history, moment, series), series, episode)
        if series.kind == "value" and detection.confirmed and not detection.of_own_past:
            episode.off_reference = True
        note_agreed(episode, detection)
        return series.key, detection.confirmed and not self._reaches_back(moment, series, detection)

    def _reaches_back(self, moment: _Moment, series: Series, detection: Detection) -> bool:
        """Whether it may be of what the whole's alert has told before: few events leave a long window in doubt."""
        if moment.whole is None:
            return False
        begins = detection.onset if detection.onset is not None else moment.pane.end - (detection.window or 0)
        return begins < self._told_until(moment, moment.whole, series)

    def _told_until(self, moment: _Moment, whole: Whole, series: Series) -> int:
        """Ms, the earliest time by which the whole's last alert can have been resolved; long ago if there was none."""
        return whole.calm_since(series.key, moment.pane.start) + self._settings.resolve_panes * self._length

    def _calm_since(self, moment: _Moment, series: Series) -> int:
        """Ms, since when it was known to be calm last; of a segment also since the whole's alert told it no more."""
        own = self._state.calm_since.get(series.key, ALWAYS)
        return own if moment.whole is None else max(own, self._told_until(moment, moment.whole, series))

    def _advance(self, history: History, moment: _Moment, key: str, *, confirmed: bool) -> list[Transition]:
        episode, series = self.episodes[key], self.by_key[key]
        if episode.phase == "firing":
            return self._go_on(history, moment, series, episode)
        if episode.phase == "covered":
            return self._stay_covered(history, moment, series, episode, confirmed=confirmed)
        if confirmed or self._confirms(history, moment, series, episode):
            return self._open(history, moment, series, episode)
        if moment.tick - episode.since >= self._settings.horizon_panes:
            del self.episodes[key]
        return []

    def _advance_alone(self, history: History, moment: _Moment, key: str, *, alarmed: bool) -> list[Transition]:
        """Of a day against production's own ones, which is heard after all other series of its field."""
        episode, series = self.episodes[key], self.by_key[key]
        if episode.phase == "firing":
            if series.reference_n:
                return self._go_on(history, moment, series, episode)
            # So few days without an alert are left that nothing is known of how far they lie apart.
            self._end(moment, series, episode)
            level = self._level(history, moment, series, episode)
            return [self._publish(history, moment, series, episode, "resolved", level, reason="level_expired")]
        if episode.phase == "covered":
            return self._stay_covered(history, moment, series, episode, confirmed=alarmed)
        value = float(history.values.rows(moment.back)[-1, series.index])
        if not value > series.tolerance or self._is_told(series):
            del self.episodes[key]
        elif alarmed and moment.pane.end - episode.opened_pane_end >= DAY:
            return self._open(history, moment, series, episode)
        return []

    def _is_told(self, series: Series) -> bool:
        """Whether an alert is open, published or not, on another series of the distribution of its field."""
        others = (self.by_key[key] for key, episode in self.episodes.items() if episode.phase != "candidate")
        return any(
            other.slot.index == series.slot.index and other.kind != "rate" and other.index != series.index
            for other in others
        )

    def _confirms(self, history: History, moment: _Moment, series: Series, episode: Episode) -> bool:
        past, wander = self._past(history, moment, series), self._wander[series.index]
        return confirms(past, series, episode, wander, self._length, self._settings.confirm_panes)

    def _open(self, history: History, moment: _Moment, series: Series, episode: Episode) -> list[Transition]:
        if not episode.n_before and series.kind == "window":
            find_onset_of_window(self._past(history, moment, series), moment.pane.start, series, episode)
        elif not episode.n_before:
            find_onset(self._past(history, moment, series), moment.pane.start, series, episode)
        return self._begin(history, moment, series, episode)

    def _begin(self, history: History, moment: _Moment, series: Series, episode: Episode) -> list[Transition]:
        """From here on it is firing, or covered if the whole's alert tells it; or it waits for that."""
        move = self._move(history, moment, series, episode)
        moves = [move, *self._on_average(history, moment, series, episode)]
        told = moment.whole is not None and moment.whole.tells(moves, moment.pane.start)
        if moment.whole is not None and not told and episode.phase == "candidate":
            waits = moment.tick - episode.since < _PATIENCE_PANES
            if waits and moment.whole.moves_too(move, moment.pane.start, episode.onset):
                return []
        episode.since, episode.opened_pane_end, episode.analysis = moment.tick, moment.pane.end, self._analysis
        if told:
            episode.phase = "covered"
            return []
        episode.phase, episode.severity = "firing", severity_of(series, episode.before, move.level.mean)
        return [self._publish(history, moment, series, episode, "opened", move.level)]

    def _stay_covered(
        self, history: History, moment: _Moment, series: Series, episode: Episode, *, confirmed: bool
    ) -> list[Transition]:
        """A covered episode lasts as long as the whole's alert, or until it is told no more by that."""
        if moment.whole is None or not moment.whole.is_firing(series.key, moment.pane.start):
            self._end(moment, series, episode)
            self._state.calm_since[series.key] = self._calm_since(moment, series)
            return []
        return self._begin(history, moment, series, episode) if confirmed else []

    def _end(self, moment: _Moment, series: Series, episode: Episode) -> None:
        del self.episodes[series.key]
        self.ended.append(Alerted(series, began(series, episode.onset), episode.opened_pane_end, moment.pane.end))

    def _go_on(self, history: History, moment: _Moment, series: Series, episode: Episode) -> list[Transition]:
        if moment.tick - episode.since >= self._settings.resolve_panes:
            past = SeriesPast.of(history, series.index, moment.back)
            events = events_to_resolve(series, episode.before, past.since(episode.onset).distance(episode.before))
            calm = past.since(episode.opened_pane_end).calm(self._settings.resolve_panes, events)
            if calm is not None and is_back(series, episode, calm):
                self._end(moment, series, episode)
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

    def _level(self, history: History, moment: _Moment, series: Series, episode: Episode) -> Level:
        return self._move(history, moment, series, episode).level

    def _move(self, history: History, moment: _Moment, series: Series, episode: Episode) -> Move:
        past = SeriesPast.of(history, series.index, moment.back)
        return self._move_over(series, past.since(episode.onset), episode.before)

    def _on_average(self, history: History, moment: _Moment, series: Series, episode: Episode) -> list[Move]:
        """How far it has moved since its onset, in a mean that grows surer; none of windows, which overlap."""
        if series.kind == "window":
            return []
        past = SeriesPast.of(history, series.index, moment.back).since(episode.onset)
        return [move_on_average(past, series, episode.before, self._wander[series.index], self._length)]

    def _move_over(self, series: Series, past: SeriesPast, before: float) -> Move:
        return move_to_now(past, series, before, self._wander[series.index], self._length, self._settings.confirm_panes)

    def _past(self, history: History, moment: _Moment, series: Series) -> SeriesPast:
        """What a change point may be looked for in: the series since it was last known to be calm."""
        return SeriesPast.of(history, series.index, moment.back).since(self._calm_since(moment, series))

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
        transition = Transition(
            series,
            event,
            episode.severity,
            episode.opened_pane_end,
            moment.pane.end,
            episode.ordinal,
            episode.analysis,
            evidence_of(history, moment.pane, moment.back, series, episode, level, reason),
            {str(source): span for source, span in sorted(moment.pane.offsets.items())},
            superseded_by,
            reason,
        )
        episode.ordinal += 1
        episode.published_at = moment.pane.end
        return transition
