"""`profile build|show|diff`: what a person sees, what a script gets, and what goes wrong in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from driftgauge.cli.profile import profile
from driftgauge.errors import ConfigError, InputError
from driftgauge.sources.profile_file import read_profile

GOLDEN = Path(__file__).parent.parent / "golden" / "profile_summary.txt"


def _row(i):
    job = "" if i % 10 == 3 else ("clerk", "nurse", "driver")[i * i % 7 % 3]
    signal = i * 7 % 50
    said, truth = ("yes" if signal > cutoff else "no" for cutoff in (20, 25))
    return f"2026-03-{i // 24 + 1:02d}T{i % 24:02d}:00:00Z,{20 + signal},{job},{i % 5},{said},{signal / 50},{truth}\n"


ROWS = "".join(map(_row, range(240)))
HEADER = "at,age,job,grade,said,score,truth\n"
COLUMNS = ["--timestamp", "at", "--prediction", "said", "--score", "score", "--actual", "truth"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("train.csv").write_text(HEADER + ROWS)
    return Path("train.csv")


def run(*words):
    result = CliRunner().invoke(profile, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def build(table, *words, out="p.json"):
    return run("build", table, "--model-id", "loan", "--model-version", "7", *COLUMNS, "--out", out, *words)


def test_the_summary_is_the_one_on_record(table):
    shown = build(table).stdout
    # The hash holds the last bits of logarithms, which differ between processors.
    lines = ["sha256:…" if line.startswith("sha256:") else line.rstrip() for line in shown.splitlines()]
    assert "\n".join(lines) + "\n" == GOLDEN.read_text(encoding="utf-8")
    assert "\x1b" not in shown


def test_json_on_stdout_is_the_file(table):
    result = build(table, "--json")
    assert result.stdout == Path("p.json").read_text()
    assert run("show", "p.json", "--json").stdout == result.stdout
    assert json.loads(result.stdout)["hash"] == read_profile(Path("p.json")).content_hash
    assert result.stderr == ""


def test_show_is_the_summary_again(table):
    built = build(table).stdout
    assert built.startswith(run("show", "p.json").stdout)


def test_a_folder_gets_a_name_from_model_version_and_hash(table, tmp_path):
    build(table, out=tmp_path)
    (found,) = tmp_path.glob("loan-7-*.json")
    build(table, out="not/there/yet/")
    assert (tmp_path / "not/there/yet" / found.name).read_bytes() == found.read_bytes()
    assert found.stem.removeprefix("loan-7-") == read_profile(found).content_hash.removeprefix("sha256:")[:12]


def test_categories_can_be_forced_either_way(table):
    build(table, "--categorical", "grade")
    assert read_profile(Path("p.json")).features["grade"].categories == [0, 1, 2, 3, 4]
    table.write_text(HEADER + ROWS + "2026-03-30T00:00:00Z,unknown,clerk,1,no,0,no\n")
    shown = build(table).stdout
    assert "\"age\" is taken as text: 1 of 241 cells are no numbers, e.g. 'unknown'; --numeric age" in shown
    build(table, "--numeric", "age")
    field = read_profile(Path("p.json")).features["age"]
    assert field.counts[field.bins :] == [0, 1, 0, 0]


def test_only_the_first_rows_can_be_taken(table):
    build(table, "--rows", 100)
    assert read_profile(Path("p.json")).reference.rows == 100


def test_diff_tells_what_changed_and_nothing_else(table):
    build(table, out="a.json")
    assert run("diff", "a.json", "a.json").stdout == "no difference\n"
    build(table, "--exclude", "age", "--categorical", "grade", out="b.json")
    changes = json.loads(run("diff", "a.json", "b.json", "--json").stdout)
    assert changes == [
        {"field": "age", "what": "field", "before": "numeric", "after": "absent"},
        {"field": "grade", "what": "type", "before": "numeric", "after": "integer"},
    ]
    assert "age" in run("diff", "a.json", "b.json").stdout


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--categorical", "age,none"], InputError, "--categorical none: no such feature column"),
        (["--categorical", "score"], InputError, "holds fractions"),
        (["--numeric", "job"], InputError, "--numeric job: the column holds no number"),
        (["--numeric", "age", "--categorical", "age"], InputError, "both name age"),
        (["--exclude", ","], ConfigError, "--exclude: names no column"),
        (["--start", "soon"], ConfigError, "--start: 'soon' is no time"),
        (["--interval", "1 fortnight"], ConfigError, "--interval: '1 fortnight' is no duration"),
    ],
)
def test_choices_that_do_not_fit_are_refused(table, words, error, message):
    with pytest.raises(error) as caught:
        build(table, *words)
    assert message in str(caught.value)


def test_events_are_no_reference(table):
    Path("e.jsonl").write_text('{"event_type": "prediction", "features": {}}\n')
    with pytest.raises(InputError, match="holds events"):
        build("e.jsonl")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"model_version": "7"', '"model_version": "8"'), "was changed after it was built"),
        (lambda text: text.replace('"rows": 240', '"rows": "many"'), "reference.rows: "),
        (lambda text: text.replace('"hash"', '"hush"'), "it has no hash"),
        (lambda _: "[", "not JSON"),
    ],
)
def test_a_changed_profile_is_refused(table, change, message):
    build(table)
    path = Path("p.json")
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError) as caught:
        run("show", path)
    assert message in str(caught.value)


def test_files_that_cannot_be_read_or_written_are_named(table):
    with pytest.raises(InputError, match=r"none\.json: can't be read"):
        run("show", "none.json")
    Path("file").write_text("")
    with pytest.raises(InputError, match="can't be written"):
        build(table, out="file/p.json")


@pytest.mark.parametrize("command", ["build", "show", "diff"])
def test_help_has_an_example(command):
    assert f"Example: driftgauge profile {command}" in " ".join(run(command, "--help").stdout.split())
