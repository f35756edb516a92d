"""How bad a change is, and under which name it is published: one literal table each.

Both are labels of the alert, hence part of its fingerprint; both depend on the series and the size of the change only,
never on which detector saw it.
"""

from __future__ import annotations

import math
from typing import Literal

from driftgauge.alerts.transition import Severity
from driftgauge.profiles.series import Series

AlertName = Literal[
    "DataQuality",
    "FeatureDrift",
    "PredictionDrift",
    "TrafficAnomaly",
    "PerformanceDegradation",
    "ConceptDrift",
    "FeaturePipelineBroken",
    "LabelDelay",
    "BaselineMissing",
    "MonitorBroken",
]
Measure = Literal["rate", "share", "position", "psi"]

# Mildest first.
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")

# From this size on a change is critical. Rates: rise of the share of events; share: change of the share either way;
# position (location and spread, also of the score): in sd of one reference event; psi: debiased PSI.
CRITICAL_FROM: dict[Measure, float] = {"rate": 0.20, "share": 0.20, "position": 1.0, "psi": 1.0}

# 0.3 - 0.1 is a hair below 0.2 in binary; a change of just the limit counts as reaching it.
_ROUNDING = 1e-9


def measure_of(series: Series) -> Measure:
    """Which row of the table a series goes by."""
    if series.kind == "rate":
        return "rate"
    if series.kind == "window":
        return "psi"
    return "position" if series.category is None else "share"


def severity_of(series: Series, before: float, after: float) -> Severity:
    """Severity of a change from `before` to `after` (levels of the series). A level that is unknown (NaN) warns."""
    measure = measure_of(series)
    change = after - before
    if measure == "psi":
        size = after
    elif measure == "rate":
        size = change
    elif measure == "share":
        size = abs(change)
    else:
        size = abs(change) / series.sd if series.sd > 0 else math.nan
    return "critical" if size >= CRITICAL_FROM[measure] - _ROUNDING else "warning"


def alertname_of(series: Series) -> AlertName:
    """DataQuality for missing, invalid, unseen and out-of-range values of any field; else drift of what it is."""
    if series.kind == "rate":
        return "DataQuality"
    return "FeatureDrift" if series.slot.role == "feature" else "PredictionDrift"
