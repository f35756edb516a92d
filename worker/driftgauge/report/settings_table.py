"""Settings side by side on the page: a table, and how much each tells in vain against what it finds, or how soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from driftgauge.report.figures import Scatter, scatter_of

_UNITS = (("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000))


class Tried(NamedTuple):
    """A choice of settings. `take`: it is the one to take; `now`: the one that is configured.

    `found` in [0, 1] of the incidents and `delay` (median, ms), both None where there is nothing to tell by; `in_vain`:
    alerts a month. `texts`: the cells of its row, without those of the settings.
    """

    settings: tuple[str, ...]
    texts: tuple[str, ...]
    alerts: int
    in_vain: float | None
    found: float | None
    delay: int | None
    take: bool
    now: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """`headings` of the table's columns, its `rows`, the `verdict`, and `charts` with their titles."""

    verdict: str
    headings: tuple[str, ...]
    rows: Sequence[Tried]
    charts: Sequence[tuple[str, Scatter]]

    @property
    def taken(self) -> list[int]:
        """The number of the row to take, if there is one."""
        return [number for number, row in enumerate(self.rows, start=1) if row.take]


def settings_of(verdict: str, headings: tuple[str, ...], rows: Sequence[Tried]) -> Settings:
    """With the charts that can be drawn of them."""
    longest = max((row.delay for row in rows if row.delay is not None), default=0)
    unit, length = next((unit for unit in _UNITS if longest >= 2 * unit[1]), _UNITS[-1])
    wanted = (
        ("incidents found, in percent", lambda row: None if row.found is None else 100 * row.found),
        (f"median delay, in {unit}", lambda row: None if row.delay is None else row.delay / length),
        ("alerts told", lambda row: float(row.alerts) if row.found is None else None),
    )
    charts = []
    for title, height in wanted:
        points = {
            number: (row.in_vain, y)
            for number, row in enumerate(rows, start=1)
            if row.in_vain is not None and (y := height(row)) is not None
        }
        if len(points) > 1:
            charts.append((f"Alerts in vain a month (to the right), {title} (upwards)", scatter_of(points)))
    return Settings(verdict, headings, rows, charts)
