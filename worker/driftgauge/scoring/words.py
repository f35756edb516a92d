"""Measures as people read them, on the terminal and on the page alike."""

from __future__ import annotations

from driftgauge.alerts.numbers import lasted, number
from driftgauge.scoring.delays import Quantile
from driftgauge.scoring.measures import FalseAlerts


def delay_text(quantile: Quantile) -> str:
    """`4 min`, or longer than what was watched."""
    if quantile.at is not None:
        return lasted(quantile.at)
    return "unknown" if quantile.beyond is None else f"> {lasted(quantile.beyond)}"


def rate_text(false: FalseAlerts) -> str:
    """`2 a month (95 %: 0.5 … 5)`; empty where there was no quiet time."""
    if false.per_month is None or false.interval is None:
        return ""
    low, high = false.interval
    return f"{number(false.per_month)} a month (95 %: {number(low)} … {number(high)})"
