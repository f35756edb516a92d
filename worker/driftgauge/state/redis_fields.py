"""State fields as Redis holds them: a version byte, a CRC-32, the bytes.

Checked on load together with their number, so that a half-written or foreign hash is refused instead of believed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from driftgauge.errors import StateError

_VERSION = 1
_HEAD = struct.Struct("<BI")
HEAD_BYTES = _HEAD.size


def seal(data: bytes) -> bytes:
    """A field's bytes with their head."""
    return _HEAD.pack(_VERSION, zlib.crc32(data)) + data


def unseal(key: str, stored: Mapping[bytes, bytes], count: int) -> dict[str, bytes]:
    """All fields of a hash. StateError if there are not `count` of them, or one isn't what was sealed."""
    if len(stored) != count:
        raise StateError(f"{key} holds {len(stored)} fields where {count} were saved")
    return {name.decode(): _open(key, name, data) for name, data in stored.items()}


def _open(key: str, name: bytes, data: bytes) -> bytes:
    if len(data) < _HEAD.size:
        raise StateError(f"field {name!r} of {key} is too short to be ours")
    version, checksum = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if version != _VERSION:
        raise StateError(f"field {name!r} of {key} has version {version}, this program reads {_VERSION}")
    if zlib.crc32(body) != checksum:
        raise StateError(f"field {name!r} of {key} is damaged (checksum)")
    return body
