"""A version of the baseline: what was learned up to one midnight, in force until the next one. Never changed.

It is what detectors are given as the series of now: those of the profile, with production's season and noise, and its
distributions for short windows, where production has told more than the profile could; and those for a day's, which
are production's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.learn import Learned
from driftgauge.detect.baseline.windows import Windows
from driftgauge.detect.baseline.within import short_steps
from driftgauge.durations import format_duration
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import PsiNoise, SeriesNoise, StepNoise
from driftgauge.profiles.scale_noise import MIN_WINDOWS, WindowSpread, as_noise
from driftgauge.profiles.season import DAY, HOUR, MIN_DAYS, MIN_DAYS_WITH_WEEKENDS
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import BASELINE_DAYS, PSI_WINDOWS, psi_tolerance, value_tolerance
from driftgauge.profiles.windows import against_baseline, window_length, window_of

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A series with fewer windows isn't measured.
_LEAST_WINDOWS = 20
# Days from which more is told: how far hours lie apart; the season of a day; the weekends. A reference of two weeks
# knows all of that: production's last weeks may be part of a slow drift, which they would take for wander.
_STAGES = (1, MIN_DAYS, MIN_DAYS_WITH_WEEKENDS)


class Watched(NamedTuple):
    """What a baseline is learned of: the value series, and where panes are below an hour windows of fields.

    `windows`: the short ones, of `window` ms; `steps`: those of values within an hour, as (length, before) ms. All of
    these are left to the reference where that tells of as much as production ever could. `whole_days`: the day's, which
    are held against production alone.
    """

    layout: Layout
    values: tuple[Series, ...]
    windows: tuple[Series, ...]
    whole_days: tuple[Series, ...]
    window: int
    steps: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, layout: Layout, series: Sequence[Series], pane_length: int) -> Watched:
        """Chosen from all series of a subject."""
        values = tuple(s for s in series if s.kind == "value" and s.sd > 0 and s.reference_n > 0)
        short = window_length(pane_length)
        steps = tuple((after * pane_length, before * pane_length) for after, before in short_steps(pane_length))
        whole_days = tuple(s for s in series if against_baseline(s))
        if layout.told_days >= _STAGES[-1]:
            return cls(layout, (), (), whole_days, short, steps)
        fields = (s for s in series if s.kind == "window" and s.reference_n > 0 and window_of(s) == short)
        return cls(layout, values, tuple(fields) if pane_length < HOUR else (), whole_days, short, steps)


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What was learned of `watched` from what lies before `at` (ms). `days` float64 [slots]: clean ones, by field.

    `strange` bool [slots]: it holds at a weekend, and none is among those days. `whole` is what day's windows are held
    against: the clean days before the last one, which those that end today reach into.
    """

    at: int
    watched: Watched
    days: Floats
    learned: Learned
    windows: Windows
    whole: Windows
    strange: Bools

    @property
    def whole_until(self) -> int:
        """End (ms) of the last day that can be in `whole`."""
        return self.at - DAY

    def in_force(self) -> Bools:
        """For which value series it takes the place of the profile's reference; bool [V]."""
        if not self.learned.spreads:
            return np.zeros(len(self.watched.values), np.bool_)
        measured = self.learned.spreads[0].windows >= _LEAST_WINDOWS
        return np.asarray(self._tells_more(self.watched.values) & measured)

    def windows_in_force(self) -> Bools:
        """The same for the short windows; bool [F]."""
        return np.asarray(self._tells_more(self.watched.windows) & (self.windows.moments[0] >= PSI_WINDOWS))

    def whole_days_in_force(self) -> Bools:
        """Which days' windows there is enough to hold against for; bool [G]."""
        return np.asarray(self.whole.moments[0] >= BASELINE_DAYS)

    def season_known(self) -> Bools:
        """For which fields the season of a week would be known by now; bool [slots]."""
        return np.asarray(self.days >= MIN_DAYS_WITH_WEEKENDS)

    def compared(self) -> tuple[Series, ...]:
        """The short windows as held against production; none before the first whole day."""
        if not self.windows.counts.any() or not (self.days >= 1).all():
            return ()
        return tuple(self._window(i, series) for i, series in enumerate(self.watched.windows))

    def whole_days_compared(self) -> tuple[Series, ...]:
        """The day's windows as held against production; a field may have no event in what it is held against."""
        return tuple(self._whole_day(i, series) for i, series in enumerate(self.watched.whole_days))

    def series(self, of_profile: Sequence[Series]) -> tuple[Series, ...]:
        """All series of the subject as they are in force."""
        out = list(of_profile)
        for position, known in enumerate(self.in_force()):
            if known:
                series = self.watched.values[position]
                known_day = not self.strange[series.slot.index]
                tolerance = value_tolerance(series.name, series.sd, days_known=known_day) * series.minimum_effect
                noise = self._noise(position, series)
                out[series.index] = replace(self._own(series), noise=noise, tolerance=tolerance)
        for position, known in enumerate(self.windows_in_force()):
            if known:
                series = self.watched.windows[position]
                out[series.index] = self._window(position, series)
        for position, known in enumerate(self.whole_days_in_force()):
            if known:
                series = self.watched.whole_days[position]
                out[series.index] = self._whole_day(position, series)
        return tuple(out)

    def _tells_more(self, series: Sequence[Series]) -> Bools:
        days = self.days[[s.slot.index for s in series]]
        stage, told = (np.searchsorted(_STAGES, x, side="right") for x in (days, self.watched.layout.told_days))
        return np.asarray(stage > told)

    def _window(self, position: int, series: Series) -> Series:
        days_known = not self.strange[series.slot.index]

        def tolerance(noise: PsiNoise) -> float:
            return psi_tolerance(noise, days_known=days_known) * series.minimum_effect

        return self.windows.series(self._own(series), position, self.watched.window, tolerance)

    def _whole_day(self, position: int, series: Series) -> Series:
        told = float(self.whole.moments[0, position])
        own = replace(series, told_days=told, baseline=self.whole_until)
        return self.whole.series(own, position, DAY, lambda _: series.tolerance)

    def _own(self, series: Series) -> Series:
        return replace(series, told_days=float(self.days[series.slot.index]), baseline=self.at)

    def _noise(self, position: int, series: Series) -> SeriesNoise:
        learned = self.learned
        spreads = [WindowSpread(*(part[position] for part in spread)) for spread in learned.spreads]
        steps = [WindowSpread(*(part[position] for part in spread)) for spread in learned.steps]
        scales = [
            as_noise(format_duration(length), spread)
            for length, spread in zip(learned.lengths, spreads, strict=True)
            if spread.windows >= MIN_WINDOWS
        ]
        first = scales[0]
        season = learned.season[:, position]
        return SeriesNoise(
            length=first.length,
            panes=first.windows,
            mean=series.reference,
            variance=first.variance,
            lag1=0.0,
            mean_n=first.events,
            scales=scales,
            steps=[
                StepNoise(**as_noise(format_duration(after), spread).model_dump(), before=format_duration(before))
                for (after, before), spread in zip(self.watched.steps, steps, strict=False)
                if spread.windows >= MIN_WINDOWS
            ],
            season=season.tolist() if season.any() else [],
        )
