"""Bytes that somebody made to look like ours: a valid value with one thing wrong in it, its checksums made to fit."""

from __future__ import annotations

import json
import os
import struct
import zlib
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# Few and always the same for every run of the tests; DRIFTGAUGE_FUZZ_EXAMPLES=100000 looks for new ones.
_WANTED = os.environ.get("DRIFTGAUGE_FUZZ_EXAMPLES")


def fuzz(examples: int) -> settings:
    return settings(
        max_examples=int(_WANTED) if _WANTED else examples,
        derandomize=_WANTED is None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# CPU time for restoring a whole task and going on: some fifty times of what it takes.
SECONDS = 10.0
_ENVELOPE = struct.Struct("<4s16sII")
_NUMBERS = [0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, -0.0, 1e308, float("nan"), float("inf")]
_LEAVES = st.one_of(
    st.sampled_from([*_NUMBERS, None, True, "", "\x00", b"", [], {}, [[]], "x" * 1000, b"\xff" * 100, [0] * 1000]),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=40),
)
_WORDS = st.one_of(
    st.sampled_from(_NUMBERS).map(lambda n: struct.pack("<d", n)),
    st.sampled_from([n for n in _NUMBERS if isinstance(n, int) and -(2**63) <= n < 2**63]).map(
        lambda n: struct.pack("<q", n)
    ),
    st.binary(min_size=1, max_size=8),
)


@st.composite
def damaged(draw: st.DrawFn, value: bytes) -> bytes:
    """Something else in the place of stored bytes: as a part of what they say, or at any byte."""
    if value[:4] == b"DGS1" and draw(st.integers(0, 9)):
        magic, mark, _, _ = _ENVELOPE.unpack_from(value)
        inner = draw(damaged(value[_ENVELOPE.size :]))
        return _ENVELOPE.pack(magic, mark, len(inner), zlib.crc32(inner)) + inner
    said = _said(value)
    if said is not None and draw(st.integers(0, 3)):
        decoded, encode = said
        try:
            return encode(draw(changed(decoded)))
        except (TypeError, ValueError, OverflowError, RecursionError):
            return value
    return draw(bytes_changed(value))


@st.composite
def bytes_changed(draw: st.DrawFn, value: bytes) -> bytes:
    """Overwritten, cut, lengthened, or with a stretch repeated."""
    at = draw(st.integers(0, len(value)))
    kind = draw(st.sampled_from(["word", "word", "word", "cut", "insert", "repeat", "flip", "nothing"]))
    if kind == "word":
        word = draw(_WORDS)
        start = at // 8 * 8 if draw(st.booleans()) else at
        return value[:start] + word + value[start + len(word) :]
    if kind == "cut":
        return value[:at]
    if kind == "insert":
        return value[:at] + draw(_WORDS) + value[at:]
    if kind == "repeat":
        return value[:at] + value[max(0, at - draw(st.integers(1, 64))) :]
    if kind == "flip" and value:
        at = min(at, len(value) - 1)
        return value[:at] + bytes([value[at] ^ (1 << draw(st.integers(0, 7)))]) + value[at + 1 :]
    return b""


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """The same value with one part of it replaced, left out, repeated or moved."""
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        at = draw(st.integers(0, len(value) - 1))
        kind = draw(st.sampled_from(["inside"] * 6 + ["leave out", "repeat", "swap"]))
        if kind == "inside":
            return [*value[:at], draw(changed(value[at])), *value[at + 1 :]]
        if kind == "leave out":
            return value[:at] + value[at + 1 :]
        if kind == "repeat":
            return value[: at + 1] + value[at:]
        return value[::-1]
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        return draw(_member_changed(value))
    if isinstance(value, bytes) and value and draw(st.integers(0, 3)):
        return draw(damaged(value))
    if isinstance(value, int) and draw(st.booleans()):
        return value + draw(st.sampled_from([-1, 1, 1000, -1000, 2**40]))
    return draw(_LEAVES)


@st.composite
def _member_changed(draw: st.DrawFn, value: dict[Any, Any]) -> Any:
    key = draw(st.sampled_from(sorted(value, key=str)))
    kind = draw(st.sampled_from(["inside"] * 6 + ["leave out", "rename"]))
    if kind == "inside":
        return {**value, key: draw(changed(value[key]))}
    rest = {k: v for k, v in value.items() if k != key}
    return rest if kind == "leave out" else {**rest, draw(st.text(max_size=9)): value[key]}


def _said(value: bytes) -> tuple[Any, Any] | None:
    """What the bytes say as MessagePack or JSON, and how to say it again."""
    try:
        return msgspec.msgpack.decode(value), msgspec.msgpack.encode
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return json.loads(value), lambda said: json.dumps(said, default=str).encode()
    except (ValueError, RecursionError):
        return None
