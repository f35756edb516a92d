"""What is watched: one model version, or one segment of it."""

from __future__ import annotations

from typing import Any, NamedTuple


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


def version_text(value: Any) -> Any:
    """A version as somebody wrote it into a file, as text; ValueError for a number with a dot, others as they are."""
    # YAML reads 1.10 as the number 1.1: a version that silently names another one.
    if isinstance(value, float):
        raise ValueError('a version with a dot is read as a number (1.10 becomes 1.1): quote it, "1.10"')  # noqa: TRY004 (pydantic turns only ValueError into an error)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
