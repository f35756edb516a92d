"""From the text of a fault to what it does: its parts read by its kind, and by what is known of the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from driftgauge.errors import ConfigError
from driftgauge.injection.fields import FieldName, KnownField, unknown_name
from driftgauge.injection.numbers import Shift, Unit
from driftgauge.injection.spec import Spec, parse_spec
from driftgauge.injection.traffic import Delay, Drop
from driftgauge.injection.values import Constant, Null, Stuck, Swapped
from driftgauge.profiles.kinds import value_of_text
from driftgauge.profiles.profile import category_text


class Change(Protocol):
    """What becomes of a value."""

    def of(self, value: Any, time: int) -> Any:
        """The value in the place of `value` (None: missing) of a record with event time `time` (ms)."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, ready for use. `field`: None if it is one of the traffic; `begin` gives what it does to one source."""

    spec: Spec
    share: float
    field: FieldName | None
    begin: Callable[[], Change | Drop | Delay]


def faults_of(texts: Sequence[str], fields: Mapping[str, KnownField]) -> list[Fault]:
    """The faults of the texts, into records that have `fields`. ConfigError names the text, the part and the fix."""
    return [_fault(parse_spec(text), fields) for text in texts]


def _fault(spec: Spec, fields: Mapping[str, KnownField]) -> Fault:
    if spec.kind == "drop":
        return Fault(spec, spec.share(0, None), None, Drop)
    if spec.kind == "delay":
        return _delay(spec)
    name = spec.part(0)
    if name is None:
        raise spec.error("names no field")
    if name not in fields:
        raise ConfigError(f"--inject {spec.text}: {unknown_name(name, list(fields))}")
    known = fields[name]
    share, begin = _BY_KIND[spec.kind](spec, known)
    return Fault(spec, share, known.field, begin)


def _delay(spec: Spec) -> Fault:
    later, share = spec.duration(0), spec.share(1)
    if share == 1 and spec.end is None:
        raise spec.error("what is late as a whole and to the end comes in the order that it had; give a share or TO")
    return Fault(spec, share, None, lambda: Delay(later))


_Begun = tuple[float, Callable[[], Change]]


def _null(spec: Spec, _: KnownField) -> _Begun:
    return spec.share(1), Null


def _stuck(spec: Spec, known: KnownField) -> _Begun:
    text = spec.part(1)
    if text is None:
        return spec.share(2), Stuck
    constant = Constant(value_of_text(text, known.kind))
    return spec.share(2), lambda: constant


def _rename(spec: Spec, known: KnownField) -> _Begun:
    old, new = spec.part(1), spec.part(2)
    if old is None or new is None:
        raise spec.error("lacks the category or its new name")
    swapped = Swapped({old: value_of_text(new, known.kind)})
    return spec.share(3), lambda: swapped


def _flip(spec: Spec, known: KnownField) -> _Begun:
    """Two classes change places; of more than two that the profile knows each becomes the next."""
    one, other = spec.part(2), spec.part(3)
    if one is not None and other is not None:
        classes: Sequence[Any] = [value_of_text(one, known.kind), value_of_text(other, known.kind)]
    else:
        classes = known.classes
    if len(classes) < 2 or (one is None) != (other is None):
        raise spec.error(f"which classes of {spec.part(0)!r} change places isn't known; name ONE and OTHER")
    after = [*classes[1:], classes[0]]
    swapped = Swapped({category_text(a): b for a, b in zip(classes, after, strict=True)})
    return spec.share(1), lambda: swapped


def _unit(spec: Spec, known: KnownField) -> _Begun:
    _check_numeric(spec, known)
    unit = Unit(spec.number(1, "factor"))
    return spec.share(2), lambda: unit


def _shift(spec: Spec, known: KnownField) -> _Begun:
    _check_numeric(spec, known)
    shift = Shift(_amount(spec, known))
    return spec.share(2), lambda: shift


def _ramp(spec: Spec, known: KnownField) -> _Begun:
    _check_numeric(spec, known)
    ramp = Shift(_amount(spec, known), spec.start, spec.duration(2))
    return spec.share(3), lambda: ramp


_BY_KIND: Mapping[str, Callable[[Spec, KnownField], _Begun]] = {
    "null": _null,
    "stuck": _stuck,
    "rename": _rename,
    "unit": _unit,
    "shift": _shift,
    "ramp": _ramp,
    "flip": _flip,
}


def _check_numeric(spec: Spec, known: KnownField) -> None:
    if known.kind not in (None, "numeric", "integer"):
        raise spec.error(f"{spec.part(0)!r} holds no numbers (in the profile it is a {known.kind})")


def _amount(spec: Spec, known: KnownField) -> float:
    """An amount in the field's own unit, or as `.5sd` in standard deviations of the reference."""
    text = spec.part(1) or ""
    if not text.endswith("sd"):
        return spec.number(1, "amount, such as 500 or 0.5sd")
    if not known.sd:
        raise spec.error(f"no standard deviation of {spec.part(0)!r} is known; give the amount in its own unit")
    count = text.removesuffix("sd")
    try:
        return float(count) * known.sd
    except ValueError:
        raise spec.error(f"{text!r} is no amount; give 500, or 0.5sd") from None
