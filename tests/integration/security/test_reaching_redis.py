"""A Redis with TLS only and an ACL user: how it is reached with the rule of the page, and what a refusal says."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import redis

from driftgauge.app import redis_state
from driftgauge.config import Config
from driftgauge.errors import UnavailableError
from driftgauge.records import Source
from driftgauge.state.base import Checkpoint, Progress
from driftgauge.state.redis import RedisState
from secured_config import REDIS_PASSWORD, redis_rule
from services.certificates import Authority

PARTITION = Source("t", 0)


@pytest.fixture
def reach(secured_redis):
    def use(**changes) -> None:
        settings = {
            "url": secured_redis.url,
            "username": "driftgauge",
            "password": REDIS_PASSWORD,
            "ca_file": str(secured_redis.authority.ca),
            # A refusal is not waited for: if it were, longer than `refusal` allows.
            "retry_for": "4m",
        }
        kept = {name: value for name, value in (settings | changes).items() if value is not None}
        state = redis_state(configured(kept))
        try:
            use_all(state)
        finally:
            state.close()

    return use


def configured(redis: dict[str, str]) -> Config:
    kafka, models = {"bootstrap_servers": ["h:1"], "group_id": "g"}, [{"model_id": "m", "model_version": "1"}]
    sections = {"kafka": kafka, "topics": {"predictions": "p"}, "models": models, "redis": redis}
    return Config.model_validate(sections | {"checkpoint": {"max_script_bytes": 100_000}})


def use_all(state: RedisState) -> None:
    """Everything that the worker asks of the store."""
    state.memory()
    claim, _ = state.claim(PARTITION)
    state.begin(claim, 0, {})
    state.save(claim, 1, {"a": b"1", "b": b"2"}, ())
    state.save(claim, 2, {"large": bytes(200_000)}, ["b"])
    assert state.claim(PARTITION)[1] == Checkpoint(2, {"a": b"1", "large": bytes(200_000)})
    state.tell(PARTITION, Progress(1, 2))
    assert state.told() == {PARTITION: Progress(1, 2)}
    assert state.settle("partitions", "3") == "3"


@pytest.fixture
def keeper(secured_redis):
    """Who may do everything."""
    ca = str(secured_redis.authority.ca)
    with redis.Redis.from_url(secured_redis.url, ssl_ca_certs=ca, username="keeper", password="keeper") as client:
        yield client


@pytest.fixture
def refusal(reach):
    def said(**changes) -> str:
        begun = time.monotonic()
        with pytest.raises(UnavailableError) as caught:
            reach(**changes)
        assert time.monotonic() - begun < 60
        return str(caught.value)

    return said


def test_the_rule_of_the_page_is_enough_for_state_and_no_other_key_or_command(secured_redis, keeper, reach) -> None:
    keeper.acl_log_reset()
    reach()
    assert keeper.acl_log() == []
    client = redis.Redis.from_url(
        secured_redis.url,
        ssl_ca_certs=str(secured_redis.authority.ca),
        username="driftgauge",
        password=REDIS_PASSWORD,
    )
    with client:
        for command in (
            ["HSET", "other", "a", "1"],
            ["HGETALL", "{other:v1:g:t:0}:state"],
            ["EVAL", "return redis.call('GET', 'other')", "0"],
            ["KEYS", "*"],
            ["FLUSHALL"],
            ["CONFIG", "GET", "*"],
            ["DEL", "{driftgauge:v1:g:t:0}:state"],
            ["PUBLISH", "c", "m"],
        ):
            with pytest.raises(redis.ResponseError, match=r"(?i)permission"):
                client.execute_command(*command)


def test_each_command_of_the_rule_is_needed(keeper, reach) -> None:
    for command in set(re.findall(r"\+(\S+)", redis_rule())) - {"info"}:
        rule = [*redis_rule().split(), f"-{command}"]
        keeper.execute_command("ACL", "SETUSER", "lesser", "reset", "on", f">{REDIS_PASSWORD}", *rule)
        keeper.flushall()
        keeper.script_flush()
        with pytest.raises(UnavailableError, match=r"docs/security\.md"):
            reach(username="lesser")


def test_a_client_certificate_with_an_encrypted_key(secured_redis, reach) -> None:
    made = secured_redis.authority.issue("redis-client", password="key-password")
    reach(cert_file=str(made.cert), key_file=str(made.key), key_password="key-password")


def test_a_password_is_read_again_from_its_file(reach, refusal, tmp_path: Path) -> None:
    file = tmp_path / "password"
    assert f"{file} can't be read" in refusal(password_file=str(file))
    file.write_text("wrong-password\n")
    assert "redis.username and password" in refusal(password_file=str(file))
    file.write_text(f"{REDIS_PASSWORD}\n")
    reach(password_file=str(file))


def test_refusals_say_which_setting_to_look_at(secured_redis, refusal, tmp_path: Path) -> None:
    said = refusal(password="wrong-password")
    assert "redis.username and password" in said
    assert "wrong-password" not in said
    assert "DRIFTGAUGE_REDIS__PASSWORD" in refusal(username=None, password=None)
    assert "docs/security.md" in refusal(namespace="other")
    assert "redis.ca_file" in refusal(ca_file=None)
    assert "redis.ca_file" in refusal(ca_file=str(Authority(tmp_path, "foreign").ca))
    assert "redis.url" in refusal(url=f"rediss://localhost:{secured_redis.port}/0")
