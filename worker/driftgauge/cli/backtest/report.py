"""The report of a replay as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from driftgauge.cli.sweep_view import Swept, settings_table
from driftgauge.durations import format_duration
from driftgauge.engine.model import Model
from driftgauge.replay.replay import ReplayTotals
from driftgauge.report.content import Period, content_of
from driftgauge.report.labelled import labelled_of
from driftgauge.report.page import page
from driftgauge.report.recorder import Recorder
from driftgauge.scoring.score import Score


def recorder_of(models: Sequence[Model]) -> Recorder:
    """What a report of these models is made of."""
    return Recorder({(m.subject, m.layout.profile_hash): m.contrasts for whole in models for m in whole.subjects})


def write_report(
    path: Path,
    recorder: Recorder,
    models: Sequence[Model],
    totals: ReplayTotals,
    *,
    period: tuple[int, int] | None = None,
    warnings: Sequence[str] = (),
    complete: bool = True,
    swept: Swept | None = None,
    score: Score | None = None,
) -> None:
    """What was recorded of a replay of these models, as a page. OSError if the file can't be written.

    `period`: what is told of; None: all that was counted.
    """
    watched = [
        f"{m.subject}, {len(m.contrasts.series)} series, panes of {format_duration(m.pane_length)}, "
        f"a budget of {m.budget:g} false alert{'s' if m.budget != 1 else ''} a month"
        for m in models
    ]
    settings = None if swept is None else settings_table(swept)
    labelled = None if score is None else labelled_of(score)
    content = content_of(recorder, period_of(totals, period, complete=complete), watched, warnings, settings, labelled)
    path.write_text(page(content), encoding="utf-8")


def period_of(totals: ReplayTotals, period: tuple[int, int] | None = None, *, complete: bool = True) -> Period:
    """What was looked at."""
    first, last = period or (totals.first or 0, totals.last or 0)
    return Period(
        first=first,
        last=last,
        events=totals.events,
        panes=totals.panes,
        late=totals.late,
        rejected=sum(totals.reject_codes.values()),
        complete=complete,
    )
