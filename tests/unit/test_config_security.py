"""How secured servers are configured: contradictions and files that can't be used are told with their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driftgauge import config_file
from driftgauge.config_secrets import known_secrets, secret_reader
from driftgauge.errors import ConfigError
from services.certificates import Authority

SASL = {"protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "username": "u", "password_file": "password"}
OAUTH = {"protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
CLIENT = {"token_endpoint": "https://host/token", "client_id": "c", "client_secret_file": "password"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    return authority, authority.issue("open"), authority.issue("locked", password="key-password")


@pytest.fixture
def load(tmp_path: Path):
    (tmp_path / "profile.json").write_text("{}")
    (tmp_path / "password").write_text("hunter2\nsecond line\n")

    def read(security: dict | None = None, redis: dict | None = None, **env: str):
        content = {
            "kafka": {"bootstrap_servers": ["localhost:9093"], "security": security or {}},
            "topics": {"predictions": "p"},
            "redis": redis or {},
            "models": [{"model_id": "m", "model_version": "1", "profile": "profile.json"}],
        }
        path = tmp_path / "driftgauge.yaml"
        path.write_text(json.dumps(content, indent=1))
        return config_file.load(path, env)

    return read


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ({"protocol": "SSL", "sasl_mechanism": "PLAIN"}, "kafka.security: user and password are not used with SSL"),
        ({"protocol": "SASL_SSL"}, "SASL_SSL needs sasl_mechanism, username and a password"),
        (SASL | {"oauth": CLIENT}, "oauth is not used with PLAIN"),
        (OAUTH, "OAUTHBEARER needs a section oauth"),
        (OAUTH | {"oauth": CLIENT, "username": "u"}, "user and password are not used with OAUTHBEARER"),
        (OAUTH | {"oauth": {}}, "kafka.security.oauth: name either a token_file or a token_endpoint"),
        (OAUTH | {"oauth": CLIENT | {"token_file": "password"}}, "name either a token_file or a token_endpoint"),
        (OAUTH | {"oauth": {"token_endpoint": "https://host"}}, "token_endpoint needs client_id and a client_secret"),
        (OAUTH | {"oauth": {"token_file": "password", "scope": "s"}}, "are not used with token_file"),
        (
            OAUTH | {"oauth": CLIENT | {"token_endpoint": "http://host"}},
            "token_endpoint: this doesn't have the right form",
        ),
        ({"protocol": "SSL", "key_password_file": "password"}, "a key password is used with key_file only"),
        ({"protocol": "SSL", "ca_file": "none.pem"}, "kafka.security.ca_file: none.pem does not exist"),
        ({"protocol": "SSL", "ca_file": "password"}, "kafka.security.ca_file: holds no certificate"),
        (OAUTH | {"oauth": CLIENT | {"ca_file": "password"}}, "kafka.security.oauth.ca_file: holds no certificate"),
        ({"protocol": "SASL_SSL", "ca_file": "none.pem"} | SASL, "none.pem does not exist"),
    ],
)
def test_contradictions_and_unusable_files_are_named(load, security: dict, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(security)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("redis", "expected"),
    [
        ({"ca_file": "password"}, "redis: certificates are used with TLS only"),
        ({"url": "rediss://h/0?ssl_cert_reqs=none"}, "redis: TLS settings in the query are not read"),
        ({"url": "rediss://h/0", "ca_file": "password"}, "redis.ca_file: holds no certificate"),
        ({"url": "rediss://h/0", "key_file": "password"}, "redis: cert_file and key_file belong together"),
        ({"key_password": "hunter2"}, "set DRIFTGAUGE_REDIS__KEY_PASSWORD or key_password_file"),
    ],
)
def test_the_same_of_redis(load, redis: dict, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(redis=redis)
    assert expected in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_key_that_is_not_the_certificates_or_needs_a_password_is_told(load, certificates) -> None:
    authority, unlocked, locked = certificates

    def said(cert, key, **more: str) -> str:
        with pytest.raises(ConfigError) as caught:
            load({"protocol": "SSL", "ca_file": str(authority.ca), "cert_file": str(cert), "key_file": str(key)} | more)
        return str(caught.value)

    assert "key_file: is not the key of" in said(unlocked.cert, authority.issue("other").key)
    assert "it needs key_password_file" in said(locked.cert, locked.key)
    assert "is the key's password right?" in said(locked.cert, locked.key, key_password_file="password")
    assert "are both PEM?" in said(unlocked.key, unlocked.cert)


def test_an_encrypted_key_opens_with_its_password(load, certificates) -> None:
    authority, _, locked = certificates
    tls = {"ca_file": str(authority.ca), "cert_file": str(locked.cert), "key_file": str(locked.key)}
    config = load(
        {"protocol": "SSL"} | tls,
        {"url": "rediss://h/0"} | tls,
        DRIFTGAUGE_KAFKA__SECURITY__KEY_PASSWORD="key-password",
        DRIFTGAUGE_REDIS__KEY_PASSWORD="key-password",
    )
    assert known_secrets(config) == ["key-password", "key-password"]


def test_a_section_of_the_environment_alone_is_read(load, tmp_path: Path) -> None:
    config = load(OAUTH, DRIFTGAUGE_KAFKA__SECURITY__OAUTH__TOKEN_FILE=str(tmp_path / "password"))
    assert config.kafka.security.oauth is not None
    assert known_secrets(config) == ["hunter2"]


def test_a_secret_is_read_again_from_its_file_but_the_variable_wins(load, tmp_path: Path) -> None:
    from_file = load(SASL).kafka.security
    from_variable = load(SASL, DRIFTGAUGE_KAFKA__SECURITY__PASSWORD="variable").kafka.security
    (tmp_path / "password").write_text("another\n")
    readers = [secret_reader(security, "password") for security in (from_file, from_variable)]
    assert [reader() for reader in readers if reader is not None] == ["another", "variable"]


@pytest.mark.parametrize("content", [b"", b"\nhunter2\n", b"\xff\xfe"])
def test_a_secret_file_without_a_secret_is_named(load, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "password").write_bytes(b"x\n")
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ConfigError, match=r"kafka\.security\.password_file: .*other"):
        load(SASL | {"password_file": "other"})
