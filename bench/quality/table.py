"""The scoreboard as text: false alerts, faults, rivals, real data, and the aims with their verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bench.quality.aims import Aim
from bench.quality.faults import FAULTS, TRAFFIC_FAULTS
from bench.quality.real import Backtest
from bench.quality.runs import OURS, WATCHED_DAYS
from bench.quality.score import MONTH_DAYS, Detection, FalseAlerts
from bench.quality.streams import FIELDS, STREAMS

# Of the rivals' faults, one of each kind.
_SHOWN = {
    "NULL storm .8 → 93 %": "NULL",
    "missing .8 → 5 %": "5 % miss",
    "unit × 1000": "×1000",
    "type error": "type",
    "new category 5 %": "new cat",
    "category of 10 % vanishes": "vanish",
    "shift .25 sd": ".25 sd",
    "shift .5 sd": ".5 sd",
    "shift 1 sd": "1 sd",
    "sd × 1.5": "sd×1.5",
}
_NAMED = 3


def lines_of(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Aligned columns, the first `left` of them to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def panes(delay: float) -> str:
    """A delay in panes; a dash where it was never reached."""
    return "—" if math.isinf(delay) or math.isnan(delay) else f"{delay:.0f}"


def quiet_table(pools: Iterable[FalseAlerts]) -> list[str]:
    """False alerts of ours by stream."""
    notes = {stream.name: stream.note for stream in STREAMS}
    rows = [["stream", "reference", "", "months", "alerts", "a month", "95 %", "series-month", "most of them"]]
    for pool in pools:
        low, high = pool.interval
        most = ", ".join(f"{name} {count}" for name, count in pool.by_series.most_common(_NAMED))
        rows.append(
            [
                pool.stream,
                pool.reference,
                notes[pool.stream],
                f"{pool.months:.1f}",
                str(pool.alerts),
                f"{pool.per_month:.2f}",
                f"{low:.2f} … {high:.2f}",
                f"{pool.alerts / pool.series_months:.3f}" if pool.series_months else "",
                most,
            ]
        )
    return lines_of(rows, left=3)


def fault_table(pools: Iterable[Detection]) -> list[str]:
    """What ours makes of each fault on each stream."""
    numbers = ("found", "median", "p90", "onset off", "alerts", "elsewhere")
    order = {fault.name: i for i, fault in enumerate((*FAULTS, *TRAFFIC_FAULTS))}
    rows = [_fault_row(pool) for pool in sorted(pools, key=lambda pool: order[pool.fault])]
    return lines_of([["fault", "stream", "reference", "first series", *numbers], *rows], left=4)


def _fault_row(pool: Detection) -> list[str]:
    return [
        pool.fault,
        pool.stream,
        pool.reference,
        pool.first,
        f"{pool.found}/{len(pool.runs)}",
        panes(pool.delay(0.5)),
        panes(pool.delay(0.9)),
        panes(pool.onset_error),
        f"{pool.mean('true_alerts'):.1f}",
        f"{pool.mean('elsewhere'):.1f}",
    ]


def rival_table(quiet: Iterable[FalseAlerts], struck: Iterable[Detection]) -> list[str]:
    """Methods side by side: false alerts a month, then the median delay by fault.

    "by chance" is the probability that a field has a false alert within the time a fault is watched.
    """
    false = {(pool.stream, pool.method): pool for pool in quiet if pool.reference == "14d"}
    found = {(pool.stream, pool.method, pool.fault): pool for pool in struck if pool.reference == "14d"}
    rows = [["stream", "method", "false a month", "by chance", *_SHOWN.values()]]
    compared = {stream for stream, method in false if method != OURS}
    for (stream, method), pool in false.items():
        if stream in compared:
            pools = [found.get((stream, method, fault)) for fault in _SHOWN]
            delays = [panes(of.delay(0.5)) if of else "" for of in pools]
            chance = 1 - math.exp(-pool.per_month / len(FIELDS) / MONTH_DAYS * WATCHED_DAYS)
            rows.append([stream, method, f"{pool.per_month:,.1f}", f"{chance:.0%}", *delays])
    head, *body = rows
    order = {stream.name: i for i, stream in enumerate(STREAMS)}
    return lines_of([head, *sorted(body, key=lambda row: (order[row[0]], row[1] != OURS))], left=2)


def real_table(backtests: Iterable[Backtest]) -> list[str]:
    """Backtests over data that others have made."""
    rows = [["set", "pane", "what is known", "files", "rows", "alerts", "before", "found", "most of them"]]
    for one in backtests:
        most = sorted(one.by_series.items(), key=lambda item: (-item[1], item[0]))[:_NAMED]
        which = ", ".join(f"{name} {count}" for name, count in most)
        numbers = [str(one.files), f"{one.rows:,}", str(one.alerts), str(one.before), one.result]
        rows.append([one.name, one.pane, one.known, *numbers, which])
    return lines_of(rows, left=3)


def aim_table(aims: Iterable[Aim]) -> list[str]:
    """One line per aim."""
    return lines_of([[aim.word, aim.text, aim.measured] for aim in aims], left=3)
