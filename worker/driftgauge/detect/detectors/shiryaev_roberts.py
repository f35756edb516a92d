"""Shiryaev-Roberts mixture e-detector: rises of the rates of missing, invalid, unseen ... values.

The method for indicator rates, which a Gaussian chart can't follow: it works on the counts themselves, finds a NULL
storm after two to four events, and its average run length is a theorem that needs no independence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.budget import average_run_length, share_of
from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.normalise import long_run_variance, noise_of
from driftgauge.detect.sensitivity import Sensitivity, smallest
from driftgauge.detect.settings import override, require
from driftgauge.detect.types import Detection, DetectorContext
from driftgauge.errors import StateError
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series

_VERSION = 3
# log M of a component without evidence: 1 + exp(-1000) is 1 exactly, and the state stays finite.
_NOTHING = -1000.0
# Panes whose likelihood ratios are held at a time (12 x series floats each).
_CHUNK = 256
# Wander within so many standard errors of none is taken for none, or else a rate that was steady by all appearances
# would be found late.
_SURE = 3.0


class ShiryaevRoberts:
    """Mixture over alternatives p_j of M_j <- (1 + M_j) E_j, alarm when the mean of M_j reaches 1 / alpha.

    E_j is the likelihood ratio of a pane's (hits, n) under rate p_j against m0 = max(reference, 1 / reference_n) +
    tolerance. While the rate given the past stays at or below m0, panes between alarms average at least 1 / alpha,
    whatever the dependence (Shin, Ramdas, Rinaldo: E-detectors, 2022, theorem 2.4). 1 / alpha comes from the budget.
    After an alarm the series starts anew, so a lasting fault goes on being detected.

    A rate that wandered from pane to pane in the reference by more than sampling explains (nulls come with one channel,
    whose share of the traffic changes by the day) doesn't stay at its mean given the past. Its events are not
    independent, and are counted for what they are worth: (hits, n) / (1 + n rho), with rho the correlation of two
    events of a pane (design effect, Kish 1965; the quasi-likelihood of McCullagh and Nelder for overdispersed counts).

    The onset is the maximum likelihood one: where the cumulative sum of log E_j last left zero (Page 1954), for the
    alternative whose sum is largest. M_j can't tell it: the 1 that every pane adds keeps it from ever starting anew
    where panes hold a few events only.

    Setting `points`: alternatives per series, geometric from twice m0 (or m0 + .01) to .98. A series whose m0 leaves
    no room for a rise is not watched. `statistic` and `threshold` are log10 of the mean of M_j and of 1 / alpha.
    """

    name: ClassVar[str] = "shiryaev_roberts"
    by_default: ClassVar[bool] = True
    _DEFAULTS: ClassVar[Mapping[str, Any]] = {"points": 12}

    def __init__(self, context: DetectorContext, settings: Mapping[str, Any]) -> None:
        chosen = override(self._DEFAULTS, settings)
        require(1 <= chosen["points"] <= 100, "points must lie in 1..100")
        limits = {s.index: max(s.reference, 1 / max(s.reference_n, 1)) + s.tolerance for s in context.series}
        series = [s for s in context.series if s.kind == "rate" and limits[s.index] < 1]
        run_length = average_run_length(share_of(self.name, context.budget), len(series), context.looks)
        self._resolved = {**chosen, "average_run_length": run_length if math.isfinite(run_length) else None}
        self._mark = fingerprint(self.name, _VERSION, context, series, self._resolved)
        self._series = np.array([s.index for s in series], np.int64)
        self._pane_length = context.pane_length
        self._log_threshold = math.log(run_length)
        self._limit = np.array([limits[s.index] for s in series], np.float64)
        rates = np.array([grid(limits[s.index], chosen["points"]) for s in series]).reshape(-1, chosen["points"])
        self._correlation = np.array([event_correlation(s, context.pane_length) for s in series], np.float64)
        self._if_hit = np.log(rates / self._limit[:, np.newaxis])
        self._if_miss = np.log((1 - rates) / (1 - self._limit[:, np.newaxis]))
        self._log_m = np.full(rates.shape, _NOTHING)
        self._sum = np.zeros(rates.shape)
        self._onset = np.zeros(rates.shape, np.int64)

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Self:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        return cls(context, settings)

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values; `average_run_length` (panes) None: the budget allows no alarm."""
        return self._resolved

    def update(self, block: PaneBlock) -> list[Detection]:
        """Feed closed panes, in order; a series without events in a pane is left as it is."""
        found: list[Detection] = []
        if not len(self._series):
            return found
        for begin in range(0, len(block.starts), _CHUNK):
            rows = slice(begin, begin + _CHUNK)
            n = block.n[rows][:, self._series].astype(np.float64)
            hits = np.minimum(block.hits[rows][:, self._series].astype(np.float64), n)
            worth = 1 / (1 + n * self._correlation)
            told, misses = hits * worth, (n - hits) * worth
            evidence = told[..., np.newaxis] * self._if_hit + misses[..., np.newaxis] * self._if_miss
            raised = hits > self._limit * n
            for i, start in enumerate(block.starts[rows].tolist()):
                self._step(start, n[i] > 0, evidence[i])
                # The mean is at most the largest, which spares the sum of exponentials where nothing is going on.
                if self._log_m.max() >= self._log_threshold:
                    found += self._alarms(begin + i, raised[i])
        return found

    def _step(self, start: int, active: NDArray[np.bool_], evidence: NDArray[np.float64]) -> None:
        seen = active[:, np.newaxis]
        np.copyto(self._onset, start, where=seen & (self._sum <= 0))
        np.copyto(self._sum, np.maximum(self._sum, 0.0) + evidence, where=seen)
        grown = np.maximum(np.logaddexp(self._log_m, 0.0) + evidence, _NOTHING)
        np.copyto(self._log_m, grown, where=seen)

    def _alarms(self, pane: int, raised: NDArray[np.bool_]) -> list[Detection]:
        mean = np.logaddexp.reduce(self._log_m, axis=1) - math.log(self._log_m.shape[1])
        found = []
        # Only a pane that itself shows the rise may alarm: the 1 added per pane is no evidence.
        for i in np.nonzero((mean >= self._log_threshold) & raised)[0].tolist():
            onset = int(self._onset[i, int(self._sum[i].argmax())])
            found.append(
                Detection(
                    series=int(self._series[i]),
                    pane=pane,
                    detector=self.name,
                    statistic=float(mean[i]) / math.log(10),
                    threshold=self._log_threshold / math.log(10),
                    direction="up",
                    confirmed=True,
                    onset=onset,
                )
            )
            self._log_m[i] = _NOTHING
            self._sum[i] = 0.0
        return found

    def sensitivity(self, events: float, panes: int, remembered: int) -> Sequence[Sensitivity]:  # noqa: ARG002
        """The rate whose mean evidence over the panes passes the threshold, for one alternative of the mixture."""
        n = np.full(len(self._series), events)
        worth = panes * n / (1 + n * self._correlation)
        needed = self._log_threshold + math.log(self._if_hit.shape[1])

        def found(rate: NDArray[np.float64]) -> NDArray[np.bool_]:
            evidence = rate[:, np.newaxis] * self._if_hit + (1 - rate)[:, np.newaxis] * self._if_miss
            return np.asarray(worth * evidence.max(axis=1, initial=-np.inf) >= needed)

        rates = smallest(found, self._limit, np.ones(len(self._series)))
        return [Sensitivity(int(i), self.name, panes, float(r)) for i, r in zip(self._series, rates, strict=True)]

    def rebase(self, series: Sequence[Series]) -> None:
        """Nothing changes: rates are held against the profile."""

    def snapshot(self) -> bytes:
        """Evidence (log M), cumulative sums and onsets of all components."""
        parts = (self._log_m.astype("<f8"), self._sum.astype("<f8"), self._onset.astype("<i8"))
        return seal(self._mark, b"".join(part.tobytes() for part in parts))

    def restore(self, state: bytes) -> None:
        """Take a snapshot of an equal detector. StateError if it doesn't fit."""
        payload = unseal(self._mark, state)
        part, shape = self._log_m.size * 8, self._log_m.shape
        if len(payload) != 3 * part:
            raise StateError("shiryaev_roberts: state is for another number of series")
        log_m = np.frombuffer(payload[:part], "<f8").astype(np.float64).reshape(shape)
        sums = np.frombuffer(payload[part : 2 * part], "<f8").astype(np.float64).reshape(shape)
        if not (np.isfinite(log_m).all() and (log_m >= _NOTHING).all() and np.isfinite(sums).all()):
            raise StateError("shiryaev_roberts: state holds evidence that is no number in range")
        self._log_m, self._sum = log_m, sums
        self._onset = np.frombuffer(payload[2 * part :], "<i8").astype(np.int64).reshape(shape)


def event_correlation(series: Series, pane_length: int) -> float:
    """Correlation rho of two events' indicators within a pane, from the wander measured in the reference; 0 if none.

    Of n events the rate then has the variance p (1 - p) (1 / n + rho). Where the wander lasts from pane to pane it is
    the long-run variance that counts, as evidence adds up over panes: rho (1 + r) / (1 - r). Panes of the reference
    that are k times as long have seen it last for k panes: k times as much.
    """
    noise, spread = noise_of(series), series.reference * (1 - series.reference)
    if noise is None or series.noise is None or spread <= 0:
        return 0.0
    # The variance of a variance of counts (that of a Poisson number has the kurtosis 3 + 1 / mean).
    sampling = spread / series.noise.mean_n
    chance = math.sqrt((2 + 1 / (series.noise.mean_n * series.reference)) / series.noise.panes)
    if noise.wander < _SURE * sampling * chance:
        return 0.0
    return max(noise.wander, long_run_variance(series, noise) / pane_length) / spread


def grid(limit: float, points: int) -> NDArray[np.float64]:
    """Alternative rates above `limit` (in 0..1), float64 [points], geometric; all below 1.

    From max(2 limit, limit + .01) to .98 where there is room. Near 1 doubling leaves the interval, or starts so far
    above the limit that a moderate rise fits the limit better than any alternative: there, by parts of what is left.
    """
    room = 1 - limit
    lowest = limit + max(min(limit, room / 4), min(0.01, room / 2))
    return np.geomspace(lowest, max(0.98, limit + 0.75 * room), points)
