"""How the false alerts that a subject may raise are shared out among its detectors.

Expected counts add up whatever the dependence between series, windows and detectors (Bonferroni for the expected
number of false alerts), so shares that sum to at most 1 keep the whole within the budget. The groups are those of
the design: data quality 40 %, drift 30 %, performance 20 %, volume 10 % (the traffic's). Drift is split between PSI,
which sees any change of a distribution (.12, a quarter of it for days against production's own), the multi-scale z
(.06), MOSUM (.04), and river's (.08 in all). Adding a detector means giving it a part of its group's share; a share
that isn't used is false alerts not raised.
"""

from __future__ import annotations

from types import MappingProxyType

# River's have fixed parameters: no theorem ties their rate to a budget on autocorrelated series. The candidates of
# ADWIN and Page-Hinkley on panes pass the life cycle's confirmation, after which the measured rate lies below what is
# set aside for them. On events nothing is promised: every partition is a stream of its own, and events may depend.
SHARES = MappingProxyType(
    {
        "shiryaev_roberts": 0.4,
        "psi": 0.12,
        "multiscale": 0.06,
        "mosum": 0.04,
        "adwin": 0.025,
        "page_hinkley": 0.025,
        "kswin": 0.01,
        "ddm": 0.004,
        "eddm": 0.004,
        "hddm_a": 0.004,
        "hddm_w": 0.004,
        "fhddm": 0.004,
        "traffic": 0.1,
    }
)
# Those: more subjects are more false alerts of theirs, so segments, which share one model's budget, do without them.
NOT_BY_BUDGET = frozenset({"adwin", "page_hinkley"})
# What the group of detectors for performance may use.
RESERVED = 0.2


def whole_and_segment(budget: float, limit: int) -> tuple[float, float]:
    """What a model's whole and each of its segments may use of its budget, where up to `limit` segments are watched.

    Half and half: the whole speaks for all events, the segments for what only some of them show. By the cap and not by
    how many there are, so that another segment changes nothing for those before it.
    """
    return budget / 2, budget / 2 / limit


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
