"""Servers that let nobody in unasked: a Kafka with a listener of each kind and ACLs, a Redis with TLS and users."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import redis
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from services.certificates import Authority, TokenIssuer
from services.kafka import LocalKafka
from services.process import LOOPBACK, free_port
from services.redis import LocalRedis

AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
LOGIN = "org.apache.kafka.common.security"
VALIDATOR = f"{LOGIN}.oauthbearer.OAuthBearerValidatorCallbackHandler"
# A listener's name, and its protocol.
LISTENERS = {
    "tls": "SSL",
    "mtls": "SSL",
    "expired": "SSL",
    "elsewhere": "SSL",
    "sasl": "SASL_SSL",
    "plain": "SASL_PLAINTEXT",
}


class SecuredKafka(LocalKafka):
    """One node with an authorizer. `bootstrap` (plaintext) is for setting up only: who comes there may do everything.

    `passwords`: of users, the same with PLAIN and both SCRAMs. `authority` made the servers' certificates, and clients'
    for `mtls`; those of `expired` and `elsewhere` are no good. `issuer` signs tokens.
    """

    def __init__(self, folder: Path, java: Path, jars: Path, passwords: dict[str, str]) -> None:
        super().__init__(folder, java, jars)
        self.passwords = passwords
        self.authority, self.issuer = Authority(folder / "certificates"), TokenIssuer(folder / "tokens")
        self.listeners = {name: f"{LOOPBACK}:{free_port()}" for name in LISTENERS}
        self.java.insert(1, f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.issuer.jwks.as_uri()}")
        self.server.command = [*self.java, "kafka.Kafka", str(self.properties)]
        present = dict(line.split("=", 1) for line in self.properties.read_text().splitlines() if "=" in line)
        present |= self._secured(present)
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in present.items()))

    def _secured(self, present: dict[str, str]) -> dict[str, str]:
        def extended(key: str, values: dict[str, str], form: str) -> str:
            return ",".join([present[key], *(form.format(name, value) for name, value in values.items())])

        certificates = {
            "tls": self.authority.issue("server"),
            "expired": self.authority.issue("expired", days=-1),
            "elsewhere": self.authority.issue("elsewhere", host="kafka.example"),
        }
        tls = {
            f"listener.name.{name}.ssl.{key}": value
            for name, protocol in LISTENERS.items()
            if protocol.endswith("SSL")
            for key, value in {
                "keystore.type": "PEM",
                "keystore.location": str(certificates.get(name, certificates["tls"]).both),
                "truststore.type": "PEM",
                "truststore.location": str(self.authority.ca),
                "client.auth": "required" if name == "mtls" else "none",
                "principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
            }.items()
        }
        users = " ".join(f'user_{name}="{password}"' for name, password in self.passwords.items())
        plain = f"{LOGIN}.plain.PlainLoginModule required {users};"
        scram = f"{LOGIN}.scram.ScramLoginModule required;"
        bearer = f"{LOGIN}.oauthbearer.OAuthBearerLoginModule required;"
        return {
            "listeners": extended("listeners", self.listeners, "{0}://{1}"),
            "advertised.listeners": extended("advertised.listeners", self.listeners, "{0}://{1}"),
            "listener.security.protocol.map": extended("listener.security.protocol.map", LISTENERS, "{0}:{1}"),
            "authorizer.class.name": AUTHORIZER,
            "super.users": "User:ANONYMOUS",
            **tls,
            "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            "listener.name.plain.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.plain.plain.sasl.jaas.config": plain,
            "listener.name.sasl.plain.sasl.jaas.config": plain,
            "listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.sasl.oauthbearer.sasl.jaas.config": bearer,
            "listener.name.sasl.oauthbearer.sasl.server.callback.handler.class": VALIDATOR,
            "listener.name.sasl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": self.issuer.jwks.as_uri(),
            "listener.name.sasl.oauthbearer.sasl.oauthbearer.expected.audience": "kafka",
        }

    def format(self, options: Iterable[str] = ()) -> None:
        """See `LocalKafka`; with the SCRAM users."""
        users = (
            f"--add-scram={mechanism}=[name={name},password={password}]"
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for name, password in self.passwords.items()
        )
        super().format([*options, *users])

    def permit(self, principal: str, rules: list[tuple[str, str, str]]) -> None:
        """Give a user permissions: (resource type, its name, operation)."""
        self._change(lambda admin: admin.create_acls([_acl(principal, *rule) for rule in rules]))

    def forbid(self, principal: str) -> None:
        """Take all permissions of a user away."""
        every = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
        named = ACLFilter(f"User:{principal}", None, ACLOperation.ANY, ACLPermissionType.ANY, every)
        self._change(lambda admin: admin.delete_acls([named]))

    def _change(self, change: Callable[[KafkaAdminClient], object]) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            change(admin)
        finally:
            admin.close()


def _acl(principal: str, kind: str, name: str, operation: str) -> ACL:
    pattern = ResourcePattern(ResourceType[kind], name, ACLResourcePatternType.LITERAL)
    return ACL(f"User:{principal}", "*", ACLOperation[operation], ACLPermissionType.ALLOW, pattern)


class SecuredRedis(LocalRedis):
    """TLS only, with the users of `rules` (ACL rules by name, password included); nobody may come without a name."""

    def __init__(self, folder: Path, program: Path, authority: Authority, rules: dict[str, str]) -> None:
        super().__init__(folder, program)
        self.authority = authority
        server = authority.issue("redis")
        self.url = f"rediss://{LOOPBACK}:{self.port}/0"
        users = folder / "users.acl"
        lines = ["user default off", *(f"user {name} on {rule}" for name, rule in rules.items())]
        users.write_text("\n".join(lines) + "\n")
        plain = self.server.command.index("--port")
        self.server.command[plain : plain + 2] = ["--port", "0", "--tls-port", str(self.port)]
        self.server.command += ["--tls-cert-file", str(server.cert), "--tls-key-file", str(server.key)]
        self.server.command += ["--tls-ca-cert-file", str(authority.ca), "--tls-auth-clients", "optional"]
        self.server.command += ["--aclfile", str(users)]

    def answers(self) -> bool:
        """Whether it answers, if only that it wants a password."""
        client = redis.Redis.from_url(self.url, ssl_ca_certs=str(self.authority.ca), socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False
        finally:
            client.close()
