"""Secrets of a configuration: how one is read, again where it may have changed, and all of them, to be masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from driftgauge.config import Config
from driftgauge.config_security import SECRET_FIELDS, Section


class SecretError(OSError):
    """A secret or token can't be had. The message says from where, and never what."""


def first_line(file: str) -> str:
    """The secret in a file: its first line. SecretError if there is none."""
    try:
        with Path(file).open(encoding="utf-8") as stream:
            line = stream.readline().rstrip("\r\n")
    except OSError as error:
        raise SecretError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{file} is no text") from None
    if not line:
        raise SecretError(f"the first line of {file} is empty")
    return line


def secret_reader(section: Section, name: str) -> Callable[[], str] | None:
    """Reads the secret `name` of a section: from its file each time, where it came from one; None if there is none.

    So a secret that was changed in its file is used from the next connection on. Errors as `first_line`.
    """
    file, held = getattr(section, f"{name}_file"), getattr(section, name)
    if file is not None:
        return lambda: first_line(file)
    return held.get_secret_value if held is not None else None


def known_secrets(config: Config) -> list[str]:
    """Every secret as it is now; a file that can't be read gives none, and is complained of by whoever needs it."""
    return list(_secrets(config))


def _secrets(config: Config) -> Iterator[str]:
    security = config.kafka.security
    for section in (security, security.oauth, config.redis):
        for name in SECRET_FIELDS:
            held = getattr(section, name, None)
            if held is not None:
                yield held.get_secret_value()
    if security.oauth is not None and security.oauth.token_file is not None:
        try:
            yield first_line(security.oauth.token_file)
        except SecretError:
            return
