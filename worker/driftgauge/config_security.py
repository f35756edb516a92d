"""How to reach a secured Kafka and a secured Redis, as the configuration says it.

Secrets (`password`, `key_password`, `client_secret`) come from the environment or from the first line of the file that
the field beside them names (`password_file`, ...). There is no switch that turns off the check of a server's
certificate or of its name.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.json_schema import SkipJsonSchema

Name = Annotated[str, Field(min_length=1, max_length=256)]
Secret = SkipJsonSchema[SecretStr | None]
# What a secret is written as in a configuration, and beside it the file that may hold it.
SECRET_FIELDS = ("password", "key_password", "client_secret")
FILE_FIELDS = (*(f"{name}_file" for name in SECRET_FIELDS), "ca_file", "cert_file", "key_file", "token_file")


class Section(BaseModel):
    """Part of the configuration: unknown fields and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TlsSection(Section):
    """Whom to trust and what to show. `ca_file` absent: the authorities of the system. All are PEM."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password: Secret = None
    key_password_file: str | None = None

    @property
    def uses_tls(self) -> bool:
        """Whether any of this says that TLS is meant."""
        return any((self.ca_file, self.cert_file, self.key_file, self.key_password, self.key_password_file))

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file belong together")
        if (self.key_password or self.key_password_file) and not self.key_file:
            raise ValueError("a key password is used with key_file only")
        return self


class OAuthConfig(Section):
    """Where tokens for OAUTHBEARER come from: a file that others keep fresh, or a token endpoint (client credentials).

    `token_file` is read again whenever a connection authenticates. `ca_file`: the authority of the token endpoint.
    """

    token_file: str | None = None
    token_endpoint: Annotated[str, Field(pattern=r"^https://[^\s@]+$")] | None = None
    client_id: Name | None = None
    client_secret: Secret = None
    client_secret_file: str | None = None
    scope: Name | None = None
    ca_file: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        client = (self.client_id, self.client_secret or self.client_secret_file)
        if bool(self.token_file) == bool(self.token_endpoint):
            raise ValueError("name either a token_file or a token_endpoint")
        if self.token_endpoint and not all(client):
            raise ValueError("token_endpoint needs client_id and a client_secret (by client_secret_file or variable)")
        if self.token_file and (any(client) or self.scope or self.ca_file):
            raise ValueError("client_id, client_secret, scope and ca_file are not used with token_file")
        return self


class SecurityConfig(TlsSection):
    """How to reach a secured Kafka. `password` comes from the environment or from the first line of `password_file`."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    username: Name | None = None
    password: Secret = None
    password_file: str | None = None
    oauth: OAuthConfig | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sasl = self.protocol.startswith("SASL_")
        user = (self.username, self.password or self.password_file)
        if not sasl and (self.sasl_mechanism or self.oauth or any(user)):
            raise ValueError(f"user and password are not used with {self.protocol}; set protocol to SASL_SSL")
        if sasl and self.sasl_mechanism == "OAUTHBEARER":
            if self.oauth is None:
                raise ValueError("OAUTHBEARER needs a section oauth, with a token_file or a token_endpoint")
            if any(user):
                raise ValueError("user and password are not used with OAUTHBEARER; see the section oauth")
        elif sasl:
            if not all((self.sasl_mechanism, *user)):
                raise ValueError(
                    f"{self.protocol} needs sasl_mechanism, username and a password (by password_file or variable)"
                )
            if self.oauth is not None:
                raise ValueError(f"oauth is not used with {self.sasl_mechanism}; set sasl_mechanism to OAUTHBEARER")
        if not self.protocol.endswith("SSL") and self.uses_tls:
            raise ValueError(f"certificates are not used with {self.protocol}; set protocol to SSL or SASL_SSL")
        return self
