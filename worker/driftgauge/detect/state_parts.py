"""States of many tests as one: each behind its length."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from driftgauge.errors import StateError

_SIZE = struct.Struct("<I")


def joined(states: Iterable[bytes]) -> bytes:
    """The states one after another."""
    return b"".join(_SIZE.pack(len(state)) + state for state in states)


def parted(state: bytes, count: int) -> list[bytes]:
    """The inverse. StateError if these aren't `count` states."""
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
