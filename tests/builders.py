"""Small values that many tests need: a profile of two features, its layout, a decoder that needs no JSON."""

from __future__ import annotations

import numpy as np

from driftgauge.decode.columns import Decoded, EventColumns, Reject, RejectCode
from driftgauge.ingest.source import SourceIngest, SubjectPlan
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import (
    CategoricalField,
    NumericField,
    PredictionProfile,
    Profile,
    ReferenceSpan,
)
from driftgauge.records import RecordBatch, Source
from driftgauge.subject import Subject

MINUTE = 60_000
SUBJECT = Subject("loan-approval", "7")
SOURCE = Source("ml.predictions", 0)


def small_profile(model_version: str = "7") -> Profile:
    """income (4 bins over 0..4), job (a, b), and a label (approved, rejected)."""
    return Profile(
        model_id="loan-approval",
        model_version=model_version,
        reference=ReferenceSpan(files=["train.csv"], rows=1000, first_ms=0, last_ms=2 * 86_400_000),
        suggested_pane="1m",
        features={
            "income": NumericField(
                edges=[1.0, 2.0, 3.0],
                low=0.0,
                high=4.0,
                minimum=0.0,
                maximum=4.0,
                mean=2.0,
                sd=1.0,
                counts=[250, 250, 250, 242, 8, 0, 0, 0],
            ),
            "job": CategoricalField(value_type="string", categories=["a", "b"], counts=[700, 292, 0, 8, 0, 0]),
        },
        prediction=PredictionProfile(
            scalar="label",
            label=CategoricalField(
                value_type="string", categories=["approved", "rejected"], counts=[800, 200, 0, 0, 0, 0]
            ),
        ),
    )


class ColumnDecoder:
    """Decodes values of the form b"<event time ms>" into one event each; b"x" is a reject. Everything else constant."""

    def __init__(self, layout: Layout, subject: Subject = SUBJECT) -> None:
        self._layout, self._subject = layout, subject

    def decode(self, batch: RecordBatch) -> Decoded:
        bad = [value == b"x" for value in batch.values]
        times = np.array([0 if b else int(v or 0) for v, b in zip(batch.values, bad, strict=True)], np.int64)
        accepted = ~np.array(bad, bool)
        rows = np.flatnonzero(accepted)
        ones = np.ones(len(rows), bool)
        columns = [np.full(len(rows), 0.5), np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)]
        rejects = [Reject(i, RejectCode.MALFORMED_JSON, "not JSON") for i, b in enumerate(bad) if b]
        return Decoded(times, accepted, rejects, [EventColumns(self._subject, rows, columns, ones, ones)], {})


def records(times: list[int | str], first: int = 0, source: Source = SOURCE) -> RecordBatch:
    """Records whose values the ColumnDecoder reads."""
    return RecordBatch(
        source,
        list(range(first, first + len(times))),
        [0] * len(times),
        [str(t).encode() for t in times],
        [None] * len(times),
        [()] * len(times),
    )


def small_ingest(
    source: Source = SOURCE,
    out_of_orderness: int = 0,
    pane: int = MINUTE,
    *,
    position: int = 0,
    cut_start: bool = False,
) -> SourceIngest:
    """An ingest of the small profile."""
    layout = Layout.of(small_profile())
    return SourceIngest(
        source,
        ColumnDecoder(layout),
        {SUBJECT: SubjectPlan(layout, pane)},
        out_of_orderness=out_of_orderness,
        position=position,
        cut_start=cut_start,
    )


DAY_SPREAD = 4 * 24 * 60 * MINUTE
