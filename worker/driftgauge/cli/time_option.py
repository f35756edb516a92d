"""Event times given on the command line."""

from __future__ import annotations

from driftgauge.errors import ConfigError
from driftgauge.timestamps import parse_timestamp


def time_in(text: str | None, option: str) -> int | None:
    """Ms; None if the option isn't given. ConfigError if it is no time."""
    try:
        return parse_timestamp(text) if text is not None else None
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None


def refuse_backwards(from_: str | None, start: int | None, to: str | None, end: int | None) -> None:
    """ConfigError if --from (`start` ms) is not before --to (`end` ms)."""
    if start is not None and end is not None and start >= end:
        raise ConfigError(f"--from {from_} is not before --to {to}")
