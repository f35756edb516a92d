"""The dead letter: a record that is no event, as it came, with why and from where in its headers.

Value and key stay byte for byte (rules §4.5), so that a mended record can be produced again; everything we have to say
stands in headers, which is what the published schema describes.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from driftgauge.decode.columns import RejectCode
from driftgauge.records import Source

PREFIX = "driftgauge."
# A header is for a person; a reject's message may quote what it found.
MESSAGE_CHARACTERS = 500

# Header values are text: digits only, as many as a 64-bit integer has.
_Digits = Annotated[str, Field(pattern=r"^-?\d{1,19}$")]


def _alias(name: str) -> str:
    return PREFIX + name


def _is_none(value: object) -> bool:
    return value is None


class DeadLetterHeaders(BaseModel):
    """The headers of a dead letter as text (UTF-8 on the wire): reason code, message, and the record's position.

    `timestamp`: the record's own, ms since the epoch. `original_size`: bytes of the value before it was cut to what the
    topic takes; only there if it was cut.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=_alias, validate_by_name=True, validate_by_alias=True
    )

    reason: RejectCode
    message: Annotated[str, Field(max_length=MESSAGE_CHARACTERS)]
    topic: Annotated[str, Field(min_length=1)]
    partition: _Digits
    offset: _Digits
    timestamp: _Digits
    original_size: _Digits | None = Field(default=None, exclude_if=_is_none)


def headers_of(
    *, code: RejectCode, message: str, source: Source, offset: int, timestamp: int, original_size: int | None = None
) -> list[tuple[str, bytes]]:
    """Kafka headers of a dead letter, in the model's order. `original_size`: only if the value was cut."""
    headers = DeadLetterHeaders(
        reason=code,
        # A message quotes untrusted input, which may hold half a surrogate pair: no text that could be written.
        message=message[:MESSAGE_CHARACTERS].encode("utf-8", "replace").decode(),
        topic=source.topic,
        partition=str(source.partition),
        offset=str(offset),
        timestamp=str(timestamp),
        original_size=None if original_size is None else str(original_size),
    )
    texts: dict[str, str] = headers.model_dump(by_alias=True)
    return [(name, text.encode()) for name, text in texts.items()]
