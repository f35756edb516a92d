"""What a Kafka broker's refusal means: which setting to look at. For errors that trying again would not mend.

kafka-python hands on TLS errors as text only, so they are told by OpenSSL's words.
"""

from __future__ import annotations

from kafka.errors import (
    AuthorizationError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from driftgauge.config_secrets import SecretError

# OpenSSL's words, and what to look at; the first that is found.
TLS_REFUSALS = (
    ("certificate has expired", "the server's certificate has expired: it needs a new one"),
    ("certificate is not yet valid", "the server's certificate is not valid yet: is the clock right, here and there?"),
    ("hostname mismatch", "its certificate is for another name: write the name that stands in it, in {servers}"),
    ("ip address mismatch", "its certificate is for another name: write the name that stands in it, in {servers}"),
    (
        "certificate_verify_failed",
        "its certificate is from an authority that is not trusted: look at {section}.ca_file",
    ),
    ("wrong_version_number", "it does not speak TLS at this port: look at {servers} and {protocol}"),
    ("record_layer_failure", "it does not speak TLS at this port: look at {servers} and {protocol}"),
    ("certificate_required", "it wants a client certificate: set {section}.cert_file and key_file"),
    ("alert_unknown_ca", "it does not trust the client certificate: look at {section}.cert_file"),
    ("alert_bad_certificate", "it wants another client certificate, or any: look at {section}.cert_file and key_file"),
    ("alert_certificate_expired", "the client certificate has expired: look at {section}.cert_file"),
    ("alert_certificate_unknown", "it does not accept the client certificate: look at {section}.cert_file"),
    ("alert_protocol_version", "it speaks only a TLS older than 1.2, which is not used"),
    ("no_protocols_available", "it speaks only a TLS older than 1.2, which is not used"),
)
_WORDS = {"section": "kafka.security", "servers": "kafka.bootstrap_servers", "protocol": "kafka.security.protocol"}
_CREDENTIALS = "sasl_mechanism, username and password, or oauth,"
_ACLS = "docs/security.md lists the permissions that are needed"


def refusal_of(error: BaseException) -> str | None:
    """One sentence with the fix, or None where it may just be out of reach."""
    if isinstance(error, SecretError):
        return f"there is nothing to authenticate with: {error}"
    if isinstance(error, SaslAuthenticationFailedError):
        said = _line(error).rpartition(": ")[2]
        return f"Kafka does not accept these credentials ({said}): look at {_CREDENTIALS} under kafka.security"
    if isinstance(error, IllegalSaslStateError):
        return "Kafka asks nobody for credentials at this port: look at kafka.security.protocol"
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"{_line(error)}: look at kafka.security.sasl_mechanism"
    if isinstance(error, AuthorizationError):
        return f"Kafka does not permit it: {_permission(error)}; {_ACLS}"
    found = tls_refusal(str(error), _WORDS)
    return f"Kafka can't be reached safely: {found}" if found is not None else None


def tls_refusal(text: str, words: dict[str, str]) -> str | None:
    """What OpenSSL's message means; `words` are the names of the settings: section, servers, protocol."""
    lower = text.lower()
    spelt = lower.replace(" ", "_")
    return next((fix.format(**words) for sign, fix in TLS_REFUSALS if sign in lower or sign in spelt), None)


def _permission(error: AuthorizationError) -> str:
    names = error.args[0] if error.args else ""
    told = ", ".join(sorted(map(str, names))) if isinstance(names, set | frozenset | list | tuple) else str(names)
    if isinstance(error, TopicAuthorizationFailedError):
        return f"this principal lacks a permission on the topic {told or '(which, it does not say)'}"
    if isinstance(error, GroupAuthorizationFailedError):
        return f"this principal lacks READ on the consumer group {told}".rstrip()
    if isinstance(error, ClusterAuthorizationFailedError):
        return "this principal lacks a permission on the cluster"
    return _line(error)


def _line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
