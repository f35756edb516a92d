"""The ingest stage of models: the decoder of a topic, and the counting of one source."""

from __future__ import annotations

from collections.abc import Sequence

from driftgauge.config import Config
from driftgauge.decode.decoder import Decoder
from driftgauge.decode.model import ModelDecoding
from driftgauge.detect.events.bank import EventBank
from driftgauge.detect.events.on_events import OnEvents
from driftgauge.detect.river_canary import check_classes
from driftgauge.engine.model import Model, methods_of
from driftgauge.engine.topics import EVENT_TYPES
from driftgauge.engine.unprofiled import Unprofiled, unprofiled_beside
from driftgauge.ingest.source import SourceIngest, SubjectPlan
from driftgauge.records import Source
from driftgauge.subject import Subject


def decoder_of(
    models: Sequence[Model],
    kind: str | None,
    *,
    default_model_id: str | None = None,
    unprofiled: Unprofiled | None = None,
) -> Decoder:
    """The decoder of a topic that carries `kind` (predictions, features, labels; None: whatever a file has)."""
    unprofiled = unprofiled or unprofiled_beside(models)
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
        event_type=None if kind is None else EVENT_TYPES[kind],
        max_bytes=unprofiled.settings.max_record_bytes,
        unprofiled=unprofiled.configured,
    )


def decoders_of(config: Config, models: Sequence[Model], unprofiled: Unprofiled) -> dict[str, Decoder]:
    """The decoder of each input topic, by its name."""
    return {
        topic.name: decoder_of(models, kind, default_model_id=topic.model_id, unprofiled=unprofiled)
        for kind, topic in config.topics.inputs.items()
    }


def ingest_of(
    models: Sequence[Model],
    source: Source,
    decoder: Decoder,
    *,
    cut_start: bool = False,
    unprofiled: Unprofiled | None = None,
) -> SourceIngest:
    """A fresh ingest of one source. StateError if its detectors on single events know river by another layout."""
    unprofiled = unprofiled or unprofiled_beside(models)
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
    """The detectors on single events; None if there are none. StateError as `ingest_of`."""
    detectors = {
        (model.subject, model.since): [d for d in model.detectors() if isinstance(d, OnEvents)] for model in models
    }
    if not any(detectors.values()):
        return None
    check_classes(methods_of(models))
    return EventBank(
        lambda: {plan: [detector.watch() for detector in own] for plan, own in detectors.items()},
        models[0].settings.event_alarms,
    )
