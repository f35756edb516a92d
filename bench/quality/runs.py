"""The runs of our engine: a month without a fault, and each fault after a warm-up; one job per stream and subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.quality.faults import FAULTS, TRAFFIC_FAULTS
from bench.quality.ours import Watch
from bench.quality.score import Quiet, Struck, struck
from bench.quality.streams import DAY, MINUTE, PRODUCTION, Course, Stream, generator, model_of, reference_values

OURS = "driftgauge"
QUIET_DAYS = 28
WARM_UP_DAYS = 2
# 10:03 of the third day: neither midnight nor a full hour, as nothing in the engine should depend on it.
ONSET = (WARM_UP_DAYS * DAY + 10 * 3_600_000 + 3 * MINUTE) // MINUTE
WATCHED_DAYS = 1
# What volume is usual takes five clean days to learn, and a weekend to know one.
TRAFFIC_WARM_UP_DAYS = 7


def quiet(seed: int, stream: Stream, subjects: Sequence[int], days: int = QUIET_DAYS) -> Iterator[Quiet]:
    """Runs without a fault, each with a reference of its own."""
    for subject in subjects:
        model = model_of(stream, *reference_values(stream, generator(seed, stream, subject, "reference")))
        panes = days * DAY // model.pane_length
        live = replace(stream, rate=stream.rate * model.pane_length / stream.pane, pane=model.pane_length)
        course = Course(live, PRODUCTION, panes, generator(seed, stream, subject, "production"))
        counts = course.counts(model.layout, generator(seed, stream, subject, "counts"))
        samples = course.samples(model.layout, generator(seed, stream, subject, "samples"))
        alerts = Watch(model).run(course.starts, counts, samples)
        series = Counter(f"{alert.field} {alert.series}" for alert in alerts)
        yield Quiet(
            OURS,
            stream.name,
            stream.reference,
            subject,
            panes * model.pane_length / DAY,
            len(model.contrasts.series),
            len(alerts),
            dict(series),
        )


def faulty(seed: int, stream: Stream, subject: int) -> Iterator[Struck]:
    """Every fault, after one warm-up that they all go on from."""
    model = model_of(stream, *reference_values(stream, generator(seed, stream, subject, "reference")))
    watched = WATCHED_DAYS * DAY // MINUTE
    course = Course(stream, PRODUCTION, ONSET + watched, generator(seed, stream, subject, "faulty"))
    before, after = course.part(0, ONSET), course.part(ONSET, ONSET + watched)
    watch = Watch(model)
    early = watch.run(
        before.starts,
        before.counts(model.layout, generator(seed, stream, subject, "warm-up")),
        before.samples(model.layout, generator(seed, stream, subject, "warm-up samples")),
    )
    saved, onset = watch.saved(), int(after.starts[0])
    for fault in FAULTS:
        rng = generator(seed, stream, subject, fault.name)
        struck_course = fault.on(after)
        counts, samples = struck_course.counts(model.layout, rng), struck_course.samples(model.layout, rng)
        alerts = Watch(model, saved).run(after.starts, counts, samples)
        yield struck(OURS, stream, fault, subject, alerts, onset=onset, before=len(early))


def faulty_traffic(seed: int, stream: Stream, subject: int) -> Iterator[Struck]:
    """Every fault of the traffic, after a week; nothing else is watched."""
    model = model_of(stream, *reference_values(stream, generator(seed, stream, subject, "reference")))
    model = replace(model, settings=replace(model.settings, detectors={}))
    onset, watched = ONSET + (TRAFFIC_WARM_UP_DAYS - WARM_UP_DAYS) * DAY // MINUTE, WATCHED_DAYS * DAY // MINUTE
    course = Course(stream, PRODUCTION, onset + watched, generator(seed, stream, subject, "traffic"))
    before, after = course.part(0, onset), course.part(onset, onset + watched)
    watch = Watch(model)
    early = watch.run(before.starts, before.counts(model.layout, generator(seed, stream, subject, "a week")))
    for fault in TRAFFIC_FAULTS:
        rng = generator(seed, stream, subject, fault.name)
        alerts = Watch(model, watch.saved()).run(after.starts, fault.on(after, rng).counts(model.layout, rng))
        yield struck(OURS, stream, fault, subject, alerts, onset=int(after.starts[0]), before=len(early))
