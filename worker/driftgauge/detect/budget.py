"""How the false alerts that a subject may raise are shared out among its detectors.

Expected counts add up whatever the dependence between series, windows and detectors (Bonferroni for the expected
number of false alerts), so shares that sum to at most 1 keep the whole within the budget. The groups are those of
the design: data quality 40 %, drift 30 %, performance 20 %, volume 10 % (the traffic's). Drift is split between PSI,
which sees any change of a distribution (.12), the multi-scale z (.1), ADWIN and Page-Hinkley (.04 each). Adding a
detector means giving it a part of its group's share; a share that isn't used is false alerts not raised.
"""

from __future__ import annotations

from types import MappingProxyType

# ADWIN and Page-Hinkley have fixed parameters: no theorem ties their rate to a budget on autocorrelated series. Their
# candidates pass the life cycle's confirmation, after which the measured rate lies below what is set aside for them.
SHARES = MappingProxyType(
    {"shiryaev_roberts": 0.4, "psi": 0.12, "multiscale": 0.1, "adwin": 0.04, "page_hinkley": 0.04, "traffic": 0.1}
)
# What the group of detectors for performance may use.
RESERVED = 0.2


def share_of(detector: str, budget: float) -> float:
    """Expected false alerts per subject and 30 days that one detector may raise over all its series."""
    return SHARES[detector] * budget


def average_run_length(allowed: float, series: int, looks: float) -> float:
    """Panes between false alarms of one series such that `series` of them raise `allowed` per `looks` panes.

    Never below 2: a detector that may alarm at every pane tests nothing.
    """
    return max(2.0, series * looks / allowed) if allowed > 0 else float("inf")


def level(allowed: float, series: int, looks: float) -> float:
    """Level of one test such that `series` x `looks` of them reject `allowed` times without drift; at most .5."""
    return min(0.5, allowed / (series * looks)) if series and looks > 0 else 0.5
