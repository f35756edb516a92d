"""Which input the options of a backtest name, and which options go with which input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from driftgauge.cli.backtest.files import FilesInput
from driftgauge.cli.backtest.input import BacktestInput
from driftgauge.cli.backtest.panes import files_of_panes, topic_of_panes
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.backtest.topics import topics_input
from driftgauge.errors import ConfigError
from driftgauge.replay.span import Span
from driftgauge.sources.columns import Columns


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say. `data`: files; none: topics. `from_panes`: whether it is panes that they hold.

    `faults`: some are put into the events, of the model that `model` names.
    """

    data: Sequence[Path]
    from_panes: bool
    from_offset: Sequence[str]
    panes_out: Path | None
    against_live: bool
    columns: Columns
    model: str | None
    sort: bool
    span: Span
    faults: bool = False

    def check(self) -> None:
        """ConfigError where they don't go together."""
        if self.faults and self.from_panes:
            raise ConfigError("--inject changes events before they are counted; with --from-panes nothing is counted")
        of_rows = self.columns != Columns() or (self.model is not None and not self.faults) or self.sort
        if of_rows and (self.from_panes or not self.data):
            raise ConfigError("options that name columns, --model and --sort go with --file DATA, without --from-panes")
        if self.from_offset and (self.from_panes or self.data):
            raise ConfigError("--from-offset is where to begin on input topics: leave out --file and --from-panes")
        if self.against_live and self.faults:
            raise ConfigError(
                "--against-live compares with what workers told of the events as they are: leave out --inject"
            )
        if self.against_live and self.data:
            raise ConfigError("--against-live compares with what workers made of the same topics: leave out --file")
        if self.panes_out is not None and self.from_panes:
            raise ConfigError("--panes-out keeps what was counted; with --from-panes nothing is counted")


@contextmanager
def opened_input(plan: Plan, asked: Asked) -> Iterator[BacktestInput]:
    """The input that was asked for, open as long as the context. Errors of whichever it is."""
    if asked.from_panes and asked.data:
        yield files_of_panes(plan, asked.span, asked.data)
    elif asked.from_panes:
        with topic_of_panes(plan, asked.span) as panes:
            yield panes
    elif asked.data:
        yield FilesInput(plan, asked.data, asked.columns, asked.span, model=asked.model, sort=asked.sort)
    else:
        with topics_input(plan, asked.from_offset, asked.span) as topics:
            yield topics
