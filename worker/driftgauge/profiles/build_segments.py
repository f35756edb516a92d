"""The reference's segments: for each value of a tag, what its rows held of every field, over the whole's cells.

A segment differs from the whole by nature, so it is compared with itself. Which values have a reference is decided
here, from the reference alone: the most frequent ones up to a cap, of those with enough rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from driftgauge.durations import parse_duration
from driftgauge.profiles.bins import score_means
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.noise import key_of, psi_noise, series_noise
from driftgauge.profiles.notes import Note
from driftgauge.profiles.profile import FieldReference, Profile, SegmentReference, Segments
from driftgauge.profiles.reference import MISSING_CODE, Tags
from driftgauge.profiles.segment_noise import joint_noise, joint_psi, lent_noise
from driftgauge.profiles.windows import against_baseline

SEGMENTS = 20
# Fewer rows than this say too little about a level, and next to nothing about how it moves.
MIN_ROWS = 500
_SHOWN = 5

Ints = NDArray[np.int64]


def with_segments(
    profile: Profile,
    tags: Tags,
    times: Ints,
    cells: Sequence[Ints],
    score: NDArray[np.float64] | None,
    limit: int = SEGMENTS,
) -> tuple[Profile, list[Note]]:
    """The profile with a reference for each of the `limit` most frequent values of a tag, and what was left out.

    `times` int64 [n] ms in any order; `cells[i]` int64 [n]: the cell of every row within slot i of the layout, -1 where
    it has none; `score` float64 [n], if there is one. A value of fewer than MIN_ROWS rows has none.
    """
    counts = np.bincount(tags.column.codes[tags.column.codes != MISSING_CODE], minlength=len(tags.column.values))
    ranked = sorted(range(len(counts)), key=lambda code: (-int(counts[code]), tags.column.values[code]))
    large = [code for code in ranked if counts[code] >= MIN_ROWS]
    kept = large[:limit]
    notes = list(_notes(tags, counts, ranked, len(large), len(kept)))
    if not kept:
        return profile, notes
    layout, pane = Layout.of(profile), parse_duration(profile.suggested_pane)
    found = []
    for code in kept:
        rows = np.flatnonzero(tags.column.codes == code)
        rows = rows[np.argsort(times[rows], kind="stable")]
        own_score = score[rows] if score is not None else None
        found.append(
            _reference(
                layout, pane, tags.column.values[code], times[rows], [column[rows] for column in cells], own_score
            )
        )
    return profile.model_copy(update={"segments": Segments(tag=tags.name, values=found)}), notes


def _reference(
    layout: Layout, pane: int, value: str, times: Ints, cells: list[Ints], score: NDArray[np.float64] | None
) -> SegmentReference:
    """Of rows that are in order of time."""
    fields = []
    for slot, column in zip(layout.slots, cells, strict=True):
        width, told = slot.stop - slot.start, column >= 0
        # As in the whole, a score says nothing about itself.
        scores = score[told] if score is not None and slot.role != "score" else None
        counts = np.bincount(column[told], minlength=width).tolist()
        fields.append(FieldReference(counts=counts, score_means=score_means(column[told], width, scores)))
    own = layout.within(_segment(layout, value, len(times), fields))
    noise = series_noise(own, pane, times, cells)
    psi = [psi_noise(slot, times, cells[slot.index]) for slot in own.slots]
    whole = {series.key: series for series in contrasts_of(layout, pane).series}
    for series in contrasts_of(own, pane).series:
        known = whole.get(series.key)
        if known is None or against_baseline(series):
            continue
        at = series.slot.index
        if series.kind == "window":
            psi[at] = joint_psi(psi[at], known, series)
        else:
            key = key_of(series)
            joint = joint_noise(noise[at].get(key), lent_noise(known, series), series.sd)
            noise[at] |= {key: joint} if joint is not None else {}
    measured = [field.model_copy(update={"noise": noise[at], "psi": psi[at]}) for at, field in enumerate(fields)]
    return _segment(layout, value, len(times), measured)


def _segment(layout: Layout, value: str, rows: int, fields: Sequence[FieldReference]) -> SegmentReference:
    by_role = {slot.role: fields[slot.index] for slot in layout.outputs}
    return SegmentReference(
        value=value,
        rows=rows,
        features={slot.name: fields[slot.index] for slot in layout.features},
        score=by_role.get("score"),
        label=by_role.get("label"),
    )


def _notes(tags: Tags, counts: Ints, ranked: Sequence[int], large: int, kept: int) -> Iterator[Note]:
    """What of the tag has no reference, and what becomes of it."""
    small, beyond = ranked[large:], ranked[kept:large]
    whole_only = "their events count for the whole only"
    if not kept:
        text = f'no value of "{tags.name}" has {MIN_ROWS} rows, too few for a reference: the profile has no segments'
        yield Note("warning", text)
    elif small:
        text = f'"{tags.name}": {len(small):,} of {len(ranked):,} values have fewer than {MIN_ROWS} rows'
        yield Note("hint", f"{text} ({_shown(tags, counts, small)}): {whole_only}")
    if beyond:
        text = f'"{tags.name}": {len(beyond):,} values with a reference are beyond --segments {kept}'
        yield Note("hint", f"{text} ({_shown(tags, counts, beyond)}): {whole_only}")


def _shown(tags: Tags, counts: Ints, codes: Sequence[int]) -> str:
    texts = [tags.column.values[code] for code in codes[:_SHOWN]] + (["…"] if len(codes) > _SHOWN else [])
    return f"{', '.join(texts)}; {counts[list(codes)].sum() / len(tags.column.codes):.1%} of the rows"
