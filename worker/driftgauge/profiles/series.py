"""What a series is: one number in [0, 1] per pane of a subject, its reference and the smallest effect that matters.

Which series a layout has: `series_plan.py`; what they are in a pane: `contrasts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import SeriesNoise

Kind = Literal["rate", "value", "window"]


@dataclass(frozen=True, slots=True)
class Series:
    """One monitored number per pane of a subject.

    `name`: as in an alert's labels (`missing`, `location`, `score_location`, `share`, `predicted_share`, `psi_1h` ...);
    `feature`: None for series of the prediction; `category`: for shares, the category or what stands for the rarer ones
    (`other`).
    `kind`: "rate" is hits/n of an indicator of which only a rise matters (missing, invalid, unseen, out_of_range,
    repeated); "value" is a mean in [0, 1] or a share, both directions matter; "window" is computed by a window
    detector, which fills in its values itself.
    `reference`: expected level; `sd`: of one event's contribution in the reference; `reference_n`: reference events
    behind it (0 while there is nothing to compare it with); `tolerance`: the smallest effect worth an alert, in the
    series' own unit (rates: allowed excess over `reference`; values: .2 sd; windows: PSI). `noise`: how it moved from
    pane to pane in the reference, if measured.
    `minimum_effect`: what `tolerance` has been multiplied by, as the configuration wants it.
    `told_days`: days of event time that tells of. `baseline`: where it is production's own, up to when that was (ms).
    `among`: for `repeated`, the events of a group, of which those count that repeat a value of the same group.
    """

    index: int
    name: str
    kind: Kind
    slot: Slot
    feature: str | None
    category: str | None
    reference: float
    sd: float
    reference_n: int
    tolerance: float
    noise: SeriesNoise | None
    told_days: float = 0.0
    baseline: int | None = None
    among: int = 0
    minimum_effect: float = 1.0

    @property
    def key(self) -> str:
        """Stable identity within a subject: what state and episodes are filed under.

        Names and categories are any text, so a bar within one is escaped.
        """
        return "|".join(_escaped(part) for part in (self.feature or "", self.name, self.category or ""))

    @property
    def shown_category(self) -> str:
        """The category as people may read it, see `Slot.shown_names`; empty where there is none."""
        names = self.slot.spec.cell_names[: self.slot.spec.bins]
        if self.category is None or self.category not in names:
            return self.category or ""
        return self.slot.shown_names[names.index(self.category)]


def noise_key(name: str, category: str | None) -> str:
    """Key of a series in a field's `noise`: `location`, `missing` ..., `share|rejected`."""
    return name if category is None else f"{name}|{category}"


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("|", "\\|")
