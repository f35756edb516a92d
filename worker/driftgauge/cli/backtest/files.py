"""Files as the input of a backtest: tables of rows, or of events as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from driftgauge.cli.backtest.input import ALL, EventsInput, Place, Share
from driftgauge.cli.backtest.open_files import allow_open_files
from driftgauge.cli.backtest.plan import Plan
from driftgauge.cli.table_replay import WatchedTables, mismatches, segment_mismatch, unheeded
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.profiles.kinds import kinds_of_profile
from driftgauge.records import Source
from driftgauge.replay.span import Span
from driftgauge.replay.turn import ReplaySource, Turn
from driftgauge.sources.canonical import record_batches
from driftgauge.sources.columns import Columns
from driftgauge.sources.table_paths import reader_of, table_name
from driftgauge.sources.tables import open_tables


class FilesInput(EventsInput):
    """See EventsInput. `model`: the value of --model; `sort`: each file by time first, in memory."""

    records = "rows"

    def __init__(
        self,
        plan: Plan,
        data: Sequence[Path],
        columns: Columns,
        span: Span,
        *,
        model: str | None,
        sort: bool,
        share: Share = ALL,
    ) -> None:
        """Opens them all. InputError if one is no table of the model."""
        self.span = span
        # Events say themselves which model they are of; where there is one, nobody has to look at all files for that.
        unnamed = len(plan.models) > 1 and model is None and all(reader_of(path).canonical for path in data)
        rows_of = plan.models[0] if unnamed else plan.model_of_rows(model)
        kinds = kinds_of_profile(
            rows_of.profile, prediction=columns.prediction, score=columns.score, actual=columns.actual
        )
        self._tables = WatchedTables(open_tables(data, columns, kinds=kinds, sort=sort))
        tables = self._tables.tables
        timeless = not columns.timed and not any(table.canonical for table in tables)
        self.plan = plan.by_rows() if plan.config is None and timeless else plan
        note = segment_mismatch(tables, columns, rows_of)
        self.warnings = [
            *unheeded(tables, columns),
            *mismatches(tables, columns, rows_of.profile),
            *([note] if note is not None else []),
        ]
        subject, unprofiled = rows_of.subject, plan.unprofiled
        several = len({model.subject.model_id for model in plan.models}) > 1
        default = None if unnamed and several else subject.model_id
        decoder = decoder_of(self.plan.models, None, default_model_id=default, unprofiled=unprofiled)
        self.names = self.gating = [Source(table.name, 0) for table in tables]
        self.counted = {}
        for number, (table, name) in enumerate(zip(tables, self.names, strict=True)):
            if not share.has(number):
                continue
            ingest = ingest_of(self.plan.models, name, decoder, unprofiled=unprofiled)
            batches = record_batches(table, columns, model_id=subject.model_id, model_version=subject.model_version)
            if plan.faults is not None:
                batches = plan.faults.into(Source(table_name(table.name), 0), batches)
            self.counted[number] = ReplaySource(ingest, batches)

    def turns(self) -> Iterator[Turn]:
        """See EventsInput. InputError if that is more files than may be open."""
        allow_open_files(len(self.counted))
        return super().turns()

    @property
    def done(self) -> float:
        """See BacktestInput."""
        return self._tables.done

    def place(self, source: Source, offset: int) -> Place:
        """See BacktestInput. Rows count from 1."""
        file, number = source.topic, offset + 1
        return Place(f"{file} row {number:,}", {"file": file, "row": number})
