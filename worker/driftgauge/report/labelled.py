"""Incidents that were known beforehand: which of them were found, after how long and by what, and what was in vain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from driftgauge.alerts.numbers import lasted, percent
from driftgauge.counted import counted
from driftgauge.scoring.score import Score
from driftgauge.scoring.words import rate_text
from driftgauge.timestamps import format_minute

_SHOWN = 60


class Known(NamedTuple):
    """An incident: when it began, what it is, and the alert that found it; `delay` None: it was missed."""

    began: str
    text: str
    delay: str | None
    by: str


class Labelled(NamedTuple):
    """`verdict` in one sentence, the incidents in order of time, and how many more there are."""

    verdict: str
    known: Sequence[Known]
    left_out: int


def labelled_of(score: Score) -> Labelled:
    """Of a score."""
    findings = score.matching.findings
    rows = [
        Known(
            format_minute(finding.incident.start),
            finding.incident.text,
            None if finding.delay is None else lasted(finding.delay),
            f"not told in {lasted(finding.watched)}" if finding.by is None else finding.by.summary,
        )
        for finding in findings[:_SHOWN]
    ]
    return Labelled(_verdict(score), rows, max(0, len(findings) - _SHOWN))


def _verdict(score: Score) -> str:
    recall, false = score.measures.recall, score.measures.false
    share = "" if recall.share is None else f" ({percent(recall.share)})"
    rate = f", {text}" if (text := rate_text(false)) else ""
    found = f"{recall.found} of {recall.incidents} incidents were found{share}"
    return f"{found}. In vain: {counted(false.count, 'alerts')}{rate}."
