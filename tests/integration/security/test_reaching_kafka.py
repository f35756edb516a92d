"""A Kafka that wants TLS, client certificates, passwords or tokens: how it is reached, and what a refusal says."""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from driftgauge.errors import UnavailableError
from driftgauge.runtime import topics
from driftgauge.runtime.kafka_clients import admin_settings
from driftgauge.runtime.topics import admin_client, partition_counts
from secured_config import PASSWORDS, config
from services.certificates import Authority
from services.process import LOOPBACK


def reach(settings) -> None:
    with admin_client(settings) as admin:
        assert admin.describe_cluster()["brokers"]


def refusal(settings) -> str:
    # Were it not told at once, it would be waited for, and for longer than a test may take.
    patient = partial(admin_settings, timeout_ms=600_000)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(topics, "admin_settings", patient)
        with pytest.raises(UnavailableError) as caught:
            reach(settings)
    return str(caught.value)


@pytest.fixture
def ca(secured) -> dict[str, str]:
    return {"ca_file": str(secured.authority.ca)}


@pytest.fixture(scope="session")
def foreign(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("foreign"), "foreign")


def user(mechanism: str, password: str = PASSWORDS["worker"]) -> dict[str, str]:
    return {"sasl_mechanism": mechanism, "username": "worker", "password": password}


def bearer(**oauth: str) -> dict[str, object]:
    return {"sasl_mechanism": "OAUTHBEARER", "oauth": oauth}


def client(certificate) -> dict[str, str]:
    return {"cert_file": str(certificate.cert), "key_file": str(certificate.key)}


def test_tls_alone(secured, ca) -> None:
    reach(config(secured, "tls", ca))


def test_a_client_certificate_with_an_encrypted_key(secured, ca) -> None:
    made = secured.authority.issue("locked", password="key-password")
    reach(config(secured, "mtls", ca | client(made) | {"key_password": "key-password"}))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password(secured, ca, mechanism: str) -> None:
    reach(config(secured, "sasl", ca | user(mechanism)))


def test_a_password_in_the_clear(secured) -> None:
    reach(config(secured, "plain", user("PLAIN")))


def test_a_password_is_read_again_from_its_file(secured, ca, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("the old one\n")
    held = ca | user("SCRAM-SHA-512", "the old one") | {"password_file": str(file)}
    settings = config(secured, "sasl", held)
    assert "username and password" in refusal(settings)
    file.write_text(PASSWORDS["worker"] + "\n")
    reach(settings)


def test_a_token_is_read_again_from_its_file(secured, ca, tmp_path: Path) -> None:
    file = tmp_path / "token"
    settings = config(secured, "sasl", ca | bearer(token_file=str(file)))
    assert f"{file} can't be read" in refusal(settings)
    file.write_text(secured.issuer.token("worker", seconds=-100))
    assert "oauth, under kafka.security" in refusal(settings)
    file.write_text(secured.issuer.token("worker"))
    reach(settings)


@contextmanager
def token_endpoint(authority: Authority, answer: bytes, status: int = 200):
    """Its address and the requests it got."""
    asked = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            asked.append((self.headers["Authorization"], form))
            self.send_response(status)
            self.send_header("Location", "https://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None: ...

    server = HTTPServer((LOOPBACK, 0), Endpoint)
    made = authority.issue("endpoint")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"https://{LOOPBACK}:{server.server_port}/token", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def credentials(endpoint: str, authority: Authority) -> dict[str, object]:
    client = {"client_id": "worker", "client_secret": "s3/cret", "scope": "kafka"}
    return bearer(token_endpoint=endpoint, ca_file=str(authority.ca), **client)


def test_a_token_from_an_endpoint_by_client_credentials(secured, ca) -> None:
    answer = json.dumps({"access_token": secured.issuer.token("worker"), "expires_in": 600}).encode()
    with token_endpoint(secured.authority, answer) as (endpoint, asked):
        reach(config(secured, "sasl", ca | credentials(endpoint, secured.authority)))
    header = "Basic d29ya2VyOnMzJTJGY3JldA=="  # worker:s3%2Fcret, encoded as RFC 6749 2.3.1 has it
    assert asked[0] == (header, {"grant_type": ["client_credentials"], "scope": ["kafka"]})
    # Used again as long as it holds: once for the first connection alone, once for all of the client's.
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        (b"no", 401, "answers 401: look at client_id, client_secret and scope"),
        (b"", 302, "answers 302"),
        (b'{"token": "secret-token"}', 200, "answers with no token"),
        (b'{"access_token": "a\\u0001b"}', 200, "answers with no token"),
        (b"\xff", 200, "answers with no token"),
        (b"[]", 200, "answers with no token"),
    ],
)
def test_an_endpoint_that_gives_no_token_is_named(secured, ca, answer: bytes, status: int, expected: str) -> None:
    with token_endpoint(secured.authority, answer, status) as (endpoint, _):
        said = refusal(config(secured, "sasl", ca | credentials(endpoint, secured.authority)))
    assert f"{endpoint} {expected}" in said
    assert "secret-token" not in said
    assert "s3/cret" not in said


def test_an_endpoint_of_a_foreign_authority_is_given_no_secret(secured, ca, foreign) -> None:
    with token_endpoint(secured.authority, b"") as (endpoint, asked):
        assert "token_endpoint and ca_file" in refusal(config(secured, "sasl", ca | credentials(endpoint, foreign)))
    assert not asked


def test_refusals_of_tls_say_which_setting_to_look_at(secured, ca, foreign) -> None:
    other = {"ca_file": str(foreign.ca)}
    late = secured.authority.issue("late", days=-1)
    assert "kafka.security.ca_file" in refusal(config(secured, "tls", other))
    assert "kafka.security.ca_file" in refusal(config(secured, "tls", {}))
    assert "has expired" in refusal(config(secured, "expired", ca))
    assert "kafka.bootstrap_servers" in refusal(config(secured, "elsewhere", ca))
    assert "cert_file and key_file" in refusal(config(secured, "mtls", ca))
    assert "kafka.security.cert_file" in refusal(config(secured, "mtls", ca | client(foreign.issue("stranger"))))
    assert "kafka.security.cert_file" in refusal(config(secured, "mtls", ca | client(late)))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_is_told_at_once(secured, ca, mechanism: str) -> None:
    said = refusal(config(secured, "sasl", ca | user(mechanism, "wrong-password")))
    assert "username and password" in said
    assert "wrong-password" not in said


def test_a_mechanism_that_is_not_offered_and_a_port_without_sasl(secured) -> None:
    assert "sasl_mechanism" in refusal(config(secured, "plain", user("SCRAM-SHA-512")))
    secured.listeners["setup"] = secured.bootstrap
    settings = config(secured, "setup", user("PLAIN") | {"protocol": "SASL_PLAINTEXT"})
    assert "kafka.security.protocol" in refusal(settings)


def test_a_missing_permission_names_the_topic_and_is_not_taken_for_a_missing_topic(secured, ca) -> None:
    settings = config(secured, "sasl", ca | user("PLAIN"))
    said = pytest.raises(UnavailableError, match=r"permission on the topic p; docs/security\.md")
    with said, admin_client(settings) as admin:
        partition_counts(admin, ["p"])
