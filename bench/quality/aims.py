"""What the project promises, against what was measured: one line each, `pass` or `BELOW`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.quality.faults import FAULTS, TRAFFIC_FAULTS
from bench.quality.real import Backtest
from bench.quality.runs import OURS
from bench.quality.score import Detection, FalseAlerts, median_error

BUDGET = 1.0
ONSET_PANES = 1.0
# Where a change comes slowly there is no one pane in which it began.
_SLOW = {"ramp to 1 sd in 6 h"}


@dataclass(frozen=True)
class Aim:
    """An aim, what was measured, and whether that reaches it."""

    text: str
    measured: str
    reached: bool

    @property
    def word(self) -> str:
        """The verdict."""
        return "pass" if self.reached else "BELOW"


def aims_of(quiet: Iterable[FalseAlerts], struck: Sequence[Detection], real: Iterable[Backtest]) -> list[Aim]:
    """All aims that the given measurements say something about."""
    return [
        *(_budget(pool) for pool in quiet if pool.method == OURS),
        *_delays([pool for pool in struck if pool.method == OURS]),
        *_onsets([pool for pool in struck if pool.method == OURS]),
        *(_promised(one) for one in real if one.aim),
    ]


def _promised(one: Backtest) -> Aim:
    return Aim(f"{one.name}: {one.aim}", one.result or f"{one.alerts} alerts", one.reached)


def _budget(pool: FalseAlerts) -> Aim:
    low, high = pool.interval
    text = f"false alerts a month on {_on(pool)}: at most {BUDGET:g}"
    return Aim(text, f"{pool.per_month:.2f} ({low:.2f} … {high:.2f})", pool.per_month <= BUDGET)


def _delays(pools: Sequence[Detection]) -> Iterable[Aim]:
    aimed = {fault.name: fault.aim for fault in (*FAULTS, *TRAFFIC_FAULTS) if fault.aim is not None}
    for fault, aim in aimed.items():
        for pool in pools:
            if pool.fault == fault:
                median = pool.delay(0.5)
                measured = "not found" if math.isinf(median) else f"{median:.0f}"
                yield Aim(
                    f"{fault} on {_on(pool)}: median within {aim:,} pane{'s' if aim > 1 else ''}",
                    f"{measured} ({pool.found} of {len(pool.runs)} found)",
                    median <= aim,
                )


def _onsets(pools: Sequence[Detection]) -> Iterable[Aim]:
    for on in dict.fromkeys(_on(pool) for pool in pools):
        runs = [run for pool in pools if _on(pool) == on and pool.fault not in _SLOW for run in pool.runs]
        first = median_error(run.onset_error for run in runs)
        series = median_error(run.series_onset_error for run in runs)
        yield Aim(
            f"onset on {on}: median error of all abrupt faults at most {ONSET_PANES:g} pane",
            f"{first:.1f} (first rate or value alert: {series:.1f})",
            first <= ONSET_PANES,
        )


def _on(pool: FalseAlerts | Detection) -> str:
    return pool.stream if pool.reference == "14d" else f"{pool.stream} ({pool.reference} reference)"
