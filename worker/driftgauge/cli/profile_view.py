"""A profile as people see it: the summary that `profile build`, `learn` and `show` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from driftgauge.cli.terminal import Terminal
from driftgauge.counted import counted
from driftgauge.profiles.notes import Note
from driftgauge.profiles.profile import Profile
from driftgauge.profiles.summary import field_lines, segments_text
from driftgauge.timestamps import format_timestamp


def show_profile(console: Console, shown: Profile) -> None:
    """What it was made from, a line per field, offline metrics and the suggested pane."""
    reference = shown.reference
    span = f"{format_timestamp(reference.first_ms)} to {format_timestamp(reference.last_ms)}"
    title = f"[bold]{escape(shown.model_id)}[/] version [bold]{escape(shown.model_version)}[/]"
    console.print(
        f"{title}: {counted(reference.rows, 'rows')} of {escape(_files(reference.files))}, {span}", soft_wrap=True
    )
    console.print(f"[dim]{shown.content_hash}[/]\n", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("field", overflow="fold", style="bold")
    table.add_column("type", no_wrap=True)
    table.add_column("missing", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, style="cyan")
    table.add_column("values", overflow="fold")
    for line in field_lines(shown):
        missing = f"{line.missing:.1%}" if line.missing else "—"
        table.add_row(escape(line.name), line.kind, missing, line.histogram, escape(line.values))
    console.print(table)
    if shown.offline_metrics:
        texts = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in shown.offline_metrics.items()]
        console.print(f"\noffline metrics: {', '.join(texts)}")
    if shown.segments is not None:
        console.print(f"\nsegments by {escape(segments_text(shown.segments))}", soft_wrap=True)
    console.print(f"\nsuggested pane: {shown.suggested_pane}")


def _files(files: Sequence[str]) -> str:
    return files[0] if len(files) == 1 else f"{len(files)} files"


def show_written(shown: Profile, notes: Sequence[Note], written: Path, following: str) -> None:
    """A profile just made, what is to be said about it, its file, and what to do with it next."""
    console = Terminal(highlight=False)
    show_profile(console, shown)
    if notes:
        console.print()
    for note in notes:
        colour = "yellow" if note.level == "warning" else "green"
        console.print(f"[{colour}]{note.level}:[/] {escape(note.text)}", soft_wrap=True)
    console.print(f"\nwritten to {escape(str(written))}", soft_wrap=True)
    console.print(f"next: {escape(following)}", soft_wrap=True)
