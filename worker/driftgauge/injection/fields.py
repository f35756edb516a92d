"""The fields that faults are put into, and what is known of them.

A name is that of a feature; where there is no such feature, `prediction` (its class or number), `score` and `actual`
are those of the event.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol

from driftgauge.profiles.kinds import Kind, kind_of_field
from driftgauge.profiles.profile import NumericField, Profile, ProfileField

OUTPUTS: Final = ("prediction", "score", "actual")
ABSENT: Final = object()
_SHOWN: Final = 30


class FieldName(NamedTuple):
    """A feature, or one of `OUTPUTS`."""

    role: Literal["feature", "output"]
    name: str


class Row(Protocol):
    """A row of a table, or an event."""

    def value(self, field: FieldName) -> Any:
        """What it holds there, ABSENT where it has no such field."""
        ...

    def put(self, field: FieldName, value: Any) -> None:
        """Put `value` in its place."""
        ...


@dataclass(frozen=True, slots=True)
class KnownField:
    """What the profile says of a field, None where it says nothing: `kind` of its values, `sd` in its own unit.

    `classes`: the values that it has, where they are categories.
    """

    field: FieldName
    kind: Kind | None = None
    sd: float | None = None
    classes: Sequence[str | int | bool] = ()


def fields_of_profile(profile: Profile) -> dict[str, KnownField]:
    """The fields of the profile's events, by name."""
    output = profile.prediction
    found: dict[str, KnownField] = {}
    if output is not None:
        label = output.label if output.label is not None else output.score
        roles = {"prediction": label, "actual": label, "score": output.score}
        found = {
            name: _known(FieldName("output", name), reference)
            for name, reference in roles.items()
            if reference is not None
        }
    features = profile.features.items()
    return found | {name: _known(FieldName("feature", name), reference) for name, reference in features}


def _known(field: FieldName, reference: ProfileField) -> KnownField:
    if isinstance(reference, NumericField):
        return KnownField(field, "numeric", reference.sd)
    return KnownField(field, kind_of_field(reference), classes=tuple(reference.categories))


def unknown_name(name: str, known: Sequence[str]) -> str:
    """That there is no field `name`, with the nearest of those `known`."""
    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known[:_SHOWN]) + (" …" if len(known) > _SHOWN else "")
    return f"there is no field {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"there are {listed}")
