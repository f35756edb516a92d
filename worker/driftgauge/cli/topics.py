"""`driftgauge topics create`: makes the configured topics that are missing, reports how existing ones differ."""

from __future__ import annotations

import os
from typing import Annotated

import orjson
import typer
from rich.table import Table

from driftgauge import config_file
from driftgauge.cli.config_option import ConfigOption
from driftgauge.cli.replay_option import ReplayOption, replayed
from driftgauge.cli.terminal import Terminal
from driftgauge.config import Config
from driftgauge.runtime.topics import (
    BROKER_DEFAULT,
    TopicResult,
    admin_client,
    create_topics,
    refuse_other_panes_count,
    topic_plans,
)

topics = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Create the configured Kafka topics.")


@topics.callback()
def root() -> None:
    """Create the configured Kafka topics."""


@topics.command(epilog="Example: driftgauge topics create -c driftgauge.yaml --partitions 8 --replication 3")
def create(
    config: ConfigOption,
    partitions: Annotated[int | None, typer.Option(min=1, help="Of new input topics, else as the broker does.")] = None,
    replication: Annotated[int | None, typer.Option(min=1, help="Of new topics, else as the broker does.")] = None,
    replay: ReplayOption = None,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Create the topics that are missing. What exists is left alone, differences are reported."""
    settings = replayed(config_file.load(config, os.environ), replay)
    with admin_client(settings) as admin:
        plans = topic_plans(settings, input_partitions=partitions or BROKER_DEFAULT)
        results = create_topics(admin, plans, replication=replication or BROKER_DEFAULT)
    if json:
        print(orjson.dumps([_row(result) for result in results], option=orjson.OPT_INDENT_2).decode())
    else:
        _show(results)
    _refuse_panes(settings, results)


def _refuse_panes(settings: Config, results: list[TopicResult]) -> None:
    for result in results:
        if result.plan.purpose == "panes":
            refuse_other_panes_count(settings, result.partitions)


def _row(result: TopicResult) -> dict[str, object]:
    return {
        "topic": result.plan.name,
        "purpose": result.plan.purpose,
        "created": result.created,
        "partitions": result.partitions,
        "differences": list(result.differences),
    }


def _show(results: list[TopicResult]) -> None:
    table = Table("topic", "for", "partitions", "", box=None, pad_edge=False)
    for result in results:
        state = "created" if result.created else "; ".join(["exists", *result.differences])
        table.add_row(result.plan.name, result.plan.purpose.replace("_", " "), str(result.partitions), state)
    Terminal().print(table)
