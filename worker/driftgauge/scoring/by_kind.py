"""Recall and delay by what the user calls the kinds and sizes of incidents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from driftgauge.scoring.matching import Finding
from driftgauge.scoring.measures import Delays, Recall, delays_of, recall_of

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?", re.ASCII)


class Group(NamedTuple):
    """Incidents of a kind, or of a size within one; None: they name none."""

    name: str | None
    recall: Recall
    delays: Delays
    sizes: Sequence[Group] = ()


def by_kind(findings: Sequence[Finding]) -> list[Group]:
    """A group per kind, by name; within it one per size, smallest first."""
    kinds = sorted({finding.incident.kind for finding in findings}, key=_words)
    return [_kind(kind, [finding for finding in findings if finding.incident.kind == kind]) for kind in kinds]


def _kind(kind: str | None, findings: Sequence[Finding]) -> Group:
    sizes = sorted({finding.incident.size for finding in findings}, key=_magnitude)
    groups = [_group(size, [f for f in findings if f.incident.size == size]) for size in sizes]
    return _group(kind, findings)._replace(sizes=[] if sizes == [None] else groups)


def _group(name: str | None, findings: Sequence[Finding]) -> Group:
    return Group(name, recall_of(findings), delays_of(findings))


def _words(text: str | None) -> tuple[bool, str]:
    return text is None, text or ""


def _magnitude(size: str | None) -> tuple[bool, float, str]:
    """By the number that it begins with, else by its text; those without a size last."""
    number = _NUMBER.match(size or "")
    return size is None, float(number[0]) if number else float("inf"), size or ""
