"""Every error Driftgauge raises on purpose.

The first split is whose fault it is, the second whether trying again may help. A bad record is *not* an error: it is
a `Reject` value (decode) that ends on the dead-letter topic.
"""

from __future__ import annotations

from typing import ClassVar


class DriftgaugeError(Exception):
    """Base of all. `code` is one of a bounded set and goes into logs; `exit_code` is what the command ends with."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1


class ConfigError(DriftgaugeError):
    """The configuration or the command line is wrong. The message names the place and the fix."""

    code = "config"
    exit_code = 2


class InputError(DriftgaugeError):
    """A file given by the user can't be used: no table, no such column, an unreadable timestamp."""

    code = "input"
    exit_code = 2


class UnavailableError(DriftgaugeError):
    """Kafka or Redis did not answer within the bounded retries; trying again later may help."""

    code = "unavailable"


class RefusedError(UnavailableError):
    """Redis answered, and will not do it however often it is asked: password, permission, a foreign key."""

    code = "refused"


class FencedError(DriftgaugeError):
    """Another worker owns this partition now: forget everything about it and go on with the rest."""

    code = "fenced"


class StateError(DriftgaugeError):
    """Stored state can't be read: wrong version, bad checksum, or a shape that doesn't fit the configuration."""

    code = "state"
