"""From profiles and settings to engines: what is counted, what is judged, and under which analysis hash.

The pure part of the composition. Live worker (`app.py`) and file replay build the same objects here, so that they give
the same alerts.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from driftgauge.alerts.baseline import BaselinePlan, BaselineStep
from driftgauge.alerts.baseline_event import render_baseline
from driftgauge.alerts.event import AlertEvent, Publishing, Run, render
from driftgauge.alerts.lifecycle import LifecycleSettings, repeat_interval
from driftgauge.alerts.stage import DetectStage, Raised
from driftgauge.alerts.traffic_event import render_traffic
from driftgauge.alerts.traffic_story import TrafficStep
from driftgauge.alerts.watch import WatchPlan
from driftgauge.config import LONGEST_PANE, AlertsConfig, Config, LimitsConfig, PanesConfig
from driftgauge.config_segments import WatchedSegments, watched_segments
from driftgauge.decode.decoder import Decoder
from driftgauge.decode.model import ModelDecoding
from driftgauge.detect.budget import NOT_BY_BUDGET, whole_and_segment
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.events.bank import EventBank
from driftgauge.detect.events.chosen import misfits
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.registry import build_detectors, switched_on
from driftgauge.detect.river_canary import check_classes
from driftgauge.detect.traffic.limits import TRAFFIC, Limits
from driftgauge.detect.traffic.parts import Parts
from driftgauge.detect.types import Detector, DetectorContext
from driftgauge.durations import format_duration, parse_duration
from driftgauge.errors import ConfigError
from driftgauge.ingest.source import SourceIngest, SubjectPlan
from driftgauge.panes.schedule import ALWAYS, first_pane
from driftgauge.panes.unprofiled import UnprofiledPlan
from driftgauge.profiles.contrasts import Contrasts, contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import Profile, features_with_repeats
from driftgauge.records import Source
from driftgauge.sources.event_log import EventTopic
from driftgauge.subject import Subject
from driftgauge.timestamps import format_timestamp

# Counts up when the same panes could give other alerts: part of every event's identity.
ENGINE_SEMANTICS = 4
MONTH = 30 * 86_400_000
# What the configuration's `detectors` may name.
METHODS = (*DETECTORS, TRAFFIC)

EventType = Literal["prediction", "features", "label"]
_EVENT_TYPES: Mapping[str, EventType] = {"predictions": "prediction", "features": "features", "labels": "label"}


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What all models of a run share. `out_of_orderness` ms.

    `traffic`: settings for volume and silences; None: these aren't watched.
    """

    out_of_orderness: int
    lifecycle: LifecycleSettings
    detectors: Mapping[str, Mapping[str, Any]]
    traffic: Mapping[str, Any] | None
    ring_panes: int
    max_record_bytes: int
    unknown_subjects: int
    event_alarms: int
    distinct_features: int

    @classmethod
    def of(
        cls, panes: PanesConfig, alerts: AlertsConfig, limits: LimitsConfig, detectors: Mapping[str, Mapping[str, Any]]
    ) -> EngineSettings:
        """From the configuration's sections; see `switched_on` for which detectors are."""
        for name in detectors:
            if name not in METHODS:
                raise ConfigError(f"detectors.{name}: no such detector; there are {', '.join(METHODS)}")
        traffic = dict(detectors.get(TRAFFIC, {}))
        return cls(
            out_of_orderness=panes.out_of_orderness,
            lifecycle=LifecycleSettings(
                resolve_panes=alerts.resolve_after_panes,
                horizon_panes=alerts.confirm_horizon_panes,
                repeat_interval=alerts.repeat_interval,
            ),
            detectors=switched_on(DETECTORS, detectors),
            traffic=traffic if traffic.pop("enabled", True) else None,
            ring_panes=limits.ring_panes,
            max_record_bytes=limits.max_record_bytes,
            unknown_subjects=limits.unknown_subjects,
            event_alarms=limits.event_alarms,
            distinct_features=limits.distinct_features,
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A watched model version, resolved. `features_from`: the kind of topic its features are counted from.

    `since`: start (ms) of the first pane it holds for; where a version changes its profile there is one per profile.
    `segments` are watched beside it: each is a model but for the profile, with a part of the budget; `budget` is what
    is left of the model's for the subject itself. Events are of the segment that their tag `tag` names.
    """

    subject: Subject
    profile: Profile
    contrasts: Contrasts
    pane_length: int
    budget: float
    features_from: str
    settings: EngineSettings
    since: int = ALWAYS
    tag: str = ""
    segments: tuple[Model, ...] = ()

    @property
    def subjects(self) -> tuple[Model, ...]:
        """Everything of it that has panes, detectors and alerts: the whole, then its segments."""
        return (self, *self.segments)

    def starting(self, since: int) -> Model:
        """The same, with its segments, from a time (ms) on."""
        return replace(self, since=since, segments=tuple(part.starting(since) for part in self.segments))

    @property
    def layout(self) -> Layout:
        """The profile's cells."""
        return self.contrasts.layout

    @property
    def context(self) -> DetectorContext:
        """What this model's detectors are built from."""
        return DetectorContext(self.contrasts.series, self.pane_length, MONTH / self.pane_length, self.budget)

    def detectors(self) -> Sequence[Detector]:
        """Fresh ones."""
        return build_detectors(DETECTORS, self.context, self.settings.detectors)

    @property
    def traffic(self) -> Limits | None:
        """Limits of its volume and silences; None if they aren't watched.

        Those of a segment aren't: when all falls silent, each of twenty would say so.
        """
        settings = self.settings.traffic
        return (
            None
            if settings is None or self.subject.segment
            else Limits.build(self.context, settings, Parts(self.layout).count)
        )

    @property
    def resolved(self) -> Mapping[str, Mapping[str, Any]]:
        """All parameters in force, by method."""
        methods = {detector.name: dict(detector.resolved) for detector in self.detectors()}
        traffic = self.traffic
        return methods if traffic is None else {**methods, TRAFFIC: dict(traffic.resolved)}

    @property
    def analysis(self) -> str:
        """Hash of everything that decides which alerts the same log gives: part of every event's identity."""
        lifecycle = self.settings.lifecycle
        decided = {
            "semantics": ENGINE_SEMANTICS,
            "profile": self.layout.profile_hash,
            "pane_ms": self.pane_length,
            "out_of_orderness_ms": self.settings.out_of_orderness,
            "budget": self.budget,
            "detectors": self.resolved,
            "lifecycle": [lifecycle.confirm_panes, lifecycle.horizon_panes, lifecycle.resolve_panes],
            "repeat_ms": lifecycle.repeat_interval,
            "ring_panes": self.settings.ring_panes,
        }
        return _hash(decided)


@dataclass(frozen=True, slots=True)
class Unprofiled:
    """What is done about events without a profile. `configured`: model versions that the configuration names so."""

    configured: tuple[Subject, ...]
    panes: UnprofiledPlan
    settings: EngineSettings

    @property
    def plan(self) -> BaselinePlan:
        """How the detect stage tells of them."""
        return BaselinePlan(self.panes, self.settings.lifecycle, self._analysis)

    def _analysis(self, pane_length: int) -> str:
        """As a model's analysis hash: what decides which alerts the same log gives."""
        lifecycle = self.settings.lifecycle
        decided = {
            "semantics": ENGINE_SEMANTICS,
            "baseline": "missing",
            "pane_ms": pane_length,
            "out_of_orderness_ms": self.settings.out_of_orderness,
            "resolve_panes": lifecycle.resolve_panes,
            "repeat_ms": lifecycle.repeat_interval,
        }
        return _hash(decided)


def model_of(
    profile: Profile,
    settings: EngineSettings,
    *,
    pane_length: int,
    budget: float,
    features_from: str = "predictions",
    segments: WatchedSegments | None = None,
) -> Model:
    """A model from its profile, with those of the profile's segments that are watched (None: none)."""
    if not profile.features and profile.prediction is None:
        raise ConfigError(f"the profile of {profile.model_id}/{profile.model_version} has no feature and no prediction")
    repeats = features_with_repeats(profile, pane_length, settings.distinct_features)
    contrasts = contrasts_of(Layout.of(profile, repeats), pane_length)
    subject = Subject(profile.model_id, profile.model_version)
    whole = Model(subject, profile, contrasts, pane_length, budget, features_from, settings)
    if profile.segments is None or segments is None or not segments.chosen:
        return whole
    own, each = whole_and_segment(budget, segments.limit)
    by_budget = {name: chosen for name, chosen in settings.detectors.items() if name not in NOT_BY_BUDGET}
    parts = [
        replace(
            whole,
            subject=subject._replace(segment=part.value),
            contrasts=contrasts_of(contrasts.layout.within(part), pane_length),
            budget=each,
            settings=replace(settings, detectors=by_budget),
            tag=profile.segments.tag,
        )
        for part in segments.chosen
    ]
    return replace(whole, budget=own, tag=profile.segments.tag, segments=tuple(parts))


def models_of(config: Config, profiles: Sequence[Profile | None]) -> list[Model]:
    """The models of a configuration; `profiles` in the same order. None: that one isn't watched, see `Unprofiled`.

    Those of a version that changes its profile follow each other in order of time.
    """
    settings = EngineSettings.of(config.panes, config.alerts, config.limits, config.detectors)
    watched = [(entry, profile) for entry, profile in zip(config.models, profiles, strict=True) if profile is not None]
    models = [
        model_of(
            profile,
            settings,
            pane_length=config.pane_length(entry, profile.suggested_pane),
            budget=entry.false_alarm_budget,
            features_from=config.features_topic(entry),
            segments=watched_segments(profile, entry.segments, config.limits.segments),
        )
        for entry, profile in watched
    ]
    unprofiled = unprofiled_of(config, models).panes
    lengths: dict[Subject, int] = {}
    for i, (entry, _) in enumerate(watched):
        model = models[i]
        before = lengths.get(model.subject, unprofiled.length_of(model.subject.model_id))
        lengths[model.subject] = model.pane_length
        if entry.effective_from is not None:
            since = first_pane(entry.effective_from, model.pane_length, before)
            if since - entry.effective_from > LONGEST_PANE:
                lengths_met = f"panes of {format_duration(before)} and of {format_duration(model.pane_length)}"
                raise ConfigError(
                    f"models: {model.subject} would change at {format_timestamp(since)} only, when {lengths_met} first "
                    "begin together; choose lengths of which one divides the other"
                )
            models[i] = model.starting(since)
    return models


def unprofiled_of(config: Config, models: Sequence[Model]) -> Unprofiled:
    """How a configuration has events without a profile counted; `models` as made from it.

    Their panes are as long as those of the model's other versions (the shortest), else as `panes.length`.
    """
    without = [entry for entry in config.models if entry.profile is None]
    lengths = {
        entry.model_id: entry.panes.length for entry in without if entry.panes and entry.panes.length != "auto"
    } | _shortest(models)
    length = config.panes.length
    usual = min((model.pane_length for model in models), default=60_000) if length == "auto" else length
    settings = EngineSettings.of(config.panes, config.alerts, config.limits, config.detectors)
    watched = {model.subject for model in models}
    subjects = [Subject(entry.model_id, entry.model_version) for entry in without]
    subjects = [subject for subject in subjects if subject not in watched]
    return Unprofiled(tuple(subjects), UnprofiledPlan(usual, lengths, settings.unknown_subjects), settings)


def _unprofiled_beside(models: Sequence[Model]) -> Unprofiled:
    """The same without a configuration: panes as long as the shortest of the models."""
    settings, shortest = models[0].settings, min(model.pane_length for model in models)
    return Unprofiled((), UnprofiledPlan(shortest, _shortest(models), settings.unknown_subjects), settings)


def _shortest(models: Sequence[Model]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for model in models:
        model_id = model.subject.model_id
        lengths[model_id] = min(model.pane_length, lengths.get(model_id, model.pane_length))
    return lengths


def problems_of(config: Config, profiles: Sequence[Profile | None]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What only the engine can see of a configuration: path and message of detectors that can't be built so."""
    unknown = [name for name in config.detectors if name not in METHODS]
    yield from ((("detectors", name), f"unknown detector; there are {', '.join(METHODS)}") for name in unknown)
    if unknown:
        return
    for model in models_of(config, profiles):
        of_traffic = {TRAFFIC: model.settings.traffic} if model.settings.traffic is not None else {}
        for name, own in {**model.settings.detectors, **of_traffic}.items():
            try:
                if name == TRAFFIC:
                    Limits.build(model.context, own, Parts(model.layout).count)
                else:
                    DETECTORS[name].build(model.context, own)
            except ValueError as error:
                message = str(error)
                # A detector's message names the setting it is about.
                setting = [key for key in own if re.search(rf"\b{re.escape(key)}\b", message.partition(";")[0])][:1]
                yield ("detectors", name, *setting), message
    series = [entry for model in models_of(config, profiles) for entry in model.contrasts.series]
    for name, own in config.detectors.items():
        named = own.get("series") if own.get("enabled", True) else None
        texts = [entry if isinstance(entry, str) else "" for entry in named] if isinstance(named, list) else []
        yield from ((("detectors", name, "series", at), text) for at, text in misfits(series, texts))


def default_model(profile: Profile, *, pane: str = "auto", budget: float = 1.0) -> Model:
    """A model with the default settings, for files without a configuration. `pane` is a duration or `auto`."""
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})
    length = parse_duration(profile.suggested_pane if pane == "auto" else pane)
    segments = watched_segments(profile, None, LimitsConfig().segments)
    return model_of(profile, settings, pane_length=length, budget=budget, segments=segments)


def by_rows(model: Model) -> Model:
    """The model for rows that come without times, where those of its reference had none either.

    Their event time is a count of rows, so that no hour of the day can be the reason for anything.
    """
    if model.profile.reference.timed:
        return model
    layout = replace(model.layout, told_days=math.inf)
    segments = tuple(by_rows(part) for part in model.segments)
    return replace(model, contrasts=contrasts_of(layout, model.pane_length), segments=segments)


def decoder_of(
    models: Sequence[Model],
    kind: str | None,
    *,
    default_model_id: str | None = None,
    unprofiled: Unprofiled | None = None,
) -> Decoder:
    """The decoder of a topic that carries `kind` (predictions, features, labels; None: whatever a file has)."""
    unprofiled = unprofiled or _unprofiled_beside(models)
    decodings = [
        ModelDecoding(
            subject=model.subject,
            layout=model.layout,
            prediction=model.profile.prediction,
            count_features=kind is None or model.features_from == kind,
            count_prediction=kind in (None, "predictions"),
            since=model.since,
            tag=model.tag,
            segments=tuple(part.subject.segment for part in model.segments),
        )
        for model in models
    ]
    return Decoder(
        decodings,
        default_model_id=default_model_id,
        event_type=None if kind is None else _EVENT_TYPES[kind],
        max_bytes=unprofiled.settings.max_record_bytes,
        unprofiled=unprofiled.configured,
    )


def ingest_of(
    models: Sequence[Model],
    source: Source,
    decoder: Decoder,
    *,
    cut_start: bool = False,
    unprofiled: Unprofiled | None = None,
) -> SourceIngest:
    """A fresh ingest of one source. StateError as `stage_of`, if detectors are to look at single events."""
    unprofiled = unprofiled or _unprofiled_beside(models)
    plans: dict[Subject, SubjectPlan] = {}
    for model in models:
        for part in model.subjects:
            segments = [one.subject for one in part.segments]
            before = plans.get(part.subject)
            plans[part.subject] = SubjectPlan(model.layout, model.pane_length, model.since, before, segments)
    return SourceIngest(
        source,
        decoder,
        plans,
        out_of_orderness=unprofiled.settings.out_of_orderness,
        cut_start=cut_start,
        unprofiled=unprofiled.panes,
        bank=_bank_of(models),
    )


def _bank_of(models: Sequence[Model]) -> EventBank | None:
    """The detectors on single events; None if there are none. StateError as `stage_of`."""
    detectors = {
        (model.subject, model.since): [d for d in model.detectors() if isinstance(d, OnEvents)] for model in models
    }
    if not any(detectors.values()):
        return None
    _check_river(models)
    return EventBank(
        lambda: {plan: [detector.watch() for detector in own] for plan, own in detectors.items()},
        models[0].settings.event_alarms,
    )


def _check_river(models: Sequence[Model]) -> None:
    check_classes(sorted({name for model in models for name in model.settings.detectors}))


def watch_plan(model: Model, before: WatchPlan | None = None) -> WatchPlan:
    """How a model is watched; `before`: how its version was, before its time."""
    return WatchPlan(
        model.contrasts,
        model.pane_length,
        model.detectors,
        model.analysis,
        model.settings.lifecycle,
        model.settings.ring_panes,
        model.traffic,
        model.since,
        before,
    )


def stage_of(models: Sequence[Model], unprofiled: Unprofiled | None = None) -> DetectStage:
    """A fresh detect stage of all models. StateError if the installed river keeps its state in another layout."""
    unprofiled = unprofiled or _unprofiled_beside(models)
    _check_river(models)
    plans: dict[Subject, WatchPlan] = {}
    for part in (part for model in models for part in model.subjects):
        plans[part.subject] = watch_plan(part, plans.get(part.subject))
    return DetectStage(plans, unprofiled.plan)


def renderer_of(
    models: Sequence[Model], run: Run, unprofiled: Unprofiled | None = None
) -> Callable[[Raised], AlertEvent]:
    """What dresses transitions up as alert events."""
    lifecycle = (unprofiled or _unprofiled_beside(models)).settings.lifecycle
    publishing: dict[Subject, list[tuple[int, Publishing]]] = {}
    for model in (part for whole in models for part in whole.subjects):
        repeat = repeat_interval(model.settings.lifecycle, model.pane_length)
        of_model = Publishing(model.subject, model.layout.profile_hash, run, repeat, tag=model.tag)
        publishing.setdefault(model.subject, []).insert(0, (model.since, of_model))

    def dress(raised: Raised) -> AlertEvent:
        step = raised.transition
        if isinstance(step, BaselineStep):
            return render_baseline(raised.subject, step, run, repeat_interval(lifecycle, step.pane_length))
        # An alert is told of by the profile that it was opened by.
        by = next(of for since, of in publishing[raised.subject] if since < step.opened_pane_end)
        return render_traffic(step, by) if isinstance(step, TrafficStep) else render(step, by)

    return dress


def run_id_of(models: Sequence[Model], group: str) -> str:
    """Derived from the group and what is analysed, so that every worker of a group says the same."""
    analyses = sorted(f"{model.subject} {model.analysis}" for whole in models for model in whole.subjects)
    return hashlib.sha256(orjson.dumps([group, *analyses])).hexdigest()[:16]


def topics_of_version(config: Config, subject: Subject) -> dict[str, EventTopic]:
    """By name, the topics that events of a model version are counted from, whether or not it is configured."""
    entry = next((e for e in config.models if (e.model_id, e.model_version) == subject[:2]), None)
    features = config.features_topic(entry)
    return {
        topic.name: EventTopic(_EVENT_TYPES[kind], topic.model_id, kind == features, kind == "predictions")
        for kind, topic in config.topics.inputs.items()
        if kind in ("predictions", features)
    }


def gating_kinds(config: Config) -> list[str]:
    """The kinds of topics that gate panes: those that anything is counted from."""
    counted = {"predictions", *(config.features_topic(entry) for entry in config.models)}
    return [kind for kind in config.topics.inputs if kind in counted]


def _hash(decided: Mapping[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(orjson.dumps(decided, option=orjson.OPT_SORT_KEYS)).hexdigest()
