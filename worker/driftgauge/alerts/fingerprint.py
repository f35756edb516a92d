"""The fingerprint of an alert: which alerts are the same problem, for Alertmanager and for every reader of ours.

Computed over the labels only, so texts, numbers and times may change while the identity stays.
"""

from __future__ import annotations

from collections.abc import Mapping

_OFFSET_BASIS = 14695981039346656037
_PRIME = 1099511628211
_MASK = (1 << 64) - 1


def fingerprint(labels: Mapping[str, str]) -> str:
    """16 hex digits: FNV-1a 64 over `name 0xFF value 0xFF` in order of names (Prometheus' label-set fingerprint).

    A label with an empty value is left out: to Prometheus and Alertmanager it is the same as no label.
    """
    state = _OFFSET_BASIS
    for name, value in sorted(labels.items()):
        if not value:
            continue
        for byte in name.encode() + b"\xff" + value.encode() + b"\xff":
            state = ((state ^ byte) * _PRIME) & _MASK
    return f"{state:016x}"
