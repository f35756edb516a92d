"""A version of the baseline as bytes, and back. Strictly decoded: what doesn't fit is a StateError."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from driftgauge.detect.baseline.learn import Learned
from driftgauge.detect.baseline.version import Baseline, Watched
from driftgauge.detect.baseline.windows import Windows
from driftgauge.errors import StateError
from driftgauge.profiles.scale_noise import WindowSpread
from driftgauge.profiles.season import CELLS

Floats = NDArray[np.float64]

_VERSION = 3


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    at: int
    lengths: list[int]
    strange: list[bool]
    days: bytes
    season: bytes
    spreads: bytes
    steps: bytes
    counts: bytes
    moments: bytes
    whole_counts: bytes
    whole_moments: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)


def encode_baseline(baseline: Baseline) -> bytes:
    """Equal versions give equal bytes."""
    learned = baseline.learned
    numbers = (
        baseline.days,
        learned.season,
        np.array(learned.spreads),
        np.array(learned.steps),
        *baseline.windows,
        *baseline.whole,
    )
    return _encoder.encode(
        _State(
            _VERSION,
            baseline.at,
            list(learned.lengths),
            baseline.strange.tolist(),
            *(part.astype("<f8").tobytes() for part in numbers),
        )
    )


def decode_baseline(data: bytes, watched: Watched) -> Baseline:
    """The inverse, for the same series. StateError if it doesn't fit or holds impossible numbers."""
    try:
        state = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"the stored baseline can't be read: {error}") from error
    if state.version != _VERSION:
        raise StateError(f"the stored baseline has version {state.version}, this program reads {_VERSION}")
    values = len(watched.values)
    days = _floats(state.days, (len(watched.layout.slots),))
    season = _floats(state.season, (CELLS, values))
    spreads = _floats(state.spreads, (len(state.lengths), len(WindowSpread._fields), values))
    steps = _floats(state.steps, (len(watched.steps) if state.lengths else 0, len(WindowSpread._fields), values))
    windows = _windows(state.counts, state.moments, watched, len(watched.windows))
    whole = _windows(state.whole_counts, state.whole_moments, watched, len(watched.whole_days))
    good = (
        (days >= 0).all()
        and (spreads >= 0).all()
        and (steps >= 0).all()
        and len(state.strange) == len(watched.layout.slots)
    )
    if not good or (np.abs(season) > 1).any() or any(length <= 0 for length in state.lengths):
        raise StateError("the stored baseline holds impossible numbers")
    of_means, of_steps = (tuple(WindowSpread(*scale) for scale in told) for told in (spreads, steps))
    learned = Learned(season, tuple(state.lengths), of_means, of_steps)
    strange = np.array(state.strange, np.bool_)
    return Baseline(state.at, watched, days, learned, windows, whole, strange)


def _windows(counts: bytes, moments: bytes, watched: Watched, fields: int) -> Windows:
    by_cell, by_field = _floats(counts, (watched.layout.size if fields else 0,)), _floats(moments, (3, fields))
    if (by_cell < 0).any() or (by_cell % 1).any() or (by_field < 0).any():
        raise StateError("the stored baseline holds impossible numbers")
    return Windows(by_cell.astype(np.int64), by_field)


def _floats(data: bytes, shape: tuple[int, ...]) -> Floats:
    if len(data) != 8 * int(np.prod(shape)):
        raise StateError("the stored baseline has another number of series or cells than the profile")
    numbers = np.frombuffer(data, "<f8").reshape(shape).astype(np.float64)
    if not (np.abs(numbers) < 1 << 53).all():
        raise StateError("the stored baseline holds impossible numbers")
    return numbers
