"""Certificates and keys that a configuration names: what of them can't be used, before any server is asked."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from driftgauge.config import Config
from driftgauge.config_security import TlsSection
from driftgauge.config_yaml import Path


def problems_of_tls(config: Config) -> Iterator[tuple[Path, str]]:
    """Path of the file's field, and what is wrong with the file. The files exist."""
    security = config.kafka.security
    yield from _of_section(("kafka", "security"), security)
    yield from _of_section(("redis",), config.redis)
    if security.oauth is not None and security.oauth.ca_file is not None:
        yield from _of_authority(("kafka", "security", "oauth", "ca_file"), security.oauth.ca_file)


def _of_section(path: Path, section: TlsSection) -> Iterator[tuple[Path, str]]:
    if section.ca_file is not None:
        yield from _of_authority((*path, "ca_file"), section.ca_file)
    if section.cert_file is None:
        return
    password = section.key_password.get_secret_value() if section.key_password is not None else ""
    try:
        # Without any password OpenSSL would ask for one at the terminal.
        _context().load_cert_chain(section.cert_file, section.key_file, password)
    except ssl.SSLError as error:
        yield _of_key(path, section, error)
    except OSError as error:
        yield (*path, "key_file"), f"the certificate or its key can't be read: {error.strerror}"


def _of_key(path: Path, section: TlsSection, error: ssl.SSLError) -> tuple[Path, str]:
    if error.reason == "KEY_VALUES_MISMATCH":
        return (*path, "key_file"), f"is not the key of {section.cert_file}"
    if section.key_password is None:
        return (
            *path,
            "key_file",
        ), "certificate and key can't be used: are both PEM? If the key is encrypted, it needs key_password_file"
    return (*path, "key_file"), "certificate and key can't be used: are both PEM, and is the key's password right?"


def _of_authority(path: Path, file: str) -> Iterator[tuple[Path, str]]:
    try:
        _context().load_verify_locations(file)
    except ssl.SSLError:
        yield path, "holds no certificate; it has to be PEM (-----BEGIN CERTIFICATE-----)"
    except OSError as error:
        yield path, f"can't be read: {error.strerror}"


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
