"""What is watched: one model version, later one segment of it."""

from __future__ import annotations

from typing import NamedTuple


class Subject(NamedTuple):
    """Identity of a monitored stream. All strings; an event's version 7 and "7" are the same version."""

    model_id: str
    model_version: str
    segment: str = ""

    def __str__(self) -> str:
        """`model/version` or `model/version/segment`, for logs and texts."""
        return "/".join(part for part in self if part)
