"""The envelope around a detector's state: whose it is, which layout, under which parameters, and a checksum.

A snapshot is restored only into a detector that would have written it: same method and layout version, same
parameters, same series with the same reference. The checksum finds damage, not malice: what the payload says is
checked again by the detector that reads it.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from driftgauge.detect.types import DetectorContext
from driftgauge.errors import StateError
from driftgauge.profiles.series import Series

_HEAD = struct.Struct("<4s16sII")
_MAGIC = b"DGS1"


def fingerprint(
    name: str, version: int, context: DetectorContext, series: list[Series], resolved: Mapping[str, Any]
) -> bytes:
    """16 bytes that name everything a state depends on; `series` are those the detector watches."""
    identity = [
        [s.key, s.reference, s.sd, s.reference_n, s.tolerance, s.noise.model_dump() if s.noise else None]
        for s in series
    ]
    content = orjson.dumps([name, version, context.pane_length, dict(resolved), identity], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(content, digest_size=16).digest()


def seal(mark: bytes, payload: bytes) -> bytes:
    """`payload` in its envelope; `mark` is the detector's fingerprint."""
    return _HEAD.pack(_MAGIC, mark, len(payload), zlib.crc32(payload)) + payload


def unseal(mark: bytes, state: bytes) -> bytes:
    """The payload of an envelope sealed with the same mark. StateError if it is damaged or another detector's."""
    if len(state) < _HEAD.size:
        raise StateError("detector state is shorter than its envelope")
    magic, stored, size, checksum = _HEAD.unpack_from(state)
    if magic != _MAGIC:
        raise StateError("detector state has an unknown envelope")
    if stored != mark:
        raise StateError("detector state was written under other parameters or another profile")
    payload = state[_HEAD.size :]
    if len(payload) != size or zlib.crc32(payload) != checksum:
        raise StateError("detector state is damaged: length or checksum differs")
    return payload
