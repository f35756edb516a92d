"""States of many tests as one: each behind its length, or all of one size without."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from driftgauge.errors import StateError

_SIZE = struct.Struct("<I")


def joined(states: Iterable[bytes], size: int | None = None) -> bytes:
    """The states one after another. `size`: the bytes of each; None: they differ."""
    if size is not None:
        return b"".join(states)
    return b"".join(_SIZE.pack(len(state)) + state for state in states)


def parted(state: bytes, count: int, size: int | None = None) -> list[bytes]:
    """The inverse. StateError if these aren't `count` states."""
    if size is not None:
        if len(state) != count * size:
            raise StateError("state is of another number of parts")
        return [state[i : i + size] for i in range(0, len(state), size)]
    parts = []
    for _ in range(count):
        if len(state) < _SIZE.size:
            raise StateError("state ends before its last part")
        end = _SIZE.size + _SIZE.unpack_from(state)[0]
        parts.append(state[_SIZE.size : end])
        state = state[end:]
    if state:
        raise StateError("state goes on after its last part")
    return parts
