"""Progress of a replay on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from driftgauge.cli.terminal import Terminal
from driftgauge.counted import counted
from driftgauge.timestamps import format_minute

_LINE_EVERY = 10.0


class _Begun(NamedTuple):
    """How far it was, at which second, when the first records had been read."""

    at: float
    done: float
    records: int

    def rate_and_left(self, now: float, done: float, records: int) -> tuple[float, float | None]:
        """Records a second since then, and seconds left; None: unknown."""
        taken = now - self.at
        left = taken * (1 - done) / (done - self.done) if done > self.done else None
        return (records - self.records) / max(taken, 1e-3), left


class ReplayProgress:
    """Shows the share done, event time, `records` a second, alerts so far and time left. A context manager."""

    def __init__(self, records: str = "events") -> None:
        """Nothing is shown before `__enter__`. `records`: what they are called."""
        self._records = records
        console = Terminal(stderr=True, highlight=False)
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[time]}"),
                TextColumn("{task.fields[rate]:,.0f} " + f"{records}/s", style="dim"),
                TextColumn("{task.fields[alerts]}"),
                TimeRemainingColumn(compact=True),
                console=console,
                transient=True,
                # Standard output carries the results, perhaps into a file: it must not end up on stderr.
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._bar.add_task("", total=1.0, time="", rate=0.0, alerts="")
        self._begun: _Begun | None = None
        self._shown = time.monotonic()

    def __enter__(self) -> Self:
        self._shown = time.monotonic()
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: float, event_time: int | None, records: int, alerts: int) -> None:
        """Show where it is: `done` in [0, 1], `event_time` ms."""
        now = time.monotonic()
        if self._begun is None and (records or done > 0):
            # What was before it, the start of processes and connections, says nothing of what is to come.
            self._begun = _Begun(now, done, records)
        rate, left = self._begun.rate_and_left(now, done, records) if self._begun is not None else (0.0, None)
        shown = format_minute(event_time) if event_time is not None else ""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, time=shown, rate=rate, alerts=counted(alerts, "alerts"))
        elif now - self._shown >= _LINE_EVERY:
            self._shown = now
            told = f", {left:,.0f} s left" if left is not None else ""
            read = f"{counted(records, self._records)}, {rate:,.0f}/s"
            print(f"{done:4.0%}  {shown}  {read}, {counted(alerts, 'alerts')}{told}", file=sys.stderr)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bar away while something is printed."""
        if self._bar is not None:
            self._bar.stop()
        try:
            yield
        finally:
            if self._bar is not None:
                self._bar.start()
