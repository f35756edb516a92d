"""The baseline of one subject at work: gathers, learns at midnight, says which series are in force.

A function of the closed panes and of the alerts on them. A new version takes effect at the first pane of a day (of a
week, where panes are of six hours or more), event time, UTC; panes before it keep what they were judged by.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.clean import Alerted, SpoiledDays
from driftgauge.detect.baseline.days import Days
from driftgauge.detect.baseline.distributions import Distributions
from driftgauge.detect.baseline.learn import Learned, days_of, days_told, learn
from driftgauge.detect.baseline.rows import Rows, completed, row_length
from driftgauge.detect.baseline.snapshot import decode_baseline, encode_baseline
from driftgauge.detect.baseline.version import Baseline, Watched
from driftgauge.detect.baseline.windows import Windows
from driftgauge.detect.baseline.within import (
    Movement,
    movement,
    short_scales,
    short_steps,
    step_movement,
)
from driftgauge.detect.history import History
from driftgauge.detect.hours import Hours
from driftgauge.detect.scale_noise import noise_at, noise_of_step
from driftgauge.profiles.contrasts import Contrasts
from driftgauge.profiles.scale_noise import MIN_WINDOWS, Panes
from driftgauge.profiles.season import CELLS, DAY, MIN_DAYS_WITH_WEEKENDS, is_weekend, season_at
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import value_tolerance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LONG_PANE = 6 * 3_600_000
# With a season in it, the mean of less than that may be off.
_MOST_OF_A_DAY = 20 * 3_600_000
_VERSION, _SPOILED = "baseline", "spoiled"


class ProductionBaseline:
    """`series`: those in force; of the profile, until production has told more. `version`: what was learned last."""

    def __init__(self, contrasts: Contrasts, pane_length: int) -> None:
        """Nothing learned yet."""
        self.version: Baseline | None = None
        self.series: tuple[Series, ...] = contrasts.series
        self._contrasts = contrasts
        self._pane_length = pane_length
        self._row_length = row_length(pane_length)
        self._watched = Watched.of(contrasts.layout, contrasts.series, pane_length)
        values = self._watched.values
        self._index = np.array([s.index for s in values], np.int64)
        self._slots = np.array([s.slot.index for s in values], np.int64)
        self._sd = np.array([s.sd for s in values])
        self._reference = np.array([s.reference for s in values])
        self._season_at_most = np.array([value_tolerance(s.name, s.sd, days_known=False) for s in values])
        scales = short_scales(pane_length)
        noise = [[noise_at(s, w, pane_length, MIN_WINDOWS) for s in values] for w in scales]
        self._scales = [(w, np.array([x.tau2 if x else 0.0 for x in at])) for w, at in zip(scales, noise, strict=True)]
        steps = short_steps(pane_length)
        by_step = [[noise_of_step(s, step, pane_length, MIN_WINDOWS) for s in values] for step in steps]
        self._steps = [(x, np.array([y.tau2 if y else 0.0 for y in at])) for x, at in zip(steps, by_step, strict=True)]
        self._rows = Rows(len(values))
        self._moved = (len(scales) + len(steps), len(Movement._fields), len(values))
        self._days = Days("within/", math.prod(self._moved))
        self._distributions = Distributions(self._watched)
        self._spoiled = SpoiledDays()
        self._stored: dict[str, bytes] = {}
        self._season = contrasts.season_by_cell

    def period(self, start: int) -> int:
        """Start (ms) of the period in which a pane starts; each begins with a version of its own."""
        length = DAY if self._pane_length < _LONG_PANE else 7 * DAY
        return start - start % length

    def season(self, starts: Ints) -> Floats:
        """By how much each series lies above its level in panes that start then (ms), float64 [P, S]."""
        return season_at(self._season, starts, self._pane_length)

    def turn(self, at: int, firing: Iterable[Alerted]) -> None:
        """A period begins at `at` (ms): learn from what lies before."""
        for alert in firing:
            self.note(alert)
        if self._first is None:
            return
        rows = self._rows.until(at)
        self._spoiled.settle(at, lambda day, slot: self._is_off(rows, day, slot))
        self._spoiled.forget(self._first)
        # The last hour of yesterday is complete with a pane of today.
        self._distributions.measure_days(at - DAY)
        slots = len(self._contrasts.layout.slots)
        clean = self._spoiled.clean(days_of(rows.starts), slots)
        told, learned = self._learn(rows, clean, at)
        weekends = clean[is_weekend(days_of(rows.starts))].any(axis=0)
        at_weekend = self._pane_length < DAY and bool(is_weekend(np.array([at], np.int64))[0])
        strange = np.asarray(at_weekend & ~weekends, np.bool_)
        self._take(Baseline(at, self._watched, told, learned, *self._windows(at), strange))

    def extend(self, history: History, fresh: int, hours: Hours) -> None:
        """Take the rows, and the `hours` of counts, that the last `fresh` panes of the history complete."""
        if len(self._index):
            self._extend_rows(history, fresh)
        if self._watched.windows or self._watched.whole_days:
            self._distributions.add(hours, history, fresh)

    def _extend_rows(self, history: History, fresh: int) -> None:
        panes = history.raw.keep + fresh
        starts, values, n = (ring.newest(panes) for ring in (history.starts, history.raw, history.n))
        begins = starts[:, 0].astype(np.int64)
        for row, whole in completed(begins, self._row_length):
            if self._rows.last is not None and row <= self._rows.last:
                continue
            # A row is made from as many panes, however many the history happens to hold.
            told = slice(max(whole.start, whole.stop - history.raw.keep), whole.stop)
            held = Panes.of(
                begins[told],
                values[told][:, self._index].astype(np.float64),
                n[told][:, self._index].astype(np.int64),
            )
            self._rows.add(row, held)
            if self._scales:
                moved = [movement(held.n, held.sums, w, wander, self._sd) for w, wander in self._scales]
                moved += [step_movement(held.n, held.sums, x, wander, self._sd) for x, wander in self._steps]
                self._days.at(row)[:] += np.array(moved).ravel()

    def note(self, alert: Alerted) -> None:
        """An alert that is over, or still fires when a period begins."""
        known = self._contrasts.layout.told_days >= MIN_DAYS_WITH_WEEKENDS
        if self.version is not None:
            known = known or bool(self.version.season_known()[alert.series.slot.index])
        self._spoiled.note(alert, season_known=known, since=self._first or alert.opened)

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """State fields as they are now (rows and days only if new), and fields that may be deleted."""
        fields = {**self._stored, _SPOILED: self._spoiled.encode()}
        gone: list[str] = []
        for part in (self._rows, self._days, self._distributions):
            fresh, old = part.changes()
            fields |= fresh
            gone += old
        return fields, gone

    def restore(self, fields: Mapping[str, bytes]) -> None:
        """Go on from stored fields. StateError if they don't fit."""
        self._rows.restore(fields)
        self._days.restore(fields)
        self._distributions.restore(fields)
        self._spoiled.decode(fields, _SPOILED, len(self._contrasts.layout.slots))
        if _VERSION in fields:
            self._take(decode_baseline(fields[_VERSION], self._watched))

    @property
    def _first(self) -> int | None:
        """Start (ms) of the oldest row or day; None if there is none."""
        return min((x for x in (self._rows.first, self._distributions.first) if x is not None), default=None)

    def _learn(self, rows: Panes, clean: Bools, at: int) -> tuple[Floats, Learned]:
        """Clean days by field, float64 [slots], and what the rows before `at` (ms) tell."""
        if not len(rows.starts):
            return np.zeros(clean.shape[1]), Learned(np.zeros((CELLS, len(self._index))), (), ())
        told = days_told(rows.starts, clean, at)
        days, moved = self._days.before(at)
        learned = learn(
            rows,
            self._row_length,
            (days, moved.reshape(len(days), *self._moved)),
            told=told[self._slots],
            clean=clean[:, self._slots],
            sd=self._sd,
            pane_length=self._pane_length,
        )
        return told, learned

    def _is_off(self, rows: Panes, day: int, slot: int) -> bool:
        """Whether a field's values lie off the profile in the mean of a whole day (start, ms), as no season does."""
        inside = (rows.starts >= day) & (rows.starts < day + DAY)
        if inside.sum() * self._row_length < _MOST_OF_A_DAY:
            return False
        n, sums = rows.n[inside].sum(axis=0), rows.sums[inside].sum(axis=0)
        mean = np.divide(sums, n, out=self._reference.copy(), where=n > 0)
        return bool(((np.abs(mean - self._reference) > self._season_at_most) & (self._slots == slot)).any())

    def _windows(self, at: int) -> tuple[Windows, Windows]:
        """What clean days tell of the short windows, and those before the last one of the day's."""
        days = self._distributions.before(at)
        clean = self._spoiled.clean(days.starts, len(self._contrasts.layout.slots))
        slot_of_cell = np.repeat(
            np.arange(clean.shape[1]), [slot.stop - slot.start for slot in self._contrasts.layout.slots]
        )
        counts = days.counts * clean[:, slot_of_cell]

        def windows(of: tuple[Series, ...], moments: Floats, held: slice) -> Windows:
            of_fields = clean[held, np.newaxis, [series.slot.index for series in of]]
            return Windows(
                counts[held].sum(axis=0) if of else np.zeros(0, np.int64),
                np.asarray((moments[held] * of_fields).sum(axis=0), np.float64),
            )

        before_last = slice(0, int(np.searchsorted(days.starts, at - DAY)))
        return (
            windows(self._watched.windows, days.hours, slice(None)),
            windows(self._watched.whole_days, days.whole, before_last),
        )

    def _take(self, version: Baseline) -> None:
        self.version = version
        # A version never changes, and a checkpoint comes every few seconds.
        self._stored = {_VERSION: encode_baseline(version)}
        self.series = version.series(self._contrasts.series)
        self._distributions.compare_with(version)
        season = self._contrasts.season_by_cell.copy()
        known = version.in_force()
        season[:, self._index[known]] = version.learned.season[:, known]
        self._season = season
