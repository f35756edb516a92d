"""What `driftgauge demo` says around the alerts: before, while and after the story is told."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from driftgauge.alerts.event import AlertEvent
from driftgauge.alerts.numbers import lasted, percent, percent_change
from driftgauge.cli.alert_view import Episode, announcement, clock, side_by_side
from driftgauge.counted import counted
from driftgauge.demo.files import ALERTS, APPLICATIONS, CONFIG, PROFILE, REPORT
from driftgauge.demo.scorecard import APPROVAL_RATE
from driftgauge.demo.story import BREAK, END, ROLLOUT, START
from driftgauge.demo.tally import Tally
from driftgauge.timestamps import format_timestamp, parse_timestamp

_MINUTE = 60_000
# Long enough that the approval rate of ten minutes has a standard error of about one point.
_LATELY = 10 * _MINUTE
_HOUR = 60 * _MINUTE
_INDENT = (0, 0, 0, 2)


def introduce(console: Console) -> None:
    """A few sentences on what is being watched."""
    console.print("[bold]Driftgauge demo: a lender's loan-approval model[/]")
    console.print()
    console.print(
        f"A scorecard, trained to approve {percent(APPROVAL_RATE)} of the applicants, decides about 90 a minute. "
        f"You watch {(END - START) // _HOUR} hours of its decisions go through the real engine. On the third day, "
        f"{_day(BREAK)}, at {_clock(BREAK)}, a service upstream is rolled out. Nobody tells the model."
    )
    console.print()


def tell_quiet(console: Console, tally: Tally, alerts: int) -> None:
    """One line on the days before the break."""
    found = "no alert" if not alerts else counted(alerts, "alerts")
    line = side_by_side()
    text = f"{lasted(BREAK - START)}, {tally.applications(START, BREAK):,} applications, {found}"
    line.add_row(_clock(BREAK), Text("quiet", style="green"), text)
    console.print(line)
    console.print()


def announce(console: Console, events: Sequence[AlertEvent], tally: Tally) -> None:
    """Alerts as they fire, and what the model does to its applicants at that time."""
    # The `resolved` that only makes room for an escalation isn't worth a line.
    shown = [event for event in events if event.detail.superseded_by is None]
    for at, group in groupby(shown, key=lambda event: event.updatedAt):
        for event in group:
            console.print(announcement(event))
        now = parse_timestamp(at)
        line = side_by_side()
        approvals = percent_change(_usual(tally), tally.approval_rate(now - _LATELY, now))
        line.add_row("", "approvals", f"{approvals} in the last 10 minutes")
        console.print(line)
        console.print()


def conclude(console: Console, episodes: Sequence[Episode], tally: Tally, out: Path, events: int) -> None:
    """What happened, what else would have shown it, where the files are, what to try next."""
    console.print("[bold]What happened[/]")
    if episodes:
        console.print(Padding(_how_fast(parse_timestamp(episodes[0].opened)), _INDENT))
    approvals = percent_change(_usual(tally), tally.approval_rate(END - _HOUR, END))
    console.print(
        Padding(
            f"Approvals went {approvals}. {tally.scoreless_since_break():,} people were rejected because their missing "
            "employment type has no weight of evidence: it is NaN, so is the score, and NaN >= cutoff is False. No "
            "exception, no error code, no slow answer: nothing that a log or a latency graph could show.",
            _INDENT,
        )
    )
    console.print()
    console.print(f"[bold]What is left of it[/] in {escape(str(out))}", soft_wrap=True)
    console.print(f"  {REPORT:<19} what happened and why, as a page: open it in a browser")
    console.print(f"  {ALERTS:<19} the {events} alert events, as they would be on the Kafka topic")
    console.print(f"  {APPLICATIONS:<19} the {tally.applications():,} events of the service")
    console.print(f"  {PROFILE:<19} what the model's training data looked like")
    console.print(f"  {CONFIG:<19} the configuration, also for driftgauge run")
    console.print()
    console.print("[bold]Try next[/], the same on these files, then on yours")
    for line in (
        f"driftgauge profile show {out / PROFILE}",
        f"driftgauge backtest -c {out / CONFIG} \\",
        f"    --file {out / APPLICATIONS} --alerts again.jsonl --report again.html",
        "driftgauge profile build train.csv --model-id M --model-version 1 \\",
        "    --out profile.json",
        "driftgauge backtest --profile profile.json --file live.csv \\",
        "    --alerts alerts.jsonl",
    ):
        console.print(f"  {line}", soft_wrap=True, markup=False)


def _how_fast(first: int) -> str:
    share = max((share for time, share in ROLLOUT if time < first), default=0.0)
    text = (
        f"The first broken request came at {_clock(BREAK)}, the first alert {lasted(first - BREAK)} later, with "
        f"{percent(share)} of the requests broken"
    )
    ahead = ROLLOUT[-1][0] - first
    return (
        f"{text} and the rollout to {percent(ROLLOUT[-1][1])} still {lasted(ahead)} away." if ahead > 0 else f"{text}."
    )


def _usual(tally: Tally) -> float:
    return tally.approval_rate(START, BREAK)


def _clock(ms: int) -> str:
    return clock(format_timestamp(ms))


def _day(ms: int) -> str:
    return format_timestamp(ms)[:10]
