"""Configurations for the secured Kafka of the tests, and the permissions that docs/security.md lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from driftgauge.config import Config
from services.secured import LISTENERS, SecuredKafka

PAGE = Path(__file__).parents[1] / "docs" / "security.md"
# Distinctive, so that they can be looked for in everything that is written.
PASSWORDS = {name: f"kafka-{name}-7c1f3b" for name in ("worker", "creator", "producer", "subscriber", "stranger")}
REDIS_PASSWORD = "redis-worker-9e4d2a"


def leaked(text: str, more: Sequence[str] = ()) -> list[str]:
    """The secrets that stand in a text."""
    return [secret for secret in (*PASSWORDS.values(), REDIS_PASSWORD, *more) if secret in text]


def redis_rule() -> str:
    """The rule of the page, after the password."""
    found = re.search(r"^user driftgauge on >PASSWORD (.*)$", PAGE.read_text(), re.MULTILINE)
    assert found, "docs/security.md has no ACL rule"
    return found[1]


def permissions(principal: str, names: dict[str, str]) -> list[tuple[str, str, str]]:
    """What the page lists for a principal, as (kind, name, operation); `names` by option, others are left out."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text().splitlines()]
    found = [row for row in rows if len(row) == 4 and row[0].replace("`", "") == principal]
    assert found, f"docs/security.md lists nothing for {principal}"
    return [
        (kind.upper(), names[option], operation)
        for _, kind, options, operations in found
        for option in (text.strip("` ") for text in options.split(","))
        if option in names
        for operation in operations.split(", ")
    ]


def config(secured: SecuredKafka, listener: str, security: dict[str, Any], **sections: Any) -> Config:
    """A configuration that reaches a listener so."""
    kafka = {
        "bootstrap_servers": [secured.listeners[listener]],
        "security": {"protocol": LISTENERS.get(listener)} | security,
    }
    model = {"model_id": "loan-approval", "model_version": "7"}
    return Config.model_validate({"kafka": kafka, "topics": {"predictions": "p"}, "models": [model]} | sections)
