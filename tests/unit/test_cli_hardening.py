"""What a command must survive on the command line: it loses no file, and says in one line what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driftgauge import cli
from driftgauge.errors import ConfigError

ROWS = "at,age,job\n" + "".join(
    f"2026-03-{i // 24 + 1:02d}T{i % 24:02d}:00:00Z,{20 + i * 7 % 50},{'ab'[i % 2]}\n" for i in range(240)
)
CONFIG = """\
kafka: {bootstrap_servers: [localhost:9092]}
topics: {predictions: ml.predictions}
models: [{model_id: loan, model_version: "7", profile: p.json}]
"""


def run(*words: str | Path) -> int:
    command, *rest = map(str, words)
    return cli.load(command).main(rest, standalone_mode=False) or 0


def build(*words: str | Path, model: str = "loan", version: str = "7") -> int:
    return run("profile", "build", "--model-id", model, "--model-version", version, *words)


def backtest(*words: str | Path) -> int:
    return run("backtest", "--profile", "p.json", *words)


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Path:
    monkeypatch.chdir(tmp_path)
    file = Path("live.csv")
    file.write_text(ROWS)
    build(file, "--timestamp", "at", "--out", "p.json")
    capsys.readouterr()
    return file


@pytest.mark.parametrize("out", ["live.csv", "../{here}/live.csv", "link.csv", "p.json", "c.yaml"])
def test_alerts_never_replace_a_file_that_the_backtest_reads(out: str, table: Path, tmp_path: Path) -> None:
    Path("link.csv").symlink_to(table)
    Path("c.yaml").write_text(CONFIG)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    out = out.format(here=tmp_path.name)
    for model in (("--profile", "p.json"), ("-c", "c.yaml")):
        if out == "c.yaml" and "-c" not in model:
            continue
        for data in (table, "*.csv"):
            with pytest.raises(ConfigError, match="is read by this very command"):
                run("backtest", *model, "--file", data, "--timestamp", "at", "--alerts", out)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_profile_never_replaces_its_reference(table: Path) -> None:
    for data in (table, "."):
        with pytest.raises(ConfigError, match="--out live.csv: is read by this very command") as caught:
            build(data, "--timestamp", "at", "--out", "./live.csv")
        assert caught.value.exit_code == 2
    assert table.read_text() == ROWS
