"""The `driftgauge` command: sub-commands are imported when they are called, so that `--help` is there at once.

Only this package prints and exits. Errors raised on purpose become one `error: …` on stderr and their exit code
(contract: 1 failed while running, 2 usage, configuration or input wrong); anything else is a bug and says so.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from driftgauge import __version__
from driftgauge.cli.visible_text import visible
from driftgauge.errors import DriftgaugeError


class _Entry(NamedTuple):
    """A sub-command: its module in this package, and the first line of its help.

    The module has either a function `command`, with an example of its use in `EXAMPLE`, or a typer app that is named as
    the sub-command, for those with sub-commands of their own.
    """

    module: str
    help: str


COMMANDS = {
    "profile": _Entry("profile", "Build, learn, show and compare profiles."),
    "demo": _Entry("demo", "Watch a loan model break without an error: a story of 20 seconds, no service needed."),
    "backtest": _Entry(
        "backtest.command", "Run the engine over files, topics or stored panes: see which alerts there would be."
    ),
    "score": _Entry("score", "Score alerts against labelled incidents: what was found, missed and told in vain."),
    "inject": _Entry("inject", "Write a file again with faults in it: would they have been seen?"),
    "check": _Entry("check", "Validate a configuration and print the resolved plan."),
    "topics": _Entry("topics", "Create the configured Kafka topics."),
    "produce": _Entry("produce", "Put the rows of files on the configured topic."),
    "run": _Entry("run", "Watch the configured topics: the worker."),
    "state": _Entry("state", "Show or reset what is stored of partitions."),
    "schema": _Entry("schema", "The published schemas of what goes in and out."),
}


# What a standard output says that takes no more: a full disk, a full quota, a broken device.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class _LazyGroup(TyperGroup):
    """Lists the commands from the table above and imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.add_command(TyperCommand(name, help=entry.help, rich_markup_mode=None))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, listed, rest = super().resolve_command(ctx, args)
        return (name, load(name), rest) if name is not None else (name, listed, rest)


app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Example: driftgauge demo",
)


def load(name: str) -> Any:
    """The command object of a sub-command."""
    module = import_module(f"driftgauge.cli.{COMMANDS[name].module}")
    sub_app = getattr(module, name, None)
    if isinstance(sub_app, typer.Typer):
        group = get_group(sub_app)
        group.name = name
        return group
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    single.command(name, epilog=f"Example: {module.EXAMPLE}")(module.command)
    return get_command(single)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"driftgauge {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Streaming drift monitoring for machine-learning models in production."""


def main() -> None:
    """Entry point; always ends with SystemExit."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows a few question marks rather than nothing at all.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        try:
            get_command(app).main(prog_name="driftgauge")
        finally:
            # While what goes wrong with it can still be said; at the interpreter's end it would be a traceback.
            if sys.stdout is not None:
                sys.stdout.flush()
    except DriftgaugeError as error:
        print(f"error: {visible(str(error))}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        _drop_output()
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in _NO_ROOM or error.filename is not None:
            _report_bug()
        else:
            print(f"error: the output can't be written: {error.strerror}", file=sys.stderr)
            _drop_output()
        raise SystemExit(1) from None
    except Exception:  # noqa: BLE001 (the last stop: whatever it is, the user gets one clear line after it)
        _report_bug()
        raise SystemExit(1) from None


def _report_bug() -> None:
    print(visible(traceback.format_exc()), end="", file=sys.stderr)
    print("error: this is a bug in driftgauge; please report it with the lines above", file=sys.stderr)


def _drop_output() -> None:
    """Let what is still buffered go nowhere, so that the interpreter's end doesn't fail over it once more."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (open to the end)
