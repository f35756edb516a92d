"""What a command writes must not be what it reads, nor one file for two things: asked before any work.

After it a file would be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from driftgauge.errors import ConfigError


def refuse_overwriting(option: str, out: Path, read: Iterable[Path]) -> None:
    """ConfigError if `out`, the value of `option`, is one of the files `read`, by whatever name or link."""
    if not out.is_file():
        return
    for path in read:
        if path.exists() and out.samefile(path):
            raise ConfigError(f"{option} {out}: is read by this very command ({path}); name another file to write")


def refuse_sharing(outputs: Mapping[str, Path | None]) -> None:
    """ConfigError if two of these, by their options, are one file."""
    known: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        if (other := known.setdefault(path.resolve(), option)) != option:
            raise ConfigError(f"{option} {path}: is what {other} writes, too; name another file")


def refuse_missing_folder(option: str, out: Path) -> None:
    """ConfigError if `out`, the value of `option`, is a folder or lies in none."""
    if out.is_dir():
        raise ConfigError(f"{option} {out}: is a folder; name a file in it")
    if not out.parent.is_dir():
        raise ConfigError(f"{option} {out}: the folder {out.parent} does not exist; make it first")
