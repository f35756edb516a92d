"""Subjects without a profile: their panes hold nothing but how many events there were.

Counting is honest without a profile, anything else would be a guess. Ingest and detect follow the same plan, so that
such a pane means the same to both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# In the place of a profile's hash; no hash is empty.
NO_PROFILE = ""


@dataclass(frozen=True, slots=True)
class UnprofiledPlan:
    """Length (ms) of their panes: `lengths` by model_id for models with other versions configured, else `length`.

    `limit`: so many of them have panes at a time (names come from outside, so there may be millions): per source in
    each pane, and per panes partition among those that are told of. What is beyond is counted only.
    """

    length: int
    lengths: Mapping[str, int]
    limit: int

    def length_of(self, model_id: str) -> int:
        """Pane length (ms) of a subject of this model."""
        return self.lengths.get(model_id, self.length)
