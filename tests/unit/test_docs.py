"""README and docs: what they show runs and says what is shown, what they list is what there is, links lead somewhere.

A console block after `<!-- run -->` is executed, a block after `<!-- file: NAME -->` is written first, all in one
folder. `…` on a line of its own stands for lines left out, `[exit N]` for the exit code; other lines come in order.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, get_args

import click
import numpy as np
import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from driftgauge.cli import COMMANDS, load
from driftgauge.config import Config, TopicConfig
from driftgauge.decode.columns import RejectCode
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.events.binary import BinaryOnEvents
from driftgauge.detect.types import DetectorContext

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARKED = re.compile(r"^<!-- (run|file: (\S+)) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
RUNNING = [name for name, page in zip(NAMES, PAGES, strict=True) if "<!-- run -->" in page.read_text()]


def write_decisions(path: Path, *, start: datetime, rows: int, seed: int, null_from: int | None = None) -> None:
    """The README's files: a row every 12 s, the job missing in 1 %, and in all from row `null_from` on."""
    rng = np.random.default_rng(seed)
    lines = ["at,income,job,decision"]
    for i in range(rows):
        job = ("salaried", "self_employed", "unemployed")[rng.choice(3, p=(0.7, 0.2, 0.1))]
        if rng.random() < 0.01 or (null_from is not None and i >= null_from):
            job = ""
        approved = job != "" and rng.random() < 0.8
        at = (start + timedelta(seconds=12 * i)).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append(f"{at},{rng.lognormal(10, 0.5):.2f},{job},{'approved' if approved else 'rejected'}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("docs")
    write_decisions(made / "train.csv", start=datetime(2026, 3, 1, tzinfo=UTC), rows=20_000, seed=1)
    write_decisions(made / "live.csv", start=datetime(2026, 3, 10, tzinfo=UTC), rows=7_200, seed=2, null_from=3_600)
    return made


def run(line: str, folder: Path) -> tuple[int, str]:
    """A line of commands joined by pipes; the last one's exit code and output."""
    programs = {"driftgauge": [sys.executable, "-m", "driftgauge"], "python": [sys.executable]}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DRIFTGAUGE_")}
    env = plain | {"NO_COLOR": "1", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    code, output = 0, b""
    for command in line.split(" | "):
        program, *arguments = shlex.split(command)
        done = subprocess.run(
            [*programs.get(program, [program]), *arguments],
            cwd=folder,
            env=env,
            input=output,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        code, output = done.returncode, done.stdout
    return code, output.decode()


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, *shown = part.splitlines()
        yield line, shown


def leaves(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Path and field of every option. The sections of the three input topics are alike: one of them is listed."""
    for name, field in section.model_fields.items():
        path = f"{prefix}{name}"
        inner = next((part for part in parts(field.annotation) if is_section(part)), None)
        if inner is None or inner is TopicConfig:
            yield path, field
        if inner is not None and path not in {"topics.features", "topics.labels"}:
            listed = "[]" if list in [getattr(part, "__origin__", None) for part in parts(field.annotation)] else ""
            yield from leaves(inner, f"{path}{listed}.")


def parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from parts(argument)


def is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def rows(page: str, columns: int) -> list[list[str]]:
    """Tables of a page with that many columns: cells without backticks."""
    return rows_of((ROOT / page).read_text(), columns)


def rows_of(text: str, columns: int) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if len(row) == columns]


def all_commands() -> list[tuple[str, click.Command]]:
    found = []
    for name in COMMANDS:
        command = load(name)
        subs = getattr(command, "commands", {})
        found += [(f"{name} {sub}", entry) for sub, entry in subs.items()] or [(name, command)]
    return found


@pytest.mark.parametrize("page", RUNNING)
def test_examples_run_and_print_what_is_shown(page, folder):
    for mark, name, text in MARKED.findall((ROOT / page).read_text()):
        if mark != "run":
            (folder / name).write_text(text)
            continue
        for line, shown in commands(text):
            expected = next((int(match[1]) for s in shown if (match := re.fullmatch(r"\[exit (\d)\]", s))), 0)
            code, output = run(line, folder)
            assert code == expected, f"{line}\n{output}"
            rest = iter([printed.rstrip() for printed in output.splitlines()])
            for wanted in shown:
                if wanted != "…" and not wanted.startswith("[exit "):
                    assert any(printed == wanted.rstrip() for printed in rest), f"{line}: {wanted!r} in\n{output}"


def test_pages_have_examples_that_run():
    pages = ["README.md", "docs/backtest.md", "docs/configuration.md", "docs/injection.md", "docs/scoring.md"]
    assert pages == RUNNING


def test_every_option_in_an_example_exists():
    known = {f"driftgauge {name}": {o for p in cmd.params for o in p.opts} for name, cmd in all_commands()}
    seen = 0
    for page in PAGES:
        for block in CONSOLE.findall(page.read_text()):
            for line, _ in commands(block):
                if not line.startswith("driftgauge "):
                    continue
                options = next(options for name, options in known.items() if line.startswith(name))
                used = set(re.findall(r"(?<= )--?[a-z][a-z-]*", line))
                assert used <= options, f"{page.name}: {line}"
                seen += 1
    assert seen > 10


@pytest.mark.parametrize(("name", "command"), all_commands(), ids=[name for name, _ in all_commands()])
def test_a_command_has_an_example_and_a_place_in_the_docs(name, command):
    assert (command.epilog or "").startswith(f"Example: driftgauge {name}")
    assert (
        any(f"driftgauge {name}" in page.read_text() for page in PAGES)
        or f"`{name}`" in (ROOT / "CHANGELOG.md").read_text()
    )


def test_the_configuration_page_lists_every_option_with_its_default():
    documented = {row[0]: row[1] for row in rows("docs/configuration.md", 3)}
    options = dict(leaves(Config))
    assert documented.keys() == options.keys()
    for path, field in options.items():
        text = documented[path]
        if text == "required":
            assert field.is_required(), path
        elif text == "—":
            assert field.default is None, path
        else:
            adapter = TypeAdapter(Annotated[field.annotation, *field.metadata, None])
            assert adapter.validate_python(yaml.safe_load(text), strict=True) == field.default, path


def test_the_configuration_page_lists_every_detector_setting_with_its_default():
    pages, _, events = (ROOT / "docs/configuration.md").read_text().partition("### On single events")
    on_panes, on_events = (
        {(row[0], row[1]): yaml.safe_load(row[2]) for row in rows_of(text, 4) if row[2] != "required"}
        for text in (pages, events)
    )
    binary = [name for name, method in DETECTORS.items() if issubclass(method, BinaryOnEvents)]
    assert on_panes == settings_of({name: {} for name in DETECTORS if name not in binary})
    chosen = {name: {"on": "event"} for name in ("adwin", "page_hinkley")}
    actual = settings_of(chosen | {name: {"series": ["job|missing"]} for name in binary})
    assert {actual.pop((name, "confirm")) for name in (*chosen, *binary)} == {True}
    assert on_events == actual


def settings_of(chosen: dict[str, dict]) -> dict[tuple[str, str], object]:
    """All settings of the detectors and their defaults, but those in `chosen`."""
    context = DetectorContext([], 60_000, 43_200.0, 1.0)
    found = {}
    for name, given in chosen.items():
        for setting, value in DETECTORS[name].build(context, given).resolved.items():
            try:
                DETECTORS[name].build(context, {**given, setting: value})
            except ValueError:
                continue  # Derived from the settings, none itself.
            found[name, setting] = value
    return {key: value for key, value in found.items() if key[1] not in ("on", "series")}


def test_the_events_page_names_every_reason_of_a_dead_letter():
    assert [row[0] for row in rows("docs/events.md", 2) if row[0] in set(RejectCode)] == list(RejectCode)


def test_the_runbook_explains_every_event_of_the_log():
    code = "\n".join(path.read_text() for path in (ROOT / "worker/driftgauge").rglob("*.py"))
    logged = set(re.findall(r"log\.(?:debug|info|warning|error)\(\s*\"(\w+)\"", code))
    logged |= set(re.findall(r"_(?:forget|drop)\(\w+, \"(\w+)\"\)", code))
    assert len(logged) > 8
    runbook = (ROOT / "docs/runbook.md").read_text()
    assert {name for name in logged if f"`{name}`" not in runbook} == set()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_inside_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles], target


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 220
