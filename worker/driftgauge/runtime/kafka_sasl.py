"""What kafka-python needs to authenticate: passwords that are read anew for each connection, and tokens.

kafka-python takes a password once, as text, and writes its settings into its debug log. Here it is given the function
that reads it, so that a changed password file counts from the next connection on, and there is no text to be logged.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode

from kafka.net.sasl import register_sasl_mechanism
from kafka.net.sasl.oauth import AbstractTokenProvider
from kafka.net.sasl.plain import SaslMechanismPlain
from kafka.net.sasl.scram import SaslMechanismScram

from driftgauge.config_secrets import SecretError, first_line, secret_reader
from driftgauge.config_security import OAuthConfig, SecurityConfig

# kafka-python asks for tokens on its only I/O thread: waiting for long would look like a dead consumer.
_TIMEOUT_S = 5
_LONGEST_ANSWER = 1 << 16
# A token is used for so much of its time.
_SHARE = 0.8
# Where the endpoint doesn't say, or says no time.
_LIFETIME_S = 60.0
_LONGEST_S = 1e6


def sasl_settings(security: SecurityConfig) -> dict[str, Any]:
    """Arguments of kafka-python's clients for the mechanism that is configured; none without SASL."""
    if security.oauth is not None:
        return {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": _provider(security.oauth)}
    password = secret_reader(security, "password")
    if security.sasl_mechanism is None or password is None:
        return {}
    return {
        "sasl_mechanism": security.sasl_mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": password,
    }


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """The token in the first line of a file that something else keeps fresh, such as a Kubernetes projected token."""

    def __init__(self, file: str) -> None:
        self._file = file

    def token(self) -> str:
        """Read anew at each authentication. SecretError if there is none."""
        return first_line(self._file)


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]
    """Tokens from a token endpoint by client credentials (RFC 6749, 4.4), each used for most of its time.

    `secret` reads the client's secret, `context` is for the endpoint. Both go in a Basic header (2.3.1 there).
    """

    def __init__(
        self, endpoint: str, client_id: str, secret: Callable[[], str], scope: str | None, context: ssl.SSLContext
    ) -> None:
        self._endpoint, self._client_id, self._secret, self._scope = endpoint, client_id, secret, scope
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect())
        self._open = opener.open
        self._token, self._until = "", 0.0

    def token(self) -> str:
        """The present token or a new one. SecretError if the endpoint can't be reached, refuses or gives none."""
        if time.monotonic() >= self._until:
            self._token, lifetime = self._taken(self._answer())
            self._until = time.monotonic() + lifetime * _SHARE
        return self._token

    def _answer(self) -> bytes:
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        user = b64encode(f"{quote(self._client_id, safe='')}:{quote(self._secret(), safe='')}".encode()).decode()
        headers = {"Authorization": f"Basic {user}", "Accept": "application/json"}
        request = urllib.request.Request(self._endpoint, urlencode(form).encode(), headers)  # noqa: S310 (https only)
        try:
            with self._open(request, timeout=_TIMEOUT_S) as response:
                answer: bytes = response.read(_LONGEST_ANSWER)
        except urllib.error.HTTPError as error:
            fix = "look at client_id, client_secret and scope in kafka.security.oauth"
            raise SecretError(f"{self._endpoint} answers {error.code}: {fix}") from None
        except (OSError, HTTPException) as error:
            fix = "look at token_endpoint and ca_file in kafka.security.oauth"
            raise SecretError(f"{self._endpoint} can't be asked ({error}): {fix}") from None
        return answer

    def _taken(self, answer: bytes) -> tuple[str, float]:
        """Token and lifetime (s). The answer is shown to nobody: it may hold a token."""
        try:
            found = json.loads(answer)
            token, lifetime = found["access_token"], float(found.get("expires_in", _LIFETIME_S))
        except (ValueError, KeyError, TypeError, AttributeError):
            token, lifetime = None, 0.0
        # kafka-python puts it into a message of its own, in which control characters mean something.
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise SecretError(f"{self._endpoint} answers with no token")
        return token, lifetime if 0 < lifetime < _LONGEST_S else _LIFETIME_S


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the client's secret to another address."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _provider(oauth: OAuthConfig) -> TokenFile | ClientCredentials:
    if oauth.token_file is not None:
        return TokenFile(oauth.token_file)
    secret = secret_reader(oauth, "client_secret")
    assert oauth.token_endpoint is not None  # noqa: S101 (the configuration asks for all three)
    assert oauth.client_id is not None  # noqa: S101
    assert secret is not None  # noqa: S101
    context = ssl.create_default_context(cafile=oauth.ca_file)
    return ClientCredentials(oauth.token_endpoint, oauth.client_id, secret, oauth.scope, context)


def _reading(config: dict[str, Any]) -> dict[str, Any]:
    password = config["sasl_plain_password"]
    return config | {"sasl_plain_password": password()} if callable(password) else config


class _Plain(SaslMechanismPlain):  # type: ignore[misc]
    def __init__(self, **config: Any) -> None:
        super().__init__(**_reading(config))


class _Scram(SaslMechanismScram):  # type: ignore[misc]
    def __init__(self, **config: Any) -> None:
        super().__init__(**_reading(config))


for _name, _mechanism in (("PLAIN", _Plain), ("SCRAM-SHA-256", _Scram), ("SCRAM-SHA-512", _Scram)):
    register_sasl_mechanism(_name, _mechanism, overwrite=True)
