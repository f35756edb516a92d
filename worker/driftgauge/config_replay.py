"""The configuration of a replay by workers: the inputs of the worker's, and outputs and a group of its own.

Where it writes, and what it remembers, follows from the configured names and the replay's: nothing of the worker's is
touched, and whoever starts another worker of the same replay need not be told anything else.
"""

from __future__ import annotations

import re

from pydantic import TypeAdapter, ValidationError

from driftgauge.config import Config, DeadLetterLimitsConfig, KeyPart, RecoveryConfig, TopicName
from driftgauge.errors import ConfigError

_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# A replay that can't be exact is none: it ends, and another one is started.
_EXACT = RecoveryConfig(
    lost="fail", damaged="fail", changed="fail", retention_gap="fail", truncated="fail", recreated="fail"
)
# Workers have been stopped by these once, if at all; a replay reads on, as a backtest does.
_ALL = DeadLetterLimitsConfig(consecutive=0, ratio=0.0)


def replay_of(config: Config, job: str) -> Config:
    """`config` for the replay `job`: group, panes, alerts and dead letters have `.replay.JOB` after their names.

    ConfigError if that is no name, or a name becomes too long with it.
    """
    if not _JOB.fullmatch(job):
        raise ConfigError(f"--replay {job}: expected a word of letters, digits, _ and -, at most 64, such as march")
    topics = config.topics
    names = {
        f"topics.{name}": f"{given}.replay.{job}"
        for name, given in (("panes", topics.panes), ("alerts", topics.alerts), ("dead_letters", topics.dead_letters))
    }
    group = f"{config.kafka.group_id}.replay.{job}"
    for field, name in names.items():
        _require(field, name, TypeAdapter(TopicName), 249)
    _require("kafka.group_id", group, TypeAdapter(KeyPart), 128)
    sections = {
        "kafka": config.kafka.model_copy(update={"group_id": group}),
        "topics": topics.model_copy(update={field.removeprefix("topics."): name for field, name in names.items()}),
        "recovery": _EXACT,
        "limits": config.limits.model_copy(update={"dead_letters": _ALL}),
    }
    return config.model_copy(update=sections).of_replay(job)


def _require(field: str, name: str, kind: TypeAdapter[str], longest: int) -> None:
    try:
        kind.validate_python(name)
    except ValidationError as error:
        raise ConfigError(
            f"--replay: {field} would be {name}, longer than the {longest} characters there may be; give the replay a "
            "shorter name"
        ) from error
