"""`--sweep`: the same pass judged by many settings, and what each of them is worth."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Annotated

import typer

from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.backtest.summary import Summary
from driftgauge.cli.labelled import Labelled
from driftgauge.cli.replay_progress import ReplayProgress
from driftgauge.cli.sweep_view import Swept
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.config_segments import watched_segments
from driftgauge.durations import format_duration
from driftgauge.engine.configured import models_of
from driftgauge.engine.model import Model
from driftgauge.engine.problems import problems_of
from driftgauge.engine.profiled import by_rows, model_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.engine.unprofiled import Unprofiled, unprofiled_of
from driftgauge.errors import ConfigError
from driftgauge.panes.merge import Pane
from driftgauge.panes.messages import Message
from driftgauge.scoring.alert import Alert
from driftgauge.scoring.matching import Watch
from driftgauge.subject import Subject
from driftgauge.sweep.axes import BUDGET, MINIMUM_EFFECT, PANE, Choice, choices
from driftgauge.sweep.placebo import LEAST_WEEKS, WEEK, PaneStore, permuted
from driftgauge.sweep.rows import InVain, Row, knee, placebo_of, row_of
from driftgauge.sweep.variant import Variant

SweepOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sweep", metavar="AXIS=A,B…", help="Try settings side by side: budget=0.1,1,10 and others; repeatable."
    ),
]
# Enough to know a rate of one a month from one of five.
_PLACEBO_WEEKS, _MOST_SHUFFLES = 16, 4


class Sweep:
    """What is tried, over one pass."""

    def __init__(self, texts: Sequence[str], plan: Plan, *, labelled: Labelled | None) -> None:
        """`plan`: as it is replayed. ConfigError for what can't be tried."""
        self._labelled = labelled
        self._models = plan.models
        own = _analyses(plan.models)
        self._variants: list[Variant] = []
        for choice in choices(texts):
            models, unprofiled = _tried(plan, choice)
            _require_multiples(plan.models, models)
            try:
                variant = Variant(choice, models, unprofiled, as_configured=_analyses(models) == own)
            except ConfigError as error:
                raise ConfigError(f"--sweep {choice}: {error}") from None
            self._variants.append(variant)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `conclude`)
        self._store = PaneStore(self._file) if labelled is None else None
        self._note: str | None = None

    def take(self, messages: Sequence[Message], log: int = 0) -> None:
        """What the pass judges."""
        for variant in self._variants:
            variant.take(messages, log)

    def closed(self, _subject: Subject, panes: Sequence[Pane]) -> None:
        """Panes that have closed."""
        if self._store is not None:
            self._store.add(panes)

    def conclude(self, summary: Summary) -> Swept | None:
        """After the pass, which throws away what was stored. None if it, or this, was stopped before its end."""
        try:
            if summary.complete and summary.period is not None:
                return self._concluded(summary.told.all(), summary.period)
        except KeyboardInterrupt:
            summary.complete = False
        finally:
            self._file.close()
        return None

    def _concluded(self, told: Sequence[Alert], period: tuple[int, int]) -> Swept:
        """`told`: the alerts of the configured settings."""
        rows: list[Row] = []
        watched = frozenset(model.subject.model_id for model in self._models)
        watch = Watch(watched, *period)
        weeks = self._quiet_weeks(told, period)
        incidents = None if self._labelled is None else self._labelled.incidents
        with ReplayProgress() as progress:
            for done, variant in enumerate(self._variants):
                alerts = variant.alerts.all()
                rows.append(
                    row_of(
                        variant.choice,
                        alerts,
                        watch,
                        as_configured=variant.as_configured,
                        incidents=incidents,
                        tolerance=0 if self._labelled is None else self._labelled.tolerance,
                        placebo=self._placebo(variant, weeks, len(watched)) if weeks else None,
                    )
                )
                progress.update((done + 1) / len(self._variants), None, 0, len(alerts))
        budget = max(model.whole_budget for model in self._models)
        return Swept(rows, knee(rows, budget), budget, self._note)

    def _quiet_weeks(self, told: Sequence[Alert], period: tuple[int, int]) -> list[int]:
        if self._store is None:
            return []
        if any(WEEK % model.pane_length for variant in self._variants for model in variant.models):
            self._note = "no placebo: weeks don't begin with panes of this length"
            return []
        spans = [(min(a.since, a.opened), period[1] if a.resolved is None else a.resolved) for a in told]
        weeks = self._store.quiet_weeks(spans)
        if len(weeks) < LEAST_WEEKS:
            self._note = (
                f"no placebo: it takes {LEAST_WEEKS} whole weeks without an alert of the configured settings, "
                f"there are {len(weeks)}; label incidents (--incidents) to tell which alerts are in vain"
            )
            return []
        return weeks

    def _placebo(self, variant: Variant, weeks: Sequence[int], models: int) -> InVain:
        assert self._store is not None  # noqa: S101 (there are weeks only where there is a store)
        shuffles = min(_MOST_SHUFFLES, -(-_PLACEBO_WEEKS // len(weeks)))
        alerts: list[Alert] = []
        for seed in range(shuffles):
            alerts += variant.told_of(self._store.reordered(permuted(weeks, seed)))
        return placebo_of(alerts, shuffles * len(weeks), models)


def _analyses(models: Sequence[Model]) -> list[str]:
    return [part.analysis for model in models for part in model.subjects]


def _tried(plan: Plan, choice: Choice) -> tuple[Sequence[Model], Unprofiled | None]:
    """The plan's models, but for what is chosen."""
    if plan.config is None:
        return [_profiled(model, choice) for model in plan.models], None
    config = choice.applied(plan.config)
    for path, message in problems_of(config, plan.profiles):
        raise ConfigError(f"--sweep {choice}: {'.'.join(map(str, path))}: {message}")
    models = models_of(config, plan.profiles)
    return models, unprofiled_of(config, models)


def _profiled(model: Model, choice: Choice) -> Model:
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), choice.detectors)
    pane, budget, effect = (choice.value(axis) for axis in (PANE, BUDGET, MINIMUM_EFFECT))
    chosen = model_of(
        model.profile,
        settings,
        pane_length=pane or model.pane_length,
        budget=budget or model.whole_budget,
        segments=watched_segments(model.profile, None, LimitsConfig().segments),
        minimum_effect=effect or model.minimum_effect,
    )
    return chosen if model.layout.told_days == model.profile.reference.told_days else by_rows(chosen)


def _require_multiples(own: Sequence[Model], tried: Sequence[Model]) -> None:
    lengths = {model.subject: model.pane_length for model in own}
    for model in tried:
        if model.pane_length % lengths[model.subject]:
            has, wants = format_duration(lengths[model.subject]), format_duration(model.pane_length)
            raise ConfigError(
                f"--sweep pane={wants}: events are counted in panes of {has}, which don't make up one of {wants}; "
                "count in the shortest (--pane, or panes.length in the configuration) and try multiples of it"
            )
