"""The configuration as one frozen value: what the YAML file and the environment may say, and nothing else.

Strict (unknown fields and wrong types are errors) and plain: durations are integer milliseconds, times integer
milliseconds since the epoch, paths absolute once `config_file` has read them. Passwords are `SecretStr`, so that no
log, plan or traceback shows one. `config_file` reads it and says where an error stands.
"""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, JsonValue, PrivateAttr, model_validator

from driftgauge.config_security import Name, Secret, SecurityConfig, TlsSection
from driftgauge.config_security import Section as _Section
from driftgauge.durations import parse_duration
from driftgauge.profiles.profile import MAX_SEGMENTS
from driftgauge.subject import version_text
from driftgauge.timestamps import parse_timestamp

_DURATION_PATTERN = r"^\s*\d+\s*(ms|s|m|h|d)\s*$"
LONGEST_PANE = 366 * 86_400_000
_TOPIC_PATTERN = r"^[a-zA-Z0-9._-]{1,249}$"


def _duration(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("a duration has a unit: 10s, 5m, 1h, 1d")  # noqa: TRY004 (pydantic turns only ValueError into an error)
    return parse_duration(value)


def _pane_length(value: Any) -> Any:
    return value if value == "auto" else _duration(value)


def _time(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("expected a time such as 2026-03-15T10:03:00Z")  # noqa: TRY004
    return parse_timestamp(value)


def _start(value: Any) -> Any:
    if value in ("earliest", "latest"):
        return value
    try:
        return _time(value)
    except ValueError:
        raise ValueError("expected earliest, latest or a time such as 2026-03-15T10:03:00Z") from None


def _segment(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError(f"{value!r} is no text: quote it as the tag is written")  # noqa: TRY004
    return str(value) if isinstance(value, int) else value


def _topic(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


_DurationText = Annotated[str, Field(pattern=_DURATION_PATTERN, examples=["30s"])]
Duration = Annotated[int, BeforeValidator(_duration, json_schema_input_type=_DurationText)]
PositiveDuration = Annotated[int, Field(gt=0), BeforeValidator(_duration, json_schema_input_type=_DurationText)]
PaneLength = Annotated[
    Literal["auto"] | Annotated[int, Field(ge=1000, le=LONGEST_PANE)],
    BeforeValidator(_pane_length, json_schema_input_type=Literal["auto"] | _DurationText),
]
Time = Annotated[int, BeforeValidator(_time, json_schema_input_type=str)]
Start = Annotated[Literal["earliest", "latest"] | int, BeforeValidator(_start, json_schema_input_type=str)]
Version = Annotated[
    str, Field(min_length=1, max_length=256), BeforeValidator(version_text, json_schema_input_type=str | int)
]
SegmentName = Annotated[Name, BeforeValidator(_segment, json_schema_input_type=str | int)]
# `{}` would clash with the hash tag of the Redis keys, `:` with their separator.
KeyPart = Annotated[str, Field(pattern=r"^[^{}:\s]{1,128}$")]
TopicName = Annotated[str, Field(pattern=_TOPIC_PATTERN)]


class KafkaConfig(_Section):
    """The cluster and the consumer group. `start`, for partitions without state: earliest, latest or a time (ms).

    `session_timeout` (ms): a worker that is not heard of for so long loses its partitions to the others;
    `metadata_max_age` (ms): added partitions are noticed within this; `missing_topic_after` (ms): the worker ends when
    an input topic is gone for so long (0: it waits).
    """

    bootstrap_servers: list[Annotated[str, Field(pattern=r"^[^\s,]+:\d{1,5}$")]] = Field(min_length=1)
    group_id: KeyPart = "driftgauge"
    group_instance_id: Name | None = None
    session_timeout: Annotated[PositiveDuration, Field(ge=1000)] = 45_000
    metadata_max_age: Annotated[PositiveDuration, Field(ge=500)] = 10_000
    missing_topic_after: Duration = 60_000
    start: Start = "earliest"
    security: SecurityConfig = SecurityConfig()


class TopicConfig(_Section):
    """A topic and how its records are read. `model_id` stands in for events that carry none."""

    name: TopicName
    format: Literal["native"] = "native"
    mapping: dict[str, str] = Field(default={})
    model_id: Name | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.mapping:
            raise ValueError("the format native is read as it is and takes no mapping; leave it out")
        return self


Topic = Annotated[TopicConfig, BeforeValidator(_topic, json_schema_input_type=TopicName | TopicConfig)]


class TopicsConfig(_Section):
    """Where events come from and where panes, alerts and dead letters go. At least one of predictions and features."""

    predictions: Topic | None = None
    features: Topic | None = None
    labels: Topic | None = None
    panes: TopicName = "ml.driftgauge.panes"
    alerts: TopicName = "ml.drift.alerts"
    dead_letters: TopicName = "ml.driftgauge.dead-letters"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.predictions is None and self.features is None:
            raise ValueError("name a topic to read: predictions or features")
        names = [*(topic.name for topic in self.inputs.values()), self.panes, self.alerts, self.dead_letters]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is used for two purposes; each needs a topic of its own")
        return self

    @property
    def inputs(self) -> dict[Literal["predictions", "features", "labels"], TopicConfig]:
        """The configured input topics by what they carry."""
        every = {"predictions": self.predictions, "features": self.features, "labels": self.labels}
        return {kind: topic for kind, topic in every.items() if topic is not None}  # type: ignore[misc]


class RedisConfig(TlsSection):
    """Where state lives. A password in a URL given by the environment is moved to `password`, so `url` can be shown.

    `retry_for` (ms): how long a Redis that is away, failing over, loading or full is waited for. The worker reads
    nothing meanwhile; beyond Kafka's max.poll.interval (five minutes) the group would take its partitions away.
    """

    url: Annotated[str, Field(pattern=r"^(redis|rediss|unix)://")] = "redis://localhost:6379/0"
    namespace: KeyPart = "driftgauge"
    username: Name | None = None
    password: Secret = None
    password_file: str | None = None
    retry_for: Annotated[PositiveDuration, Field(le=240_000)] = 30_000

    @model_validator(mode="before")
    @classmethod
    def _password_apart(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("url"), str):
            return data
        try:
            url = urlsplit(data["url"])
        except ValueError:
            raise ValueError("is no URL; write redis://HOST:PORT/0") from None
        if "password" in url.query:
            raise ValueError("a password in the query is not read; write it before the host: redis://:…@host:6379/0")
        if "ssl_" in url.query:
            # The library would take ssl_cert_reqs=none from there, and check nobody any more.
            raise ValueError("TLS settings in the query are not read; set redis.ca_file, cert_file and key_file")
        if "@" not in url.netloc:
            return data
        shown = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
        found = {"username": url.username, "password": url.password}
        return {**data, "url": shown, **{key: unquote(text) for key, text in found.items() if text}}

    @model_validator(mode="after")
    def _tls_where_configured(self) -> Self:
        if self.uses_tls and not self.url.startswith("rediss://"):
            raise ValueError("certificates are used with TLS only; write the url with rediss://")
        return self


class PanesConfig(_Section):
    """Panes and event time. Durations in ms, `max_skew` in panes; `partitions`, `retention`: of the panes topic."""

    length: PaneLength = 60_000
    out_of_orderness: Duration = 30_000
    idle_after: PositiveDuration = 15_000
    partitions: int = Field(default=4, ge=1, le=1000)
    max_skew: int = Field(default=120, ge=2)
    retention: PositiveDuration = 1_209_600_000


class ModelPanesConfig(_Section):
    """What one model overrides of `panes`."""

    length: PaneLength


class SegmentsConfig(_Section):
    """Which of the profile's segments are watched on their own: those of `values`, at most `limit` (0: none).

    Absent: `tag` as in the profile, `values` the largest, `limit` as `limits.segments`.
    """

    tag: Name | None = None
    values: Annotated[list[SegmentName], Field(min_length=1)] | None = None
    limit: Annotated[int, Field(ge=0, le=MAX_SEGMENTS)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        values = self.values or []
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise ValueError(f"values names {twice!r} twice")
        return self


class ModelConfig(_Section):
    """One watched model version. `features_from`: where its features are counted, see `Config.features_topic`.

    Without a `profile` nothing of it can be watched: a `BaselineMissing` alert says so as soon as its events come. The
    same version may be listed again with another profile, budget or pane length: `effective_from` (event time, ms) says
    from when on that holds. `minimum_effect`: the smallest change worth an alert, in multiples of the default.
    `redact`: features whose values and categories are shown to nobody, see `Config.redacted`.
    """

    model_id: Name
    model_version: Version
    profile: Annotated[str, Field(min_length=1)] | None = None
    effective_from: Time | None = None
    false_alarm_budget: float = Field(default=1.0, gt=0, le=1000, allow_inf_nan=False)
    minimum_effect: float = Field(default=1.0, ge=0.1, le=10, allow_inf_nan=False)
    features_from: Literal["predictions", "features"] | None = None
    panes: ModelPanesConfig | None = None
    segments: SegmentsConfig | None = None
    redact: list[Name] = Field(default=[])


class CheckpointConfig(_Section):
    """When state and offsets are written together: after `interval` (ms), or sooner after so many `records` or `bytes`.

    `bytes` are of state, roughly. What is larger than `max_script_bytes` is written in shares, so that no other client
    of Redis waits for long.
    """

    interval: PositiveDuration = 2_000
    records: int = Field(default=200_000, ge=1)
    bytes: int = Field(default=4_000_000, ge=10_000)
    max_script_bytes: int = Field(default=2_000_000, ge=10_000, le=64_000_000)


class RecoveryConfig(_Section):
    """What is done about a partition whose state is not what its log asks for: go on in the way named, or `fail`.

    `rebuild`: from the panes topic, or the log's beginning. `resume`: read on from the next record there is. Without
    `fail` it is logged, with what was lost.
    """

    lost: Literal["rebuild", "fail"] = "rebuild"
    damaged: Literal["rebuild", "fail"] = "rebuild"
    changed: Literal["rebuild", "fail"] = "fail"
    retention_gap: Literal["resume", "fail"] = "resume"
    truncated: Literal["resume", "fail"] = "resume"
    recreated: Literal["resume", "fail"] = "resume"


class OutputsConfig(_Section):
    """What happens while panes, alerts or dead letters can't be written (ms).

    `patience`: a checkpoint waits so long for Kafka's confirmation; then the inputs are paused. `give_up_after`: the
    worker ends when it could not write for so long.
    """

    patience: PositiveDuration = 5_000
    give_up_after: PositiveDuration = 600_000


class WatchdogConfig(_Section):
    """What is noticed beside errors (ms), and what is done about damaged records.

    `stuck_after`: a loop that hasn't turned for so long ends the process; `stalled_after`: so do inputs that give
    nothing in two such spans though there is more to read; `clock_skew`: clocks that differ by so much are warned of.
    """

    damaged_records: Literal["stop", "skip"] = "stop"
    stuck_after: Annotated[PositiveDuration, Field(ge=1000)] = 120_000
    stalled_after: Annotated[PositiveDuration, Field(ge=1000)] = 60_000
    clock_skew: Annotated[PositiveDuration, Field(ge=1000)] = 30_000


class LoggingConfig(_Section):
    """Log lines on stderr."""

    format: Literal["json", "console"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class AlertsConfig(_Section):
    """The life cycle of an alert. `repeat_interval` in ms (at least 24 panes), the others in panes."""

    repeat_interval: PositiveDuration = 86_400_000
    resolve_after_panes: int = Field(default=30, ge=1)
    confirm_horizon_panes: int = Field(default=240, ge=1)


class DeadLetterLimitsConfig(_Section):
    """How many records of a partition may be no events before the worker stops (0: as many as there are).

    `consecutive`: in a row; `ratio`: the share of each `among` offsets.
    """

    consecutive: int = Field(default=1_000, ge=0)
    ratio: float = Field(default=0.5, ge=0, le=1, allow_inf_nan=False)
    among: int = Field(default=10_000, ge=1)


class LimitsConfig(_Section):
    """Caps on what is taken and held.

    `max_record_bytes`: longer records go to the dead letters; `ring_panes`: how many non-empty panes of each series are
    remembered, for levels and change points; `unknown_subjects`: how many models and versions without a profile are
    told of at a time (0: none), the events of others are counted only; `event_alarms`: how many alarms of a detector on
    single events, on one series, a partial pane carries, the rest are counted; `distinct_features`: of how many
    features of a model it is watched whether their values repeat (0: of none); `segments`: how many of a model are
    watched where it doesn't say itself (0: none); `max_alert_bytes`: larger alert events are trimmed;
    `max_pane_bytes`: what the panes topic takes; `unconfirmed_records`: how many written ones may wait for Kafka's
    confirmation before reading waits for it; `replay_records`: how many records a backtest over topics holds, of all
    partitions together.
    """

    max_record_bytes: int = Field(default=1_000_000, ge=1024)
    ring_panes: int = Field(default=1440, ge=60)
    unknown_subjects: int = Field(default=50, ge=0, le=10_000)
    event_alarms: int = Field(default=4, ge=1, le=1000)
    distinct_features: int = Field(default=8, ge=0, le=100)
    segments: int = Field(default=20, ge=0, le=MAX_SEGMENTS)
    max_alert_bytes: int = Field(default=900_000, ge=8192)
    max_pane_bytes: int = Field(default=1_000_000, ge=8192)
    unconfirmed_records: int = Field(default=50_000, ge=1)
    replay_records: int = Field(default=200_000, ge=1000)
    dead_letters: DeadLetterLimitsConfig = DeadLetterLimitsConfig()


class Config(_Section):
    """The whole configuration. Field order is the order of the documentation."""

    kafka: KafkaConfig
    topics: TopicsConfig
    redis: RedisConfig = RedisConfig()
    panes: PanesConfig = PanesConfig()
    models: list[ModelConfig] = Field(min_length=1)
    detectors: dict[Name, dict[str, JsonValue]] = Field(default={})
    checkpoint: CheckpointConfig = CheckpointConfig()
    recovery: RecoveryConfig = RecoveryConfig()
    outputs: OutputsConfig = OutputsConfig()
    watchdog: WatchdogConfig = WatchdogConfig()
    logging: LoggingConfig = LoggingConfig()
    alerts: AlertsConfig = AlertsConfig()
    limits: LimitsConfig = LimitsConfig()

    _file: str | None = PrivateAttr(None)
    _job: str | None = PrivateAttr(None)

    @property
    def file_option(self) -> str:
        """How a command is told to read this configuration: `-c` and its file, for messages that name a command."""
        file = f"-c {shlex.quote(self._file) if self._file is not None else 'FILE'}"
        return file if self._job is None else f"{file} --replay {self._job}"

    @property
    def job(self) -> str | None:
        """The replay that this is the configuration of (`config_replay`); None: that of the worker."""
        return self._job

    def read_from(self, file: str) -> Self:
        """The same, which knows where it was read from."""
        self._file = file
        return self

    def of_replay(self, job: str) -> Self:
        """The same, which knows that it is a replay's."""
        self._job = job
        return self

    def features_topic(self, model: ModelConfig | None) -> Literal["predictions", "features"]:
        """Where a model's features are counted: as it says, else the predictions topic, else the only one there is."""
        said = model.features_from if model is not None else None
        return said or ("predictions" if self.topics.predictions is not None else "features")

    def redacted(self, model: ModelConfig) -> frozenset[str]:
        """What any entry of the model's version redacts: a name forgotten in a later entry is redacted all the same."""
        version = (model.model_id, model.model_version)
        return frozenset(
            name for entry in self.models if (entry.model_id, entry.model_version) == version for name in entry.redact
        )

    def pane_length(self, model: ModelConfig, suggested: str) -> int:
        """Pane length (ms) of a model: its own, else `panes.length`; `auto` is the profile's `suggested` duration."""
        length = model.panes.length if model.panes is not None else self.panes.length
        return parse_duration(suggested) if length == "auto" else length
