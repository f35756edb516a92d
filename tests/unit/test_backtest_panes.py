"""`backtest` over a part of the time, and over stored panes: told is what the whole told of that part, in seconds."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftgauge import cli
from driftgauge.cli.backtest import files as backtest_files
from driftgauge.errors import ConfigError, DriftgaugeError, InputError
from driftgauge.panes.messages import END_OF_TIME
from driftgauge.sources.profile_file import write_profile
from driftgauge.timestamps import format_timestamp, parse_timestamp
from live import START, loan_events, profile_of

MINUTE = 60_000
EVENTS, BREAK = 9000, 4500  # Half an hour at five a second.


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_profile(profile_of(loan_events(20_000, seed=1)), folder / "profile.json")
    (folder / "events.jsonl").write_bytes(b"\n".join(loan_events(EVENTS, break_at=BREAK)) + b"\n")
    backtest(folder, "whole", "--file", "events.jsonl", "--panes-out", folder / "panes.jsonl")
    return folder


def backtest(folder: Path, out: str, *options: Any, expect: int = 0) -> list[dict[str, Any]]:
    filled = [str(folder / option) if option in ("events.jsonl", "panes.jsonl") else str(option) for option in options]
    if "-c" not in filled:
        filled += ["--profile", str(folder / "profile.json")]
        filled += ["--pane", "1m"] if "--pane" not in filled else []
    code = cli.load("backtest").main([*filled, "--alerts", str(folder / out)], standalone_mode=False)
    assert (code or 0) == expect
    return alerts(folder / out)


def alerts(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def at(minute: float) -> str:
    return format_timestamp(START + int(minute * MINUTE))


def minute_of(alert: dict[str, Any]) -> float:
    return (parse_timestamp(alert["updatedAt"]) - START) / MINUTE


def test_stored_panes_give_the_alerts_that_their_events_gave(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(alerts(made / "whole")) >= 2
    again = backtest(made, "again", "--from-panes", "panes.jsonl", "--json")
    assert again == alerts(made / "whole")
    summary = json.loads(capsys.readouterr().out)
    assert (summary["events"], summary["panes"], summary["warnings"]) == (EVENTS, 30, [])
    assert summary["pane_records"] == len((made / "panes.jsonl").read_bytes().splitlines())


def test_another_budget_judges_the_same_panes_by_other_limits(made: Path) -> None:
    strict = backtest(made, "strict", "--from-panes", "panes.jsonl", "--budget", "0.001")
    anew = backtest(made, "anew", "--file", "events.jsonl", "--budget", "0.001")
    assert [alert["event_id"] for alert in strict] == [alert["event_id"] for alert in anew]
    thresholds = [alert["detail"]["detectors"][0]["threshold"] for alert in (strict[0], alerts(made / "whole")[0])]
    assert thresholds[0] > thresholds[1]


@pytest.mark.parametrize("source", [("--file", "events.jsonl"), ("--from-panes", "panes.jsonl")])
@pytest.mark.parametrize(("start", "end"), [(None, 15.5), (15.5, None), (16, 17), (14, 25), (29, None), (None, 3)])
def test_a_part_of_the_time_tells_what_the_whole_told_of_it(
    made: Path, source: tuple[str, str], start: float | None, end: float | None
) -> None:
    options = [*(("--from", at(start)) if start is not None else ()), *(("--to", at(end)) if end is not None else ())]
    told = backtest(made, "part", *source, *options)
    low, high = start if start is not None else -1, end if end is not None else 99
    assert told == [alert for alert in alerts(made / "whole") if low < minute_of(alert) <= high]


def test_reading_stops_where_the_time_has_passed(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backtest(made, "part", "--file", "events.jsonl", "--to", at(3), "--json")
    summary = json.loads(capsys.readouterr().out)
    assert (summary["panes"], summary["events"]) == (3, 900)
    assert summary["period"] == {"from": at(0), "to": at(3)}


def test_what_opened_before_the_time_is_counted_and_not_told(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest(made, "late", "--from-panes", "panes.jsonl", "--from", at(25)) == []
    text = " ".join(capsys.readouterr().out.split())
    assert "from before the period, of which nothing is told in it" in text
    assert "00:25 to 2026-01-01 00:30 (5 min; 25 min before it were judged" in text


def test_a_short_warm_up_knows_less(made: Path) -> None:
    # Judged from within the fault on, the first thing that is told of it is its opening.
    (first, *_) = backtest(made, "cold", "--from-panes", "panes.jsonl", "--from", at(20), "--warm-up", "0s")
    assert first["event"] == "opened"
    assert minute_of(first) > 20
    warm = backtest(made, "warm", "--from-panes", "panes.jsonl", "--from", at(20), "--warm-up", "1h")
    assert warm == [alert for alert in alerts(made / "whole") if minute_of(alert) > 20]


def test_kept_panes_are_the_same_whatever_the_batches(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = backtest_files.record_batches
    monkeypatch.setattr(backtest_files, "record_batches", lambda *a, **k: whole(*a, **k, size=37))
    backtest(made, "small", "--file", "events.jsonl", "--panes-out", made / "small.jsonl")

    def panes(path: Path) -> list[bytes]:
        return [line for line in path.read_bytes().splitlines() if json.loads(line)["type"] == "pane"]

    assert panes(made / "small.jsonl") == panes(made / "panes.jsonl")


def test_panes_of_another_profile_or_length_are_refused_and_the_way_out_is_named(made: Path, tmp_path: Path) -> None:
    write_profile(profile_of(loan_events(10_000, seed=5)), tmp_path / "profile.json")
    (tmp_path / "panes.jsonl").write_bytes((made / "panes.jsonl").read_bytes())
    with pytest.raises(
        ConfigError, match=r"30 partial panes of loan-approval/7 were counted with profile sha256:.* anew"
    ):
        backtest(tmp_path, "a", "--from-panes", "panes.jsonl")
    with pytest.raises(ConfigError, match=r"in panes of 1m, and this configuration has profile .* in panes of 5m"):
        backtest(made, "a", "--from-panes", "panes.jsonl", "--pane", "5m")
    assert not (made / "a").exists()


def test_panes_of_before_a_change_are_left_out_and_told(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (made / "panes.jsonl").read_text().splitlines()
    changed = [line.replace('"length":60000', '"length":30000') if i < 20 else line for i, line in enumerate(lines)]
    (tmp_path / "panes.jsonl").write_text("\n".join([*changed, '{"type":"pane"', ""]))
    write_profile(profile_of(loan_events(20_000, seed=1)), tmp_path / "profile.json")
    backtest(tmp_path, "a", "--from-panes", "panes.jsonl", "--json")
    unread, left_out = json.loads(capsys.readouterr().out)["warnings"]
    assert unread.startswith("1 record can't be read: a record of the panes topic can't be read")
    assert unread.endswith(f"({tmp_path / 'panes.jsonl'}:{len(changed) + 1})")
    assert "partial panes of loan-approval/7 were counted with profile" in left_out
    assert "in panes of 30s" in left_out


def test_panes_of_before_the_first_profile_are_told_of_as_they_were(made: Path, tmp_path: Path) -> None:
    entry = {"model_id": "loan-approval", "model_version": "7", "profile": str(made / "profile.json")}
    settings = {
        "kafka": {"bootstrap_servers": ["nobody:9092"]},
        "topics": {"predictions": "p"},
        "redis": {"url": "redis://nobody:6379/0"},
        "models": [{**entry, "effective_from": at(10)}],
    }
    (tmp_path / "c.yaml").write_text(json.dumps(settings))
    of_events = backtest(
        made, "scheduled", "-c", tmp_path / "c.yaml", "--file", "events.jsonl", "--panes-out", tmp_path / "panes"
    )
    assert [alert["labels"]["alertname"] for alert in of_events[:2]] == ["BaselineMissing"] * 2
    assert len(of_events) > 2
    assert backtest(made, "again", "-c", tmp_path / "c.yaml", "--from-panes", tmp_path / "panes") == of_events


def test_a_page_that_cannot_be_written_costs_the_page_only(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DriftgaugeError, match=r"--report /dev/full: can't be written"):
        backtest(made, "kept", "--from-panes", "panes.jsonl", "--report", "/dev/full")
    assert "Alerts " in capsys.readouterr().out
    assert alerts(made / "kept") == alerts(made / "whole")


def test_a_part_of_the_time_after_all_there_is_is_said_to_hold_nothing(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(made, "later", "--from-panes", "panes.jsonl", "--from", at(60)) == []
    told = " ".join(capsys.readouterr().out.split())
    assert "Period nothing of it was counted: all there is lies before it, 2026-" in told


def test_a_file_without_panes_is_said_to_be_none(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"events\.jsonl:1: no record of it is one of the panes topic"):
        backtest(made, "a", "--from-panes", "events.jsonl")
    lines = (made / "panes.jsonl").read_text().splitlines()
    (tmp_path / "cut.jsonl").write_text("\n".join(lines[1:]))
    with pytest.raises(InputError, match=r"cut\.jsonl: holds no `sources` record"):
        backtest(made, "a", "--from-panes", tmp_path / "cut.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match=r"empty\.jsonl: is empty"):
        backtest(made, "a", "--from-panes", tmp_path / "empty.jsonl")


def test_panes_of_other_models_alone_are_refused_and_beside_ours_a_note(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = (made / "panes.jsonl").read_text()
    others = tmp_path / "others.jsonl"
    others.write_text(ours.replace('"model_id":"loan-approval"', '"model_id":"churn"'))
    told = "30 partial panes of churn/7 were counted with profile .*, and this configuration has no profile"
    with pytest.raises(ConfigError, match=told):
        backtest(made, "a", "--from-panes", others)
    assert backtest(made, "b", "--from-panes", made / "panes.jsonl", others) == alerts(made / "whole")
    assert "left out: 30 partial panes of churn/7" in " ".join(capsys.readouterr().out.split())


def test_records_that_cannot_be_read_are_named_with_file_and_line(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (made / "panes.jsonl").read_text().splitlines()
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text("\n".join([lines[0], "", *["{"] * 7, *lines[1:]]))
    assert backtest(made, "a", "--from-panes", damaged, "--json") == alerts(made / "whole")
    (told,) = json.loads(capsys.readouterr().out)["warnings"]
    assert told.startswith("7 records can't be read: ")
    assert told.endswith(f"({', '.join(f'{damaged}:{line}' for line in range(3, 8))} and 2 more)")


def _reversed(lines: list[str]) -> list[str]:
    return lines[::-1]


def _shuffled(lines: list[str]) -> list[str]:
    return random.Random(3).sample(lines, len(lines))


def _sorted_by_source(lines: list[str]) -> list[str]:
    """As `jq -s 'sort_by(.time)'` would: watermarks of a source after its last."""
    return sorted(lines, key=lambda line: -json.loads(line).get("time", 0))


def _two_runs(lines: list[str]) -> list[str]:
    """The panes of the next hour after those of this one, of a file of the same name."""
    records = [json.loads(line) for line in lines]
    later = [{**record, "start": record["start"] + 60 * MINUTE} if "start" in record else record for record in records]
    return [*lines, *(json.dumps(record) for record in later)]


def _two_files(lines: list[str]) -> list[str]:
    return [*lines, *(line.replace("events.jsonl", "others.jsonl") for line in lines)]


@pytest.mark.parametrize("change", [_reversed, _shuffled, _sorted_by_source, _two_runs, _two_files])
def test_panes_in_another_order_than_they_were_written_are_no_quiet_time(
    made: Path, tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    changed = tmp_path / "changed.jsonl"
    changed.write_text("\n".join(change((made / "panes.jsonl").read_text().splitlines())))
    with pytest.raises(
        InputError, match=r"changed\.jsonl:\d+: \d+ partial panes? from here on can't be judged: "
    ) as told:
        backtest(made, "disordered", "--from-panes", changed)
    assert "sorted, shuffled, or several logs in one file?" in str(told.value)
    assert not (made / "disordered").exists()


def test_partitions_of_a_panes_topic_in_one_file_are_no_log(made: Path, tmp_path: Path) -> None:
    """Each partition has every watermark, so the panes of the second one come after those of the first."""
    lines = [line for line in (made / "panes.jsonl").read_text().splitlines() if str(END_OF_TIME) not in line]
    head, marks = lines[:1], [line for line in lines if json.loads(line)["type"] == "watermark"]
    dumped = tmp_path / "dumped.jsonl"
    dumped.write_text("\n".join([*head, *marks, *lines]))
    with pytest.raises(InputError, match=r"dumped\.jsonl:\d+: .* can't be judged"):
        backtest(made, "a", "--from-panes", dumped)


def test_what_a_worker_repeats_after_a_crash_is_a_log(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (made / "panes.jsonl").read_text().splitlines()
    repeated = tmp_path / "repeated.jsonl"
    repeated.write_text("\n".join([*lines[:40], *lines[20:], *lines[30:]]))
    assert backtest(made, "a", "--from-panes", repeated, "--json") == alerts(made / "whole")
    assert json.loads(capsys.readouterr().out)["warnings"] == []


def test_a_pane_that_was_counted_only_after_a_crash_is_left_out_as_live_and_told(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (made / "panes.jsonl").read_text().splitlines()
    types = [json.loads(line)["type"] for line in lines]
    first, passed = types.index("pane"), types.index("watermark")
    moved = tmp_path / "moved.jsonl"
    order = [*lines[:first], *lines[first + 1 : passed + 1], lines[first], *lines[passed + 1 :]]
    moved.write_text("\n".join(order))
    backtest(made, "a", "--from-panes", moved, "--json")
    summary = json.loads(capsys.readouterr().out)
    assert summary["panes"] == 29
    (told,) = summary["warnings"]
    assert told.startswith(f"{moved}:{passed + 1}: 1 partial pane from here on can't be judged: watermarks had passed")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "name what to read, --file DATA; topics are named by a configuration"),
        (("--from-panes",), "topics are named by a configuration"),
        (("--from-panes", "panes.jsonl", "--timestamp", "at"), "go with --file DATA, without --from-panes"),
        (("--from-panes", "panes.jsonl", "--panes-out", "x"), "--panes-out keeps what was counted"),
        (("--file", "events.jsonl", "--from-offset", "t/0=5"), "--from-offset is where to begin on input topics"),
        (("--file", "events.jsonl", "--against-live"), "leave out --file"),
        (("--against-live", "--inject", "null:income:0.3@2026-01-01"), "leave out --inject"),
        (("--file", "events.jsonl", "--panes-out", "{made}/refused"), "--panes-out .*: is what --alerts writes, too"),
        (("--file", "events.jsonl", "--report", "{made}/refused"), "--report .*: is what --alerts writes, too"),
        (
            ("--file", "events.jsonl", "--panes-out", "{made}/p", "--report", "{made}/p"),
            "is what --panes-out writes, too",
        ),
        (("--file", "events.jsonl", "--report", "{made}"), "is a folder"),
        (("--file", "events.jsonl", "--report", "{made}/none/r.html"), "none does not exist; make it first"),
        (("--file", "events.jsonl", "--warm-up", "1h"), "goes with --from TIME"),
        (("--file", "events.jsonl", "--from", "soon"), "--from: "),
        (("--file", "events.jsonl", "--from", "2026-01-02", "--to", "2026-01-01"), "is not before --to"),
        (("--file", "events.jsonl", "--from", "2026-01-02", "--warm-up", "long"), "--warm-up: 'long' is no duration"),
    ],
)
def test_options_that_do_not_go_together_are_refused(made: Path, options: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        backtest(made, "refused", *(option.format(made=made) for option in options))
    assert not (made / "refused").exists()


def test_panes_that_never_closed_are_told_of_and_pass_no_gate(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (made / "panes.jsonl").read_bytes().splitlines(keepends=True)
    panes = [number for number, line in enumerate(lines) if line.startswith(b'{"type":"pane"')]
    cut = made / "cut.jsonl"
    # Up to the first pane, before anything says that it is whole.
    cut.write_bytes(b"".join(lines[: panes[0] + 1]))
    with pytest.raises(InputError, match="no pane was judged"):
        backtest(made, "none", "--from-panes", cut, "--json", "--fail-on", "critical")
    summary = json.loads(capsys.readouterr().out)
    assert (summary["period"], summary["panes"]) == (None, 0)
    assert summary["warnings"][-1].startswith("1 pane never closed, since the records end before")
    cut.write_bytes(b"".join(lines[: panes[-1] + 1]))
    backtest(made, "some", "--from-panes", cut, "--json", "--fail-on", "critical", expect=3)
    summary = json.loads(capsys.readouterr().out)
    assert summary["panes"] + 1 == 30
    assert "1 pane never closed" in summary["warnings"][-1]
