"""What a backtest analyses: the models of a profile with default settings, or those of a configuration."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from driftgauge import config_file
from driftgauge.alerts.event import AlertEvent, Run
from driftgauge.alerts.stage import Raised
from driftgauge.cli.injected_faults import InjectedFaults
from driftgauge.cli.model_option import chosen_model
from driftgauge.config import LONGEST_PANE, Config
from driftgauge.durations import format_duration, parse_duration
from driftgauge.engine.configured import models_of
from driftgauge.engine.model import Model, layouts_of
from driftgauge.engine.problems import problems_of
from driftgauge.engine.profiled import by_rows, default_model
from driftgauge.engine.publish import renderer_of, run_id_of
from driftgauge.engine.unprofiled import Unprofiled, unprofiled_beside, unprofiled_of
from driftgauge.errors import ConfigError
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import Profile
from driftgauge.sources.profile_file import read_profile

# The group of a run without a configuration: part of its run_id.
_GROUP = "backtest"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is analysed. `read`: the files that say so, which are the profiles and the configuration.

    `config`, `unprofiled`: None without a configuration, of whose entries in their order are the `profiles`. `faults`:
    None if the input is analysed as it is.
    """

    models: Sequence[Model]
    group: str
    read: Sequence[Path]
    config: Config | None = None
    unprofiled: Unprofiled | None = None
    faults: InjectedFaults | None = None
    profiles: Sequence[Profile | None] = ()

    def by_rows(self) -> Plan:
        """The same for rows without times."""
        return replace(self, models=[by_rows(model) for model in self.models])

    def require_config(self) -> Config:
        """ConfigError without one, since it names the topics."""
        if self.config is None:
            raise ConfigError("name what to read, --file DATA; topics are named by a configuration, -c FILE")
        return self.config

    def require_unprofiled(self) -> Unprofiled:
        """How events without a profile are counted."""
        return self.unprofiled or unprofiled_beside(self.models)

    @property
    def layouts(self) -> dict[str, Layout]:
        """By profile hash."""
        return layouts_of(self.models)

    def renderer(self) -> Callable[[Raised], AlertEvent]:
        """What makes alert events of what is raised: they say which run they are of, and which faults are in it."""
        texts, named = (self.faults.texts, self.faults.named) if self.faults is not None else ([], [])
        run = Run(mode="backtest", run_id=run_id_of(self.models, self.group, named), injected=texts)
        return renderer_of(self.models, run, self.unprofiled)

    def with_faults(self, texts: Sequence[str] | None, seed: int | None, model: str | None) -> Plan:
        """The same with the faults of --inject, if there are any, in the events of one model (see `model_of_rows`)."""
        if not texts:
            if seed is not None:
                raise ConfigError("--inject-seed says which records the faults of --inject hit: give it --inject FAULT")
            return self
        return replace(self, faults=InjectedFaults(texts, seed or 0, self.model_of_rows(model).profile))

    def model_of_rows(self, wanted: str | None) -> Model:
        """The one that rows of tables, and events that name none, belong to; `wanted`: the value of --model."""
        if self.config is None:
            if wanted is not None:
                raise ConfigError("--model goes with -c FILE; a profile is of one model")
            return self.models[0]
        # Where a version changes its profile, the newest reads the rows: what a cell means can't change within a file.
        newest: Mapping[str, Model] = {f"{m.subject.model_id}/{m.subject.model_version}": m for m in self.models}
        return newest[chosen_model(list(newest), wanted)]


def plan_of(profile: Path | None, config: Path | None, pane: str | None, budget: float | None) -> Plan:
    """By the values of --profile or -c, --pane and --budget. ConfigError where they don't go together."""
    if (profile is None) == (config is None):
        raise ConfigError("give either --profile P (default settings) or -c FILE (a configuration's settings)")
    if profile is not None:
        return Plan([_profiled(profile, pane or "auto", 1.0 if budget is None else budget)], _GROUP, [profile])
    assert config is not None  # noqa: S101 (one of the two is given)
    for option, value in (("--pane", pane), ("--budget", budget)):
        if value is not None:
            raise ConfigError(f"{option} goes with --profile; with -c FILE the configuration says it")
    loaded = config_file.load_with_profiles(config, os.environ, read_profile, examine=problems_of)
    models = models_of(loaded.config, loaded.profiles)
    if not models:
        raise ConfigError(f"{config}: no model has a profile, so there is nothing to judge; driftgauge profile build")
    read = [config, *(Path(entry.profile) for entry in loaded.config.models if entry.profile is not None)]
    return Plan(
        models,
        loaded.config.kafka.group_id,
        read,
        loaded.config,
        unprofiled_of(loaded.config, models),
        profiles=loaded.profiles,
    )


def _profiled(path: Path, pane: str, budget: float) -> Model:
    if not (math.isfinite(budget) and 0 < budget <= 1000):
        raise ConfigError(f"--budget {budget:g}: expected false alerts per model and month, above 0 and at most 1000")
    loaded = read_profile(path)
    try:
        length = None if pane == "auto" else parse_duration(pane)
    except ValueError as error:
        raise ConfigError(f"--pane: {error}, or auto") from None
    if length is not None and not 1000 <= length <= LONGEST_PANE:
        raise ConfigError(f"--pane {pane}: a pane is at least 1s and at most {format_duration(LONGEST_PANE)} long")
    return default_model(loaded, pane=pane, budget=budget)
