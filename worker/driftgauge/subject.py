"""What is watched: one model version, or one segment of it."""

from __future__ import annotations

from typing import NamedTuple


class Subject(NamedTuple):
    """Identity of a monitored stream. All strings; an event's version 7 and "7" are the same version.

    `segment`: the text of the tag that the model has segments by, empty for the whole.
    """

    model_id: str
    model_version: str
    segment: str = ""

    def __str__(self) -> str:
        """`model/version` or `model/version/segment`, for logs and texts."""
        return "/".join(part for part in self if part)
