"""The options `--from`, `--to` and `--warm-up` of a backtest: which part of event time it tells of."""

from __future__ import annotations

from typing import Annotated

import typer

from driftgauge.cli.time_option import refuse_backwards, time_in
from driftgauge.durations import parse_duration
from driftgauge.errors import ConfigError
from driftgauge.ingest.watermark import MIN_TIME
from driftgauge.panes.messages import END_OF_TIME
from driftgauge.replay.span import Span

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Event time to tell of from on; default: all there is.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Event time to stop at.")]
WarmUpOption = Annotated[
    str | None,
    typer.Option("--warm-up", metavar="DURATION", help="Judge only so much before --from; default: all there is."),
]


def span_of(from_: str | None, to: str | None, warm_up: str | None) -> Span:
    """ConfigError if they can't be read or don't go together."""
    start, end = time_in(from_, "--from"), time_in(to, "--to")
    refuse_backwards(from_, start, to, end)
    if warm_up is not None and start is None:
        raise ConfigError("--warm-up is how much before --from is judged, so it goes with --from TIME")
    try:
        before = parse_duration(warm_up) if warm_up is not None else None
    except ValueError as error:
        raise ConfigError(f"--warm-up: {error}") from None
    return Span(
        MIN_TIME if start is None else start,
        END_OF_TIME if end is None else end,
        MIN_TIME if start is None or before is None else start - before,
    )
