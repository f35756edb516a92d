"""What workers have published on the topics of a configuration, for `backtest --against-live`."""

from __future__ import annotations

from pydantic import ValidationError

from driftgauge.alerts.event import AlertEvent
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.topic_range import topic_range
from driftgauge.engine.topics import gating_topics
from driftgauge.errors import StateError
from driftgauge.panes.codec import decode_message, is_watermark
from driftgauge.panes.messages import Watermark
from driftgauge.records import Source
from driftgauge.replay.against_live import Published
from driftgauge.replay.span import Span
from driftgauge.timestamps import parse_timestamp


def published_alerts(plan: Plan, span: Span) -> Published:
    """Those of the plan's models in `span`. ConfigError if a topic isn't there, UnavailableError if Kafka isn't."""
    config, found = plan.require_config(), Published()
    watched = {model.subject.model_id for model in plan.models}
    gating = set(gating_topics(config))
    alerts, panes = config.topics.alerts, config.topics.panes
    with topic_range(config, [alerts, panes]) as (log, _):
        found.cut = any(first > 0 for source, (first, _) in log.bounds.items() if source.topic == alerts)
        # Watermarks are told to every partition of the panes topic.
        read = {s: bounds for s, bounds in log.spans.items() if s.topic == alerts or s == Source(panes, 0)}
        for batch in log.batches(read):
            for value in batch.values:
                if batch.source.topic == alerts:
                    _take_alert(found, value, watched, span)
                elif is_watermark(value):
                    _take_watermark(found, value, gating, span)
    return found


def _take_alert(found: Published, value: bytes | None, watched: set[str], span: Span) -> None:
    try:
        event = AlertEvent.model_validate_json(value or b"")
        at = parse_timestamp(event.updatedAt)
    except (ValidationError, ValueError):
        found.unread += 1
        return
    if event.labels.model_id in watched and event.run.mode == "live" and span.tells(at):
        found.events.setdefault(event.event_id, event)


def _take_watermark(found: Published, value: bytes | None, gating: set[str], span: Span) -> None:
    try:
        message = decode_message(value or b"", {})
    except StateError:
        return
    if isinstance(message, Watermark) and message.source.topic in gating:
        found.take_watermark(message, span.end)
