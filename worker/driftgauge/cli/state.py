"""`driftgauge state`: what is stored of each partition, and the way out where a worker refuses to go on from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from driftgauge import config_file
from driftgauge.app import redis_state
from driftgauge.cli.config_option import ConfigOption
from driftgauge.cli.replay_option import ReplayOption, replayed
from driftgauge.cli.terminal import Terminal
from driftgauge.cli.visible_text import visible
from driftgauge.config import Config
from driftgauge.counted import counted
from driftgauge.durations import format_duration
from driftgauge.errors import ConfigError, InputError, UnavailableError
from driftgauge.records import Source
from driftgauge.runtime.group import members
from driftgauge.runtime.stored_state import StoredState, stored_state
from driftgauge.runtime.topics import admin_client, partition_counts
from driftgauge.timestamps import format_timestamp

_ANSWER_MS = 3_000
_WIDTH = 400

state = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Show or reset what is stored of partitions.")


@state.callback()
def root() -> None:
    """Show or reset what is stored of partitions."""


@state.command(epilog="Example: driftgauge state show -c driftgauge.yaml")
def show(
    config: ConfigOption,
    replay: ReplayOption = None,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show what Redis holds of each partition: position, ages, size, event time reached, and whether it is sound.

    Kafka is asked which of the partitions are still there; without an answer the rest is shown.
    """
    settings = replayed(config_file.load(config, os.environ), replay)
    stored = _stored(settings)
    gone = _gone(settings, [entry.partition for entry in stored])
    if json:
        rows = [_row(entry, None if gone is None else entry.partition not in gone) for entry in stored]
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    _show(stored)
    for entry in sorted(gone or ()):
        way = f"driftgauge state reset {settings.file_option} --topic {entry.topic} --partition {entry.partition}"
        print(visible(f"GONE {entry}: Kafka has no such partition any more; remove what is stored of it: {way}"))


@state.command(
    epilog="Example: driftgauge state reset -c driftgauge.yaml --topic ml.predictions --partition 3",
)
def reset(
    config: ConfigOption,
    topic: Annotated[str | None, typer.Option(help="Only of this topic.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition of it.")] = None,
    replay: ReplayOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even while workers are alive, or Kafka doesn't say whether they are.")
    ] = False,
) -> None:
    """Take stored state away, so that the next worker rebuilds it from the panes topic, whatever the policies say."""
    settings = replayed(config_file.load(config, os.environ), replay)
    if partition is not None and topic is None:
        raise ConfigError("--partition needs --topic")
    stored = [entry.partition for entry in _stored(settings)]
    chosen = _chosen(settings, stored, topic, partition)
    # Nobody will ever take one that isn't there: a mark for the next worker would stay for ever.
    gone = (_gone(settings, chosen) or set()) if force else _gone_of_stopped(settings, chosen)
    for entry in sorted(gone - set(stored)):
        raise InputError(f"Kafka has no {entry}, and nothing is stored of it: there is nothing to reset")
    what = ", ".join(
        f"{entry} (gone from Kafka: removed for good)" if entry in gone else f"{entry}" for entry in chosen
    )
    if not yes and not (sys.stdin.isatty() and typer.confirm(visible(f"Reset the state of {what}?"), err=True)):
        raise ConfigError("nothing was reset; say --yes to do it without being asked")
    store = redis_state(settings, retry_for=_ANSWER_MS)
    for entry in chosen:
        (store.remove if entry in gone else store.reset)(entry)
    print(visible(f"Reset {counted(len(chosen), 'partitions')}: {what}"))


def _stored(config: Config) -> list[StoredState]:
    return [stored_state(seen) for seen in redis_state(config, retry_for=_ANSWER_MS).inspect()]


def _chosen(config: Config, stored: Sequence[Source], topic: str | None, partition: int | None) -> list[Source]:
    if topic is not None and partition is not None:
        chosen = Source(topic, partition)
        if chosen not in stored:
            # Then no policy stands in the way of its beginning.
            _refuse_unknown(config, topic)
        return [chosen]
    found = [entry for entry in stored if topic in (None, entry.topic)]
    if not found:
        of_topic = f" of {topic}" if topic is not None else ""
        raise InputError(f"nothing is stored{of_topic} for group {config.kafka.group_id}; see driftgauge state show")
    return found


def _refuse_unknown(config: Config, topic: str) -> None:
    known = [*(entry.name for entry in config.topics.inputs.values()), config.topics.panes]
    if topic not in known:
        raise ConfigError(f"{topic} is no topic that state is kept of; there are {', '.join(known)}")


def _gone(config: Config, stored: Sequence[Source]) -> set[Source] | None:
    """Which of them Kafka doesn't have any more; None, and a word about it, if it doesn't say."""
    try:
        with admin_client(config, timeout_ms=_ANSWER_MS) as admin:
            return _missing(admin, stored)
    except UnavailableError as error:
        print(visible(f"whether Kafka still has these partitions is not known: {error}"), file=sys.stderr)
        return None


def _missing(admin: Any, partitions: Sequence[Source]) -> set[Source]:
    topics = sorted({entry.topic for entry in partitions})
    counts = partition_counts(admin, topics) if topics else {}
    return {entry for entry in partitions if entry.partition >= counts.get(entry.topic, 0)}


def _gone_of_stopped(config: Config, chosen: Sequence[Source]) -> set[Source]:
    """Those that Kafka doesn't have. InputError while workers are alive."""
    group = config.kafka.group_id
    try:
        with admin_client(config) as admin:
            alive = members(admin, group)
            gone = _missing(admin, chosen)
    except UnavailableError as error:
        raise UnavailableError(f"it can't be known whether workers are alive ({error}); or say --force") from error
    if alive:
        raise InputError(
            f"group {group} has {counted(len(alive), 'members')}, on {', '.join(dict.fromkeys(alive))}: stop the "
            "workers first (one that was killed is gone after kafka.session_timeout), or say --force"
        )
    return gone


def _row(entry: StoredState, exists: bool | None) -> dict[str, Any]:
    return {
        "topic": entry.partition.topic,
        "partition": entry.partition.partition,
        "position": entry.position,
        "topic_id": entry.topic_id or None,
        "sequence": entry.sequence,
        "claimed_ms_ago": entry.claimed,
        "saved_ms_ago": entry.saved,
        "fields": entry.fields,
        "bytes": entry.stored_bytes,
        "watermark": format_timestamp(entry.watermark) if entry.watermark is not None else None,
        "problem": entry.problem,
        "reset": entry.reset,
        "exists": exists,
    }


def _show(stored: Sequence[StoredState]) -> None:
    if not stored:
        print("Nothing is stored.")
        return
    table = Table("partition", "position", "claimed", "saved", "fields", "bytes", "up to", box=None, pad_edge=False)
    for entry in stored:
        table.add_row(
            str(entry.partition),
            "none" if entry.position is None else f"{entry.position:,}",
            _ago(entry.claimed),
            _ago(entry.saved),
            f"{entry.fields:,}",
            f"{entry.stored_bytes:,}",
            format_timestamp(entry.watermark) if entry.watermark is not None else "",
        )
    # Each partition on a line of its own, in a narrow terminal and a pipe too.
    Terminal(width=_WIDTH).print(table)
    for entry in stored:
        if entry.problem is not None:
            print(visible(f"DAMAGED {entry.partition}: {entry.problem}"))
        if entry.reset:
            text = f"RESET {entry.partition}: an operator has taken its state away; the next worker begins anew"
            print(visible(text))


def _ago(age: int | None) -> str:
    return "" if age is None else f"{format_duration(age // 1000 * 1000)} ago"
