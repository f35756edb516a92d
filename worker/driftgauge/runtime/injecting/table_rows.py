"""What the faults of a table go by: which column a field is, the kinds of its values, and when a row was.

The same rows are hit as in a backtest of this file, and of the same table in another format: a row's place is the
file's name without its format, and its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from driftgauge.errors import InputError
from driftgauge.injection.fields import FieldName, KnownField
from driftgauge.injection.injector import Injector
from driftgauge.profiles.kinds import Kind
from driftgauge.sources.columns import Columns
from driftgauge.timestamps import parse_timestamp


def fields_of_table(
    columns: Columns, available: list[str], known: Mapping[str, KnownField]
) -> tuple[dict[str, KnownField], dict[FieldName, str]]:
    """The fields of a table with the columns `available`, by name, and the column of each. `known`: by a profile."""
    outputs = {"prediction": columns.prediction, "score": columns.score, "actual": columns.actual}
    places = {FieldName("output", name): column for name, column in outputs.items() if column is not None}
    places |= {FieldName("feature", name): name for name in columns.features_of(available)}
    fields = {}
    for place in places:
        said = known.get(place.name)
        fields[place.name] = said if said is not None and said.field == place else KnownField(place)
    return fields, places


@dataclass(slots=True)
class TableRow:
    """A row of plain values (None: missing) by column. `put` notes what became of them, by column, in `changed`."""

    values: Mapping[str, Any]
    places: Mapping[FieldName, str]
    changed: dict[str, Any] = field(default_factory=dict)

    def value(self, field: FieldName) -> Any:
        """See Row. A cell that isn't there is missing."""
        column = self.places[field]
        return self.changed.get(column, self.values.get(column))

    def put(self, field: FieldName, value: Any) -> None:
        """See Row."""
        self.changed[self.places[field]] = value


@dataclass(frozen=True, slots=True)
class TableFaults:
    """The faults of a table named `name`: `places` has the columns that they are put into.

    `columns` says when rows were, `kinds` what the text of cells means.
    """

    name: str
    injector: Injector
    columns: Columns
    places: Mapping[FieldName, str]
    kinds: Mapping[str, Kind]

    def changes(self, number: int, time: int, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """What changes in row `number` (from 0), by column; None if the row goes."""
        row = TableRow(values, self.places)
        return row.changed if self.injector.put_into(row, number, time) is not None else None

    def time(self, number: int, cell: Any) -> int:
        """Event time (ms) of row `number`, of which `cell` is that in the time column, if there is one. InputError."""
        if self.columns.timestamp is None:
            return self.columns.start + number * self.columns.interval
        try:
            return parse_timestamp(cell)
        except ValueError as error:
            raise InputError(f"{self.name}: row {number + 1}: {error}") from None
