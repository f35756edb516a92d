"""A profile in words and little pictures, for `profile build` and `profile show`; and what differs between two.

Texts only, no terminal: the command line decides on colours and columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftgauge.profiles.profile import CategoricalField, NumericField, Profile, ProfileField, Segments

_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLUMNS = 16
# Up to a dozen bins, ties have made them: months, grades, flags. Each is shown as itself.
_FEW_BINS = 12
_SHOWN = 3


class FieldLine(NamedTuple):
    """One field: its name, type, share of missing values (0..1), what it holds, and a histogram of 16 characters."""

    name: str
    kind: str
    missing: float
    values: str
    histogram: str


class Difference(NamedTuple):
    """One thing that differs between two profiles: of which field (empty: the profile itself), what, from, to."""

    field: str
    what: str
    before: str
    after: str


def segments_text(segments: Segments) -> str:
    """`country: de 8,012 rows, fr 3,900`: every one, largest first."""
    first, *others = (f"{segment.value} {segment.rows:,}" for segment in segments.values)
    return f"{segments.tag}: {', '.join([f'{first} rows', *others])}"


def field_lines(profile: Profile) -> list[FieldLine]:
    """The features as the profile lists them, then score and label."""
    return [FieldLine(name, _kind(f), _missing(f), _values(f), histogram(f)) for name, f in _fields(profile)]


def _fields(profile: Profile) -> Iterator[tuple[str, ProfileField]]:
    yield from profile.features.items()
    if profile.prediction is not None and profile.prediction.score is not None:
        yield "→ score", profile.prediction.score
    if profile.prediction is not None and profile.prediction.label is not None:
        yield "→ prediction", profile.prediction.label


def _kind(field: ProfileField) -> str:
    return "numeric" if isinstance(field, NumericField) else field.value_type


def _missing(field: ProfileField) -> float:
    return field.counts[field.bins + field.cell_names[field.bins :].index("missing")] / sum(field.counts)


def _values(field: ProfileField) -> str:
    if isinstance(field, NumericField):
        if field.minimum == field.maximum:
            return f"always {field.minimum:.6g}"
        return f"{field.minimum:.4g} … {field.maximum:.4g}, mean {field.mean:.3g} ± {field.sd:.2g}"
    shares = _shares(field)
    texts = [f"{name} {share:.1%}" for name, share in list(shares.items())[:_SHOWN]]
    more = len(field.categories) + len(field.known_other) - _SHOWN
    if more > 0:
        texts.append(f"{more:,}{'+' if field.other_open else ''} more")
    return ", ".join(texts)


def _shares(field: CategoricalField) -> dict[str, float]:
    """Share of each listed category among the present values."""
    present = sum(field.counts[: field.bins + 1]) or 1
    return {name: count / present for name, count in zip(field.cell_names, field.counts[: field.bins], strict=False)}


def histogram(field: ProfileField) -> str:
    """Block characters: a numeric field over 16 equal parts of its range; top categories, or bins if they are few."""
    if isinstance(field, NumericField) and field.bins > _FEW_BINS:
        # The bins are quantiles and hold about the same number each; what people read is density over the range.
        heights = _density(field)
    else:
        heights = np.array(field.counts[: min(field.bins, _COLUMNS)], np.float64)
    top = heights.max(initial=0.0)
    if top <= 0:
        return ""
    levels = np.ceil(heights / top * (len(_BLOCKS) - 1)).astype(int)
    return "".join(_BLOCKS[level] for level in levels)


def _density(field: NumericField) -> NDArray[np.float64]:
    """Reference events in each of 16 equal parts of the range, spread evenly within a bin."""
    # In halves, because the width of a range may be larger than any double.
    bounds = np.array([field.minimum, *field.edges, field.maximum]) / 2
    cumulated = np.concatenate([[0.0], np.cumsum(field.counts[: field.bins])])
    grid = np.linspace(bounds[0], bounds[-1], _COLUMNS + 1)
    # Where the first bin is the single value of the minimum, interpolation would start behind it.
    reached: NDArray[np.float64] = np.interp(grid, bounds, cumulated)
    reached[0] = 0.0
    return np.diff(reached)


def differences(before: Profile, after: Profile) -> list[Difference]:
    """What changed from `before` to `after`, the profile's own facts first, then field by field."""
    found = [
        Difference("", what, a, b)
        for what, a, b in (
            ("model", before.model_id, after.model_id),
            ("version", before.model_version, after.model_version),
            ("rows", f"{before.reference.rows:,}", f"{after.reference.rows:,}"),
            ("pane", before.suggested_pane, after.suggested_pane),
        )
        if a != b
    ]
    for name in sorted(before.offline_metrics.keys() | after.offline_metrics.keys()):
        texts = [f"{p.offline_metrics[name]:.4g}" if name in p.offline_metrics else "—" for p in (before, after)]
        if texts[0] != texts[1]:
            found.append(Difference("", name, *texts))
    texts = [segments_text(p.segments) if p.segments is not None else "—" for p in (before, after)]
    if texts[0] != texts[1]:
        found.append(Difference("", "segments", *texts))
    old, new = dict(_fields(before)), dict(_fields(after))
    for name in [*old, *(n for n in new if n not in old)]:
        found += _field_differences(name, old.get(name), new.get(name))
    return found


def _field_differences(name: str, old: ProfileField | None, new: ProfileField | None) -> list[Difference]:
    if old is None or new is None:
        texts = [_kind(field) if field is not None else "absent" for field in (old, new)]
        return [Difference(name, "field", *texts)]
    if _kind(old) != _kind(new):
        return [Difference(name, "type", _kind(old), _kind(new))]
    pairs = [("missing", f"{_missing(old):.2%}", f"{_missing(new):.2%}")]
    if isinstance(old, NumericField) and isinstance(new, NumericField):
        pairs.append(("range", f"{old.minimum:.6g} … {old.maximum:.6g}", f"{new.minimum:.6g} … {new.maximum:.6g}"))
        pairs += [(what, f"{getattr(old, what):.4g}", f"{getattr(new, what):.4g}") for what in ("mean", "sd")]
    elif isinstance(old, CategoricalField) and isinstance(new, CategoricalField):
        a, b = _shares(old), _shares(new)
        pairs.append(("categories", *_only(a, b)))
        pairs += [(c, f"{a[c]:.1%}", f"{b[c]:.1%}") for c in list(a)[:_COLUMNS] if c in b]
    return [Difference(name, what, x, y) for what, x, y in pairs if x != y]


def _only(a: dict[str, float], b: dict[str, float]) -> tuple[str, str]:
    """What only one side lists; twice the same text where both list the same."""
    gone, come = [c for c in a if c not in b], [c for c in b if c not in a]
    return _listed(gone, "only here: "), _listed(come, "only here: ")


def _listed(names: Sequence[str], prefix: str) -> str:
    if not names:
        return "—"
    return prefix + ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
