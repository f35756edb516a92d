"""What else one could run on the same events: river's detectors by the event, and tests on hourly windows.

Each watches one field: `fit` on 14 days of reference events, then `run` on events in order. Rules are re-implemented
from the documentation and sources named in each docstring; their packages aren't needed. A stretch of consecutive
windows that all alarm is counted as one alert, in favour of these tools, which would raise one an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN, PageHinkley
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from bench.quality.fields import Array, Field, Numeric

Rows = NDArray[np.int64]
WINDOW = 60  # panes: an hour
REFERENCE_SAMPLE = 10_000
_LEAST_PANES = 30


class Rival(Protocol):
    """One method on one field. `pane` int64 [n] ascends: the row of the pane of each event in `values` float64 [n]."""

    name: str

    def fit(self, field: Field, pane: Rows, values: Array) -> None:
        """See the reference."""

    def run(self, pane: Rows, values: Array) -> list[int]:
        """Go on with more events; the rows at whose end there was an alert."""


class River:
    """A detector of river with its defaults, fed event by event, as its documentation shows.

    One watches the raw values where they are numbers (missing and invalid ones can't be fed), another the 0/1
    indicator of a value that is missing or invalid. After an alarm they go on by themselves.
    """

    make: ClassVar[Callable[[], ADWIN | PageHinkley]]

    def fit(self, field: Field, pane: Rows, values: Array) -> None:  # noqa: ARG002 (they have no reference)
        """Nothing is learnt: they compare the stream with its own past."""
        self._numeric = isinstance(field, Numeric)
        self._of_values, self._of_gaps = type(self).make(), type(self).make()

    def run(self, pane: Rows, values: Array) -> list[int]:
        """See `Rival`."""
        there = np.isfinite(values)
        out = _alarms(self._of_gaps, pane, (~there).astype(np.float64))
        return sorted(out + _alarms(self._of_values, pane[there], values[there])) if self._numeric else out


def _alarms(detector: ADWIN | PageHinkley, pane: Rows, values: Array) -> list[int]:
    out = []
    for i, x in enumerate(values.tolist()):
        detector.update(x)  # type: ignore[no-untyped-call]
        if detector.drift_detected:
            out.append(int(pane[i]))
    return out


class Adwin(River):
    """river.drift.ADWIN(delta=0.002) (Bifet, Gavalda 2007), river's default."""

    name = "river ADWIN"
    make = ADWIN


class PageHinkleyDefault(River):
    """river.drift.PageHinkley(min_instances=30, delta=0.005, threshold=50, alpha=0.9999), river's default."""

    name = "river Page-Hinkley"
    make = PageHinkley


class _Windows:
    """A rule on every hour's values that are there and valid; an hour of less than half its panes gives no verdict."""

    def __init__(self) -> None:
        self._alarmed = False

    def alarm(self, window: Array) -> bool:
        """Whether the rule alarms on the values of an hour."""
        raise NotImplementedError

    def run(self, pane: Rows, values: Array) -> list[int]:
        """See `Rival`."""
        out = []
        for last, window in windows(pane, values):
            alarmed = self.alarm(window)
            if alarmed and not self._alarmed:
                out.append(last)
            self._alarmed = alarmed
        return out


def windows(pane: Rows, values: Array) -> Iterator[tuple[int, Array]]:
    """Hours of panes from the first row on: the row of the last pane, and the finite values."""
    first = int(pane[0]) if len(pane) else 0
    hour = (pane - first) // WINDOW
    _, begins = np.unique(hour, return_index=True)
    for begin, end in zip(begins, [*begins[1:], len(pane)], strict=True):
        if pane[end - 1] - pane[begin] + 1 >= _LEAST_PANES:
            window = values[begin:end]
            yield int(pane[end - 1]), window[np.isfinite(window)]


def _sample(values: Array) -> Array:
    """Ten thousand of the reference's values, evenly picked."""
    finite = values[np.isfinite(values)]
    return finite[:: max(1, len(finite) // REFERENCE_SAMPLE)]


class KolmogorovSmirnov(_Windows):
    """Two-sample Kolmogorov-Smirnov test of the hour against a reference sample, p < .05; numeric fields only.

    The rule of many tutorials, and of alert conditions on a p-value.
    """

    name = "hourly KS p < .05"

    def fit(self, field: Field, pane: Rows, values: Array) -> None:  # noqa: ARG002 (no time in it)
        """See `Rival`."""
        self._reference = _sample(values) if isinstance(field, Numeric) else None

    def alarm(self, window: Array) -> bool:
        """See `_Windows`."""
        if self._reference is None or not len(window):
            return False
        return bool(ks_2samp(self._reference, window, method="asymp").pvalue < 0.05)


class Evidently(_Windows):
    """Evidently's default for a reference of more than 1,000 rows, per column.

    Numeric (more than 5 distinct values): Wasserstein distance / sd of the reference >= .1. Categorical: Jensen-Shannon
    distance (base 2) of the categories' shares >= .1. Missing values are left out. Sources: "Data drift algorithm"
    (docs-old.evidentlyai.com/reference/data-drift-algorithm), stattests/wasserstein_distance_norm.py, jensenshannon.py.
    """

    name = "Evidently default"

    def fit(self, field: Field, pane: Rows, values: Array) -> None:  # noqa: ARG002 (no time in it)
        """See `Rival`."""
        self._numeric = isinstance(field, Numeric)
        self._reference = _sample(values)
        self._norm = max(float(np.std(self._reference)), 0.001)

    def alarm(self, window: Array) -> bool:
        """See `_Windows`."""
        if not len(window):
            return False
        if self._numeric:
            return bool(wasserstein_distance(self._reference, window) / self._norm >= 0.1)
        known = np.union1d(self._reference, window)
        return bool(jensenshannon(_shares(self._reference, known), _shares(window, known), 2) >= 0.1)


class NannyMl(_Windows):
    """NannyML's default univariate drift, with hourly chunks.

    Jensen-Shannon distance (base 2) to the reference, over bins by Doane's rule for numbers (values outside of them are
    one more bin) and over categories otherwise; alarm outside mean ± 3 sd of the reference chunks' distances. Missing
    values are left out. Sources: nannyml/drift/univariate/methods.py, docs "Thresholds" (StandardDeviationThreshold).
    """

    name = "NannyML default"

    def fit(self, field: Field, pane: Rows, values: Array) -> None:
        """See `Rival`."""
        finite = values[np.isfinite(values)]
        # Doane's rule takes the skewness of all values, 200,000 of them are enough for it.
        thinned = finite[:: max(1, len(finite) // 200_000)]
        self._bins = np.histogram_bin_edges(thinned, bins="doane") if isinstance(field, Numeric) else None
        self._known = np.unique(finite) if self._bins is None else finite[:0]
        self._reference = self._counted(finite)
        chunks = np.array([self._distance(window) for _, window in windows(pane, values)])
        self._low, self._high = chunks.mean() - 3 * chunks.std(), chunks.mean() + 3 * chunks.std()

    def alarm(self, window: Array) -> bool:
        """See `_Windows`."""
        return bool(len(window)) and not self._low <= self._distance(window) <= self._high

    def _distance(self, window: Array) -> float:
        return float(jensenshannon(self._reference, self._counted(window), 2))

    def _counted(self, window: Array) -> Array:
        inside = np.histogram(window, self._bins)[0] / len(window) if self._bins is not None else None
        shares = _shares(window, self._known) if inside is None else inside
        return np.append(shares, max(0.0, 1.0 - float(shares.sum())))


class EveryHour(_Windows):
    """Alarms every hour, whatever comes: finds everything, and shows what a found fault alone is worth."""

    name = "alarm every hour"

    def fit(self, field: Field, pane: Rows, values: Array) -> None:
        """Nothing to learn."""

    def run(self, pane: Rows, values: Array) -> list[int]:
        """See `Rival`."""
        return [last for last, _ in windows(pane, values)]


class Never(EveryHour):
    """Never alarms: no false alert, and nothing found."""

    name = "never"

    def run(self, pane: Rows, values: Array) -> list[int]:  # noqa: ARG002 (whatever comes)
        """See `Rival`."""
        return []


def _shares(values: Array, known: Array) -> Array:
    """Shares of the known values."""
    return np.asarray((values[:, np.newaxis] == known).mean(axis=0), np.float64)


RIVALS: tuple[Callable[[], Rival], ...] = (
    Adwin,
    PageHinkleyDefault,
    KolmogorovSmirnov,
    Evidently,
    NannyMl,
    EveryHour,
    Never,
)
