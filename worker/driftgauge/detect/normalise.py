"""What river's detectors are fed: block means of value series, in units of their own noise.

river's detectors assume independent values of a known scale, and alarm for ever where panes are correlated. So
deviations from the reference are averaged over blocks of panes and divided by the standard deviation that such a
block has by itself, measured in the reference: sampling noise of its n, plus wander from pane to pane. A small part
of the tolerance is added, since not any difference is worth a candidate.
"""

from __future__ import annotations

import math
import struct
from copy import copy
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.types import DetectorContext
from driftgauge.durations import parse_duration
from driftgauge.errors import StateError
from driftgauge.profiles.season import DAY, MIN_DAYS
from driftgauge.profiles.series import Series

MINUTE = 60_000
LONGEST_BLOCK = 360 * MINUTE
# Enough panes to say something about an autocorrelation.
MIN_PANES = 20
MAX_CORRELATION = 0.99
# One pane's deviation counts for at most this many standard deviations of one event: far outside any real shift of
# a mean, and the bound that keeps a freak pane from filling the detectors with huge numbers.
CLIP_SD = 4.0
SMALLEST_SD = 1e-9
# A unit of z is never less than this part of the tolerance: however quiet a series is, wander far below an effect
# worth an alert is no candidate.
FINEST_UNIT = 0.5
# |z| <= CLIP_SD * sqrt(n of a block) with n < 2^63 per pane; what stored state is checked against.
LARGEST_Z = 1e11
_COUNT = struct.Struct("<I")


class Noise(NamedTuple):
    """A series' own movement: variance between panes (of `pane` ms) beyond sampling, and the part's autocorrelation."""

    wander: float
    correlation: float
    pane: int


class NormalisedBlocks:
    """Open blocks of all value series of a subject, each with its own block length.

    Series without spread in the reference are left out: nothing scales them. State: per series the panes, events and
    weighted deviations of the open block.
    """

    def __init__(self, context: DetectorContext) -> None:
        self.series = [s for s in context.series if s.kind == "value" and s.sd > SMALLEST_SD]
        self.index = np.array([s.index for s in self.series], np.int64)
        noise = [noise_of(s) for s in self.series]
        self.lengths = np.array([block_length(context.pane_length, x) for x in noise], np.int64)
        self._reference = np.array([s.reference for s in self.series], np.float64)
        self._sd = np.array([s.sd for s in self.series], np.float64)
        long_run = [long_run_variance(s, x) if x else 0.0 for s, x in zip(self.series, noise, strict=True)]
        self._wander = np.array(long_run, np.float64) / (self.lengths * context.pane_length)
        self._wander += (FINEST_UNIT * np.array([s.tolerance for s in self.series], np.float64)) ** 2
        self._panes = np.zeros(len(self.series), np.int64)
        self._events = np.zeros(len(self.series))
        self._sums = np.zeros(len(self.series))

    def push(self, n: NDArray[np.int64], values: NDArray[np.float64]) -> list[list[tuple[int, float]]]:
        """Feed panes ([P, S] arrays of all the subject's series); per pane the blocks it completes: (position, z).

        `position` counts within `self.series`. z is finite, |z| <= LARGEST_Z.
        """
        observed, events = values[:, self.index], n[:, self.index].astype(np.float64)
        active = (events > 0) & np.isfinite(observed)
        events = np.where(active, events, 0.0)
        limit = CLIP_SD * self._sd
        weighted = events * np.where(active, np.clip(observed - self._reference, -limit, limit), 0.0)
        completed = []
        for i in range(len(observed)):
            self._panes += active[i]
            self._events += events[i]
            self._sums += weighted[i]
            full = np.nonzero(self._panes >= self.lengths)[0]
            completed.append(self._close(full) if len(full) else [])
        return completed

    def _close(self, full: NDArray[np.int64]) -> list[tuple[int, float]]:
        events = self._events[full]
        z = self._sums[full] / events / np.sqrt(self._wander[full] + self._sd[full] ** 2 / events)
        self._panes[full], self._events[full], self._sums[full] = 0, 0.0, 0.0
        return list(zip(full.tolist(), z.tolist(), strict=True))

    def copy(self) -> Self:
        """A twin that can be decoded into without touching this one."""
        twin = copy(self)
        twin._panes, twin._events, twin._sums = self._panes.copy(), self._events.copy(), self._sums.copy()  # noqa: SLF001
        return twin

    def encode(self) -> bytes:
        """The open blocks as bytes of a fixed length."""
        return (
            _COUNT.pack(len(self.series))
            + self._panes.astype("<i8").tobytes()
            + self._events.astype("<f8").tobytes()
            + self._sums.astype("<f8").tobytes()
        )

    def decode(self, state: bytes) -> bytes:
        """Take what `encode` wrote from the front of `state`; returns the rest. StateError if it doesn't fit."""
        size = len(self.series) * 8
        end = _COUNT.size + 3 * size
        if len(state) < end or _COUNT.unpack_from(state)[0] != len(self.series):
            raise StateError("open blocks are for another number of series")
        columns = [state[_COUNT.size + i * size : _COUNT.size + (i + 1) * size] for i in range(3)]
        panes = np.frombuffer(columns[0], "<i8").astype(np.int64)
        events = np.frombuffer(columns[1], "<f8").astype(np.float64)
        sums = np.frombuffer(columns[2], "<f8").astype(np.float64)
        # NaN fails every comparison, so the conditions are written to hold for good numbers only.
        plausible = (panes >= 0) & (panes < self.lengths) & (events >= panes) & (events <= 1e22)
        plausible &= (np.abs(sums) <= 1.001 * CLIP_SD * self._sd * events) & ((events > 0) == (panes > 0))
        if not plausible.all():
            raise StateError("open blocks hold impossible numbers")
        self._panes, self._events, self._sums = panes, events, sums
        return state[end:]


def noise_of(series: Series) -> Noise | None:
    """The measured movement of a series in the reference; None if it was not measured on enough panes.

    The measured lag-1 autocorrelation is that of wander plus sampling noise, which dilutes it: divided by the wander's
    part of the variance it is the wander's own. Within its standard error it is taken for none. Sampling gives no
    autocorrelation, so the wander is no less than the autocovariance: with an event or two in a pane its variance tells
    nothing, since what one event contributes holds all wander already.
    """
    noise = series.noise
    if noise is None or noise.panes < MIN_PANES or noise.mean_n <= 0:
        return None
    pane = parse_duration(noise.length)
    wander = max(0.0, noise.variance - series.sd**2 / noise.mean_n)
    if noise.lag1 * math.sqrt(noise.panes) < 2:
        return Noise(wander, 0.0, pane)
    together = noise.lag1 * noise.variance
    wander = max(wander, together)
    return Noise(wander, min(MAX_CORRELATION, together / wander) if wander else 0.0, pane)


def long_run_variance(series: Series, noise: Noise) -> float:
    """Variance (of the wander) of the mean over a time T (ms), times T, for long T.

    That of an AR(1) series is wander (1 + r) / (1 - r) per pane of the reference (Box, Jenkins, Reinsel); what means
    over longer windows were seen to do may be more, as a season has more to it than its first autocorrelation.
    """
    first_order = noise.wander * (1 + noise.correlation) / (1 - noise.correlation) * noise.pane
    scales = series.noise.scales if series.noise else []
    seen = [(scale.variance - series.sd**2 / scale.events) * parse_duration(scale.length) for scale in scales]
    return max([first_order, *seen])


class Wander(NamedTuple):
    """How far means of a series wander by themselves: `variance` of a short one, `lasting` variance times ms."""

    variance: float
    lasting: float

    def over(self, span: int) -> float:
        """Variance of the mean over `span` ms: that of a pane at most, and less the longer it is."""
        return min(self.variance, self.lasting / span) if span > 0 else self.variance


def wander_of(series: Series) -> Wander:
    """As measured in the reference; none if it was not measured.

    What looks like wander may be the season, where too few days tell: that doesn't average out before the day is over.
    """
    noise = noise_of(series)
    if noise is None:
        return Wander(0.0, 0.0)
    scales = series.noise.scales if series.noise else []
    variance = max([noise.wander, *(scale.variance - series.sd**2 / scale.events for scale in scales)])
    least = variance * DAY if series.told_days < MIN_DAYS else 0.0
    return Wander(variance, max(least, long_run_variance(series, noise)))


def block_length(pane_length: int, noise: Noise | None) -> int:
    """Panes per block: enough that blocks are nearly independent, few enough that a month holds many.

    5 minutes where the reference showed no correlation, 15 where it did or wasn't measured; where panes longer than a
    minute are correlated, 15 of them, as long as a block stays within 6 hours. Panes of a quarter of an hour or more
    that aren't correlated are blocks by themselves. Never less than a pane of the reference: what goes on within those
    is unknown.
    """
    white = noise is not None and noise.correlation < 0.1
    panes = math.ceil((5 if white else 15) * MINUTE / pane_length)
    if noise is None:
        return max(1, panes)
    if not white:
        panes = max(panes, min(15, LONGEST_BLOCK // pane_length))
    return max(1, panes, math.ceil(noise.pane / pane_length))
