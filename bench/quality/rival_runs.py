"""The rivals' runs: the same courses as ours, drawn event by event."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from bench.quality.faults import FAULTS
from bench.quality.ours import Alert
from bench.quality.rivals import RIVALS, Rival, River
from bench.quality.runs import ONSET, QUIET_DAYS, WATCHED_DAYS
from bench.quality.score import Quiet, Struck, struck
from bench.quality.streams import DAY, MINUTE, PRODUCTION, REFERENCE_DAYS, START, Course, Stream, generator

RIVAL_DAYS = 7
# Panes before the onset that river's detectors see. Rules on windows start calm at the onset: where one would have been
# alarming already, it is not held against it.
_WARM_UP = 12 * 60


def fitted(seed: int, stream: Stream, subject: int) -> dict[str, list[Rival]]:
    """Every rival on every field, having seen the 14 days of the reference at full rate."""
    rng = generator(seed, stream, subject, "full reference")
    course = Course(stream, START, REFERENCE_DAYS * DAY // MINUTE, rng)
    rivals: dict[str, list[Rival]] = {}
    for field in stream.fields:
        pane, values = course.values(field, rng)
        rivals[field.name] = [kind() for kind in RIVALS]
        for rival in rivals[field.name]:
            rival.fit(field, pane, values)
    return rivals


def quiet_rivals(seed: int, stream: Stream, subject: int) -> Iterator[Quiet]:
    """A week without a fault; what a method raises on all fields of the model is counted together."""
    rivals = fitted(seed, stream, subject)
    panes = QUIET_DAYS * DAY // MINUTE
    course = Course(stream, PRODUCTION, panes, generator(seed, stream, subject, "production"))
    course = course.part(0, RIVAL_DAYS * DAY // MINUTE)
    rng = generator(seed, stream, subject, "events")
    raised: dict[str, dict[str, int]] = {kind().name: {} for kind in RIVALS}
    for field in stream.fields:
        pane, values = course.values(field, rng)
        for rival in rivals[field.name]:
            raised[rival.name][field.name] = len(rival.run(pane, values))
    for method, counts in raised.items():
        kept = {field: count for field, count in counts.items() if count}
        yield Quiet(method, stream.name, "14d", subject, RIVAL_DAYS, len(counts), sum(counts.values()), kept)


def faulty_rivals(seed: int, stream: Stream, subject: int) -> Iterator[Struck]:
    """Every fault, watched by every rival on the struck field."""
    rivals = fitted(seed, stream, subject)
    watched = WATCHED_DAYS * DAY // MINUTE
    course = Course(stream, PRODUCTION, ONSET + watched, generator(seed, stream, subject, "faulty"))
    before, after = course.part(ONSET - _WARM_UP, ONSET), course.part(ONSET, ONSET + watched)
    rng = generator(seed, stream, subject, "events before")
    fields = {field.name: field for field in stream.fields}
    for name in {fault.field: None for fault in FAULTS}:
        for rival in (one for one in rivals[name] if isinstance(one, River)):
            rival.run(*before.values(fields[name], rng))
    onset = int(after.starts[0])
    for fault in FAULTS:
        events = fault.on(after).values(fields[fault.field], generator(seed, stream, subject, fault.name))
        for fresh in rivals[fault.field]:
            rows = deepcopy(fresh).run(*events)
            alerts = [Alert(fault.field, fresh.name, "", int(after.starts[row]) + MINUTE, None) for row in rows]
            yield struck(fresh.name, stream, fault, subject, alerts, onset=onset)
