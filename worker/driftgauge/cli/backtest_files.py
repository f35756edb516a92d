"""Files as the input of a backtest: tables of rows, or of events as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from driftgauge.alerts.stage import OnClosed, Raised
from driftgauge.cli.backtest_input import OnMessages, OnReject, Place
from driftgauge.cli.backtest_plan import Plan
from driftgauge.cli.table_replay import WatchedTables, mismatches, segment_mismatch
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.profiles.kinds import kinds_of_profile
from driftgauge.records import RecordBatch, Source
from driftgauge.runtime.replay import ReplaySource, ReplayTotals, replay
from driftgauge.runtime.span import Span
from driftgauge.sources.canonical import record_batches
from driftgauge.sources.columns import Columns
from driftgauge.sources.tables import open_tables


class FilesInput:
    """See BacktestInput. `model`: the value of --model; `sort`: each file by time first, in memory."""

    records = "rows"

    def __init__(
        self, plan: Plan, data: Sequence[Path], columns: Columns, span: Span, *, model: str | None, sort: bool
    ) -> None:
        """Opens them all. InputError if one is no table of the model."""
        self.span = span
        rows_of = plan.model_of_rows(model)
        kinds = kinds_of_profile(
            rows_of.profile, prediction=columns.prediction, score=columns.score, actual=columns.actual
        )
        self._tables = WatchedTables(open_tables(data, columns, kinds=kinds, sort=sort))
        tables = self._tables.tables
        timeless = not columns.timed and not any(table.canonical for table in tables)
        self.plan = plan.by_rows() if plan.config is None and timeless else plan
        note = segment_mismatch(tables, columns, rows_of)
        self.warnings = [*mismatches(tables, columns, rows_of.profile), *([note] if note is not None else [])]
        subject, unprofiled = rows_of.subject, plan.unprofiled
        decoder = decoder_of(self.plan.models, None, default_model_id=subject.model_id, unprofiled=unprofiled)
        self._sources = []
        for table in tables:
            ingest = ingest_of(self.plan.models, Source(table.name, 0), decoder, unprofiled=unprofiled)
            batches = record_batches(table, columns, model_id=subject.model_id, model_version=subject.model_version)
            if plan.faults is not None:
                batches = plan.faults.into(ingest.source, batches)
            self._sources.append(ReplaySource(ingest, batches))

    @property
    def done(self) -> float:
        """See BacktestInput."""
        return self._tables.done

    def place(self, batch: RecordBatch, row: int) -> Place:
        """See BacktestInput. Rows count from 1."""
        file, number = batch.source.topic, batch.offsets[row] + 1
        return Place(f"{file} row {number:,}", {"file": file, "row": number})

    def steps(
        self, totals: ReplayTotals, on_reject: OnReject, on_messages: OnMessages, on_closed: OnClosed
    ) -> Iterator[list[Raised]]:
        """See BacktestInput."""
        stage = stage_of(self.plan.models, self.plan.unprofiled, on_closed)
        return replay(self._sources, stage, totals, on_reject, span=self.span, on_messages=on_messages)
