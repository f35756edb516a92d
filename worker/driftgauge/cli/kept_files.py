"""The files that a backtest leaves: its alert events, and on demand its panes. Complete together, or partial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from driftgauge.panes.codec import encode_message
from driftgauge.panes.messages import Message
from driftgauge.profiles.layout import Layout
from driftgauge.sinks.jsonl import JsonLinesFile


class KeptFiles:
    """Open for writing. `alerts`: takes alert events; `layouts` by profile hash, to write panes with."""

    def __init__(self, alerts: JsonLinesFile, panes: JsonLinesFile | None, layouts: Mapping[str, Layout]) -> None:
        """Nothing written yet."""
        self.alerts = alerts
        self._panes, self._layouts = panes, layouts

    def keep(self, messages: Sequence[Message]) -> None:
        """Write what the panes topic would hold, if it is wanted."""
        if self._panes is not None:
            for message in messages:
                self._panes.write(encode_message(message, self._layouts))

    def complete(self) -> None:
        """All is written: put the files in their places."""
        self.alerts.complete()
        if self._panes is not None:
            self._panes.complete()


@contextmanager
def kept_files(alerts: Path, panes: Path | None, layouts: Mapping[str, Layout]) -> Iterator[KeptFiles]:
    """ConfigError at once if a place can't be written."""
    with ExitStack() as stack:
        of_alerts = stack.enter_context(JsonLinesFile(alerts))
        of_panes = stack.enter_context(JsonLinesFile(panes)) if panes is not None else None
        yield KeptFiles(of_alerts, of_panes, layouts)
