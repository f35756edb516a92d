"""Log set-up: structlog lines on stderr, those of kafka-python and redis brought into the same form.

Event names are constant snake_case words, data stands in keys, no feature value is ever logged. Configured once, at the
start of a command; pure packages never log.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_MASK = "***"
_SECRET_WORDS = ("password", "secret", "token")
# A signed token (JWT): it changes while the worker runs, so that it can't be known beforehand.
_TOKEN = re.compile(r"eyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]+")


def configure(
    format_: Literal["json", "console"], level: str, *, secrets: Sequence[str] = (), stream: TextIO | None = None
) -> None:
    """Send all logs from `level` on to `stream` (stderr). `secrets` are masked wherever they turn up in a line."""
    target = stream if stream is not None else sys.stderr
    masking = _Masking(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks without local variables: those hold feature values and client settings.
    render: list[Processor] = (
        [
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            masking,
            structlog.processors.JSONRenderer(_json),
        ]
        if format_ == "json"
        else [
            structlog.processors.format_exc_info,
            masking,
            structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[meta, *render], foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name]
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    # Both tell each reconnection at info; what matters of it the worker logs itself.
    for noisy in ("kafka", "redis"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    # It tells a topic that is missing ten times a second; the worker says what it waits for.
    logging.getLogger("kafka.cluster").setLevel(logging.CRITICAL)


class _Masking:
    """Processor that hides secrets by key and by value, and signed tokens, in nested values and tracebacks too."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [secret for secret in secrets if secret]

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: self._masked(key, value) for key, value in event.items()}

    def _masked(self, key: str, value: Any) -> Any:
        if any(word in key.lower() for word in _SECRET_WORDS):
            return _MASK
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, _MASK)
            return _TOKEN.sub(_MASK, value)
        if isinstance(value, dict):
            return {str(k): self._masked(str(k), v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked("", item) for item in value]
        return value


def _json(value: Any, default: Any = None, **_: Any) -> str:
    return orjson.dumps(value, default=default, option=orjson.OPT_NON_STR_KEYS).decode()
