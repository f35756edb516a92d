"""What is counted of a pane: its events, and where a model has both, those with features and with a prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.layout import Layout

# Places of the parts in every list by part; models that have one of the two only count all events.
ALL, FEATURES, PREDICTION = 0, 1, 2


class Parts:
    """Which cells tell how many events there were. `count`: 3, or 1 where all events have the same."""

    def __init__(self, layout: Layout) -> None:
        """Of a profile's layout."""
        # Every event with features is in one cell of each feature; of the outputs one may be without a value.
        self._features = layout.features[:1]
        self._outputs = layout.outputs
        self.count = 3 if self._features and self._outputs else 1

    def of(self, counts: NDArray[np.int64]) -> list[int]:
        """Events by part; `counts` int64 [K] of a pane.

        What features and predictions have together isn't known where they come by two topics, so all are the larger
        part.
        """
        features = max((int(counts[slot.start : slot.stop].sum()) for slot in self._features), default=0)
        prediction = max((int(counts[slot.start : slot.stop].sum()) for slot in self._outputs), default=0)
        return [max(features, prediction), features, prediction][: self.count]
