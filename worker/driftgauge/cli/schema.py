"""`driftgauge schema export`: writes the published JSON Schemas, or says whether the written ones are up to date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from driftgauge.errors import ConfigError
from driftgauge.schema_export import schema_files

schema = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Export the published JSON Schemas.")


@schema.callback()
def root() -> None:
    """Export the published JSON Schemas."""


@schema.command(epilog="Example: driftgauge schema export --out schemas")
def export(
    out: Annotated[Path, typer.Option(help="Folder of the schema files.")] = Path("schemas"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is missing or old.")] = False,
) -> None:
    """Write the JSON Schemas of all events, records and files."""
    files = schema_files()
    changed = {name: data for name, data in files.items() if not _holds(out / name, data)}
    if check:
        for name in changed:
            print(f"{out / name} is not what the models say; run: driftgauge schema export", file=sys.stderr)
        raise typer.Exit(1 if changed else 0)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in changed.items():
            (out / name).write_bytes(data)
    except OSError as error:
        raise ConfigError(f"--out {out}: can't be written: {error.strerror or error}") from None
    print(f"{len(files)} schemas in {out}, {len(changed)} of them written")


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data
