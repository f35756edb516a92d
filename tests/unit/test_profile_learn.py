"""A profile from events: the same as from the rows they were made of, thinned the same every time, judged as ingest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from driftgauge.errors import InputError
from driftgauge.profiles.build import build_profile
from driftgauge.profiles.profile import Profile
from driftgauge.records import RecordBatch, Source
from driftgauge.sources.canonical import record_batches
from driftgauge.sources.columns import Columns
from driftgauge.sources.event_log import EventChoice, EventTopic
from driftgauge.sources.reference_events import LearnedReference, read_events
from driftgauge.sources.reference_file import read_reference
from driftgauge.sources.reference_kinds import Choices
from driftgauge.sources.tables import open_tables
from driftgauge.sources.thinning import Thinning
from driftgauge.subject import Subject

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SUBJECT = Subject("loan-approval", "8")
BOTH = {"predictions": EventTopic("prediction", None, features=True, prediction=True)}


class Log:
    """Records in memory: values by source."""

    def __init__(self, values: dict[Source, list[bytes]], size: int = 100) -> None:
        self._values, self._size = values, size
        self.spans = {source: (0, len(of)) for source, of in values.items()}

    def batches(self, spans, progress) -> Iterator[RecordBatch]:
        for source, (first, end) in spans.items():
            for start in range(first, end, self._size):
                part = self._values[source][start : min(start + self._size, end)]
                yield RecordBatch(source, range(start, start + len(part)), [0] * len(part), part)
        progress(1.0)


def event(i: int, **fields) -> bytes:
    known = {"model_id": "loan-approval", "model_version": 8, "timestamp": START + 1000 * i}
    return json.dumps(known | {"features": {"age": i % 50}, "prediction": "yes" if i % 3 else "no"} | fields).encode()


def learn(values, topics=BOTH, *, limit: int = 10_000, columns=None, choices=None, size: int = 100, **choice):
    if isinstance(values, list):
        values = {Source("predictions", 0): values}
    chosen = EventChoice(SUBJECT, **({"lone": True, "out_of_orderness": 30_000, "max_bytes": 10_000} | choice))
    return read_events(
        Log(values, size), topics, chosen, limit=limit, columns=columns or Columns(), choices=choices or Choices()
    )


def built(learned: LearnedReference) -> Profile:
    return build_profile(learned.reference, model_id="loan-approval", model_version="8").profile


def notes(learned: LearnedReference) -> str:
    return "\n".join(note.text for note in learned.notes)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """2,000 rows of numbers, texts, codes and blanks, with an output, a score and the truth."""
    rng = np.random.default_rng(5)
    lines = ["at,age,job,grade,ok,said,score,truth"]
    for i in range(2000):
        job = ("", "clerk", "nurse", "driver")[rng.choice(4, p=(0.1, 0.5, 0.3, 0.1))]
        score = rng.random()
        row = (START + 7001 * i, f"{rng.normal(40, 9):.2f}", job, i % 5, ("true", "false")[i % 2])
        said, truth = ("yes" if score > cutoff else "no" for cutoff in (0.5, 0.4))
        lines.append(",".join(map(str, (*row, said, f"{score:.3f}", truth))))
    path = tmp_path / "train.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "outputs",
    [
        {"prediction": "said", "actual": "truth", "exclude": ("score",)},
        {"prediction": "said", "score": "score", "actual": "truth"},
        {"score": "score", "actual": "truth", "exclude": ("said",)},
        {"prediction": "score", "exclude": ("said", "truth")},
        {"exclude": ("said", "truth", "score")},
    ],
    ids=["label", "both", "score", "number", "none"],
)
@pytest.mark.parametrize("size", [64, 5000])
def test_it_is_the_profile_of_the_rows_that_the_events_were_made_of(table, outputs, size):
    columns = Columns(timestamp="at", **outputs)
    reference, _ = read_reference([table], columns, Choices())
    expected = build_profile(reference, model_id="loan-approval", model_version="8").profile
    values: dict[Source, list[bytes]] = {Source("predictions", i): [] for i in range(3)}
    (rows,) = open_tables([table], columns, kinds=None)
    for batch in record_batches(rows, columns, model_id="loan-approval", model_version="8"):
        for i, value in enumerate(batch.values):
            values[Source("predictions", i * i % 3)].append(value or b"")
    learned = learn(values, size=size)
    found = built(learned)
    assert learned.events == 2000
    assert found.reference.files == ["predictions"]
    assert found == expected.model_copy(
        update={"reference": expected.reference.model_copy(update={"files": ["predictions"]})}
    )
    assert found.features["age"].noise["location"].panes > 8


def test_of_too_many_events_the_same_ones_spread_over_all_are_taken():
    values = {Source("predictions", i): [event(2 * j + i) for j in range(5000)] for i in range(2)}
    learned = learn(values, limit=1000)
    assert (learned.events, len(learned.reference.times)) == (10_000, 1000)
    assert "of 10,000 events 1,000 were taken, spread over all of them" in notes(learned)
    per_tenth, _ = np.histogram(learned.reference.times, bins=10, range=(START, START + 10_000_000))
    assert per_tenth.min() > 60
    again = learn(values, limit=1000, size=7)
    assert (again.reference.times == learned.reference.times).all()
    # Those taken of fewer are among those taken of more.
    assert set(learn(values, limit=100).reference.times) < set(learned.reference.times)


def test_thinning_keeps_exactly_as_many_as_it_may():
    thinning = Thinning(50)
    source = Source("t", 0)
    for offset in range(49):
        thinning.see(source, offset)
    assert thinning.kept() == {source: set(range(49))}
    for offset in range(49, 5000):
        thinning.see(source, offset)
    kept = thinning.kept()[source]
    assert len(kept) == 50
    assert min(kept) < 1000
    assert max(kept) > 4000


def test_times_bound_what_is_taken_and_other_models_are_not():
    log = [event(i) for i in range(100)]
    log += [event(i, model_version="7") for i in range(50)] + [event(i, model_id="churn") for i in range(20)]
    learned = learn(log, start=START + 10_000, end=START + 60_000)
    assert learned.events == 50
    assert (learned.reference.times[0], learned.reference.times[-1]) == (START + 10_000, START + 59_000)


def test_events_that_name_no_version_are_of_the_only_one():
    log = [event(i, model_version=None) for i in range(50)]
    assert learn(log).events == 50
    with pytest.raises(InputError, match="no event of loan-approval version 8"):
        learn(log, lone=False)


def test_where_there_is_nothing_it_says_what_there_is():
    log = [event(i, model_version=7) for i in range(50)] + [event(i, model_id="churn") for i in range(20)]
    with pytest.raises(InputError) as caught:
        learn(log, start=START)
    assert str(caught.value) == (
        "predictions: no event of loan-approval version 8 from 2026-01-01T00:00:00Z that holds features or a "
        "prediction; there are events of loan-approval/7 (50), churn/8 (20)"
    )
    with pytest.raises(InputError, match="look at kafka"):
        learn([])


def test_what_is_no_event_or_has_a_broken_clock_is_left_out_and_told():
    good = [event(i) for i in range(200)]
    broken = [b"no json", b"[]", b'{"features": {}}', event(5, timestamp="soon"), event(5, timestamp=4_000_000_000)]
    learned = learn([*good[:100], *broken, b"x" * 20_000, *good[100:]], size=30)
    assert learned.events == 200
    assert learned.reference.times.max() == START + 199_000
    assert "5 records left out, no event" in notes(learned)
    assert "1 event left out, far ahead in time of all around" in notes(learned)


def test_label_events_are_no_rows():
    assert learn([*(event(i) for i in range(50)), event(1, event_type="label", actual="yes")]).events == 50


def test_each_part_of_partial_events_is_made_from_those_that_have_it():
    log = []
    for i in range(300):
        whole = json.loads(event(i))
        log.append(json.dumps({k: v for k, v in whole.items() if k != "prediction"}).encode())
        log.append(json.dumps({k: v for k, v in whole.items() if k != "features"}).encode())
    learned = learn(log)
    found, whole = built(learned), built(learn([event(i) for i in range(300)]))
    assert found.features["age"].counts == whole.features["age"].counts
    assert found.prediction.label.counts == whole.prediction.label.counts
    assert found.features == whole.features
    assert found.prediction == whole.prediction
    assert "300 of 600 events have a part features" in notes(learned)


def test_features_and_predictions_may_come_on_topics_of_their_own():
    topics = {
        "predictions": EventTopic("prediction", None, features=False, prediction=True),
        "features": EventTopic("features", "loan-approval", features=True, prediction=False),
    }
    asked = [json.dumps({"timestamp": START + 1000 * i, "features": {"age": i}}).encode() for i in range(100)]
    answers = [event(i, features={"age": 999}) for i in range(100)]
    learned = learn({Source("predictions", 0): answers, Source("features", 0): asked}, topics)
    found = built(learned)
    assert found.reference.files == ["features", "predictions"]
    assert found.features["age"].maximum == 99
    assert sum(found.features["age"].counts) == 100
    assert sum(found.prediction.label.counts) == 100


def test_a_bare_number_beside_scores_in_objects_is_a_score():
    log = [event(i, prediction=i / 100 if i % 2 else {"score": i / 100}) for i in range(100)]
    found = built(learn(log))
    assert found.prediction.scalar == "score"
    assert found.prediction.label is None
    assert sum(found.prediction.score.counts) == 100


def test_features_can_be_chosen_and_their_kinds_forced():
    log = [event(i, features={"age": i % 50, "grade": i % 4, "id": f"r{i}"}) for i in range(200)]
    learned = learn(log, columns=Columns(exclude=("id",)), choices=Choices(categorical=("grade",)))
    assert list(learned.reference.features) == ["age", "grade"]
    assert built(learned).features["grade"].categories == [0, 1, 2, 3]
    with pytest.raises(InputError, match=r"no column 'agee' \(--exclude\); did you mean 'age'\?"):
        learn(log, columns=Columns(exclude=("agee",)))
    with pytest.raises(InputError, match="--categorical grad: no such feature column"):
        learn(log, choices=Choices(categorical=("grad",)))


def test_events_without_features_can_not_be_learned_from():
    with pytest.raises(InputError, match=r"there are 20 events of the model, none of them with features; models\[\]"):
        learn([event(i, features=None) for i in range(20)])
    with pytest.raises(InputError, match="every feature column is empty"):
        built(learn([event(i, features={"age": None}) for i in range(20)]))
    with pytest.raises(InputError, match="column 'age' holds nested values; flatten it or --exclude age"):
        learn([event(i, features={"age": [1]}) for i in range(20)])
