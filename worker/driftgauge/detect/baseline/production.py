"""The baseline of one subject at work: gathers, learns at midnight, says which series are in force.

A function of the closed panes and of the alerts on them. A new version takes effect at the first pane of a day (of a
week, where panes are of six hours or more), event time, UTC; panes before it keep what they were judged by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.clean import Alerted, SpoiledDays
from driftgauge.detect.baseline.distributions import Distributions
from driftgauge.detect.baseline.learn import days_of, days_told, learn
from driftgauge.detect.baseline.rows import Rows, completed, row_length
from driftgauge.detect.baseline.snapshot import decode_baseline, encode_baseline
from driftgauge.detect.baseline.version import Baseline, Watched
from driftgauge.detect.baseline.windows import Windows
from driftgauge.detect.baseline.within import Days, movement, short_scales
from driftgauge.detect.history import History
from driftgauge.detect.hours import Hours
from driftgauge.detect.scale_noise import noise_at
from driftgauge.profiles.contrasts import Contrasts
from driftgauge.profiles.scale_noise import MIN_WINDOWS, Panes
from driftgauge.profiles.season import DAY, MIN_DAYS_WITH_WEEKENDS, is_weekend, season_at
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import value_tolerance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
        values, windows = self._watched.values, self._watched.windows
        self._index = np.array([s.index for s in values], np.int64)
        self._slots = np.array([s.slot.index for s in values], np.int64)
        self._sd = np.array([s.sd for s in values])
        self._reference = np.array([s.reference for s in values])
        self._season_at_most = np.array([value_tolerance(s.name, s.sd, days_known=False) for s in values])
        scales = short_scales(pane_length)
        noise = [[noise_at(s, w, pane_length, MIN_WINDOWS) for s in values] for w in scales]
        self._scales = [(w, np.array([x.tau2 if x else 0.0 for x in at])) for w, at in zip(scales, noise, strict=True)]
        self._rows = Rows(len(values))
        self._days = Days(len(scales), len(values))
        self._distributions = Distributions(contrasts.layout.size, len(windows), self._watched.window)
        self._spoiled = SpoiledDays()
        self._compared: tuple[Series, ...] = ()
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
        rows = self._rows.until(at)
        if not len(rows.starts) or not len(self._index):
            return
        self._spoiled.settle(at, lambda day, slot: self._is_off(rows, day, slot))
        self._spoiled.forget(int(rows.starts[0]))
        slots = len(self._contrasts.layout.slots)
        clean = self._spoiled.clean(days_of(rows.starts), slots)
        told = days_told(rows.starts, clean, at)
        learned = learn(
            rows,
            self._row_length,
            self._days.before(at),
            told=told[self._slots],
            clean=clean[:, self._slots],
            sd=self._sd,
            pane_length=self._pane_length,
        )
        weekends = clean[is_weekend(days_of(rows.starts))].any(axis=0)
        at_weekend = self._pane_length < DAY and bool(is_weekend(np.array([at], np.int64))[0])
        strange = np.asarray(at_weekend & ~weekends, np.bool_)
        self._take(Baseline(at, self._watched, told, learned, self._windows(at), strange))

    def extend(self, history: History, fresh: int, hours: Hours) -> None:
        """Take the rows, and the `hours` of counts, that the last `fresh` panes of the history complete."""
        if not len(self._index):
            return
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
            self._days.add(row, [movement(held.n, held.sums, w, wander, self._sd) for w, wander in self._scales])
        if self._watched.windows:
            self._distributions.add(hours, history, fresh, self._compared)

    def note(self, alert: Alerted) -> None:
        """An alert that is over, or still fires when a period begins."""
        known = self._contrasts.layout.told_days >= MIN_DAYS_WITH_WEEKENDS
        if self.version is not None:
            known = known or bool(self.version.season_known()[alert.series.slot.index])
        self._spoiled.note(alert, season_known=known, since=self._rows.first or alert.opened)

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

    def _is_off(self, rows: Panes, day: int, slot: int) -> bool:
        """Whether a field's values lie off the profile in the mean of a whole day (start, ms), as no season does."""
        inside = (rows.starts >= day) & (rows.starts < day + DAY)
        if inside.sum() * self._row_length < _MOST_OF_A_DAY:
            return False
        n, sums = rows.n[inside].sum(axis=0), rows.sums[inside].sum(axis=0)
        mean = np.divide(sums, n, out=self._reference.copy(), where=n > 0)
        return bool(((np.abs(mean - self._reference) > self._season_at_most) & (self._slots == slot)).any())

    def _windows(self, at: int) -> Windows:
        days, counts, moments = self._distributions.before(at)
        clean = self._spoiled.clean(days, len(self._contrasts.layout.slots))
        slot_of_cell = np.repeat(
            np.arange(clean.shape[1]), [slot.stop - slot.start for slot in self._contrasts.layout.slots]
        )
        of_fields = clean[:, [series.slot.index for series in self._watched.windows]]
        return Windows(
            np.asarray((counts * clean[:, slot_of_cell]).sum(axis=0), np.int64),
            np.asarray((moments * of_fields[:, np.newaxis]).sum(axis=0), np.float64),
        )

    def _take(self, version: Baseline) -> None:
        self.version = version
        # A version never changes, and a checkpoint comes every few seconds.
        self._stored = {_VERSION: encode_baseline(version)}
        self.series = version.series(self._contrasts.series)
        self._compared = version.compared()
        season = self._contrasts.season_by_cell.copy()
        known = version.in_force()
        season[:, self._index[known]] = version.learned.season[:, known]
        self._season = season
