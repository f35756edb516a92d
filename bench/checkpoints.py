"""Time of a checkpoint of the detect stage: what changes with a pane, encoded and written to a real Redis.

With a persistent Redis (AOF, everysec), on the same cores. `others` is the longest that another client waited for an
answer meanwhile: what a script keeps Redis from everybody else.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import redis

from bench.detection import model_of_features, panes_of
from driftgauge.engine.detect import stage_of
from driftgauge.engine.model import Model
from driftgauge.panes.messages import Message, PartialPane, Sources, Watermark
from driftgauge.records import Source
from driftgauge.runtime.owned import Owned
from driftgauge.runtime.tasks import DetectTask
from driftgauge.state.redis import RedisState

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from services import programs
from services.redis import LocalRedis

AIM_MS = 20.0
FEATURES = (50, 500)
_WARM_UP, _SAVES = 400, 120
_INPUT, _PANES = Source("bench", 0), Source("panes", 0)
_PERSISTENT = ("--appendonly", "yes", "--appendfsync", "everysec")


def missing_services() -> str | None:
    """What is not on this machine, or None."""
    return None if programs.redis_server() else "redis-server"


def rows() -> list[dict[str, Any]]:
    """Figures per number of features: milliseconds to encode and to write, bytes, restore."""
    program = programs.redis_server()
    if program is None:
        raise RuntimeError("look at missing_services first")
    with tempfile.TemporaryDirectory(prefix="driftgauge-bench-") as folder:
        server = LocalRedis(Path(folder), program, *_PERSISTENT)
        try:
            server.start()
            return [_measured(server, features) for features in FEATURES]
        finally:
            server.stop()


def table(measured: Sequence[dict[str, Any]]) -> str:
    """As text, with a verdict on the larger one."""
    lines = ["\ncheckpoint: detect stage, after every pane, all default detectors; Redis with AOF everysec"]
    for row in measured:
        lines.append(
            f"  {row['features']:4} features  encode {row['encode_p50_ms']:.1f}, write p50 {row['write_p50_ms']:.1f}"
            f" p99 {row['write_p99_ms']:.1f} ms; {row['bytes'] / 1000:,.0f} kB in {row['fields']} fields; others waited"
            f" {row['others_ms']:.1f} ms"
        )
        lines.append(
            f"  {'':4}           all {row['whole_bytes'] / 1e6:.1f} MB at once {row['whole_ms']:.0f} ms, others waited "
            f"{row['whole_others_ms']:.1f} ms; restored in {row['restore_ms']:.0f} ms"
        )
    cost = measured[-1]["encode_p50_ms"] + measured[-1]["write_p50_ms"]
    lines.append(
        f"  aim {AIM_MS:.0f} ms for {measured[-1]['features']} features  {'pass' if cost < AIM_MS else 'BELOW'}"
    )
    return "\n".join(lines)


def _measured(server: LocalRedis, features: int) -> dict[str, Any]:
    model = model_of_features(features)
    store = RedisState(server.url, namespace="bench", group=str(features))
    task = _task(model)
    messages = _messages(model)
    for _ in range(_WARM_UP):
        task.stage.process(next(messages))
    claim, _ = store.claim(_PANES)
    whole, _ = task.changes()
    with _Other(server.url) as whole_others:
        began = time.perf_counter()
        store.begin(claim, 0, whole)
        whole_ms = 1000 * (time.perf_counter() - began)
    owned = Owned.of(task, claim, whole, 0)
    encode, write, sizes = [], [], []
    with _Other(server.url) as others:
        for position in range(1, _SAVES + 1):
            task.stage.process(next(messages))
            began = time.perf_counter()
            task.start_at(position, cut=False)
            owned.collect()
            collected = time.perf_counter()
            store.save(claim, position, owned.changed, owned.deleted)
            write.append(1000 * (time.perf_counter() - collected))
            encode.append(1000 * (collected - began))
            sizes.append((sum(map(len, owned.changed.values())), len(owned.changed)))
            owned.settle(position)
    began = time.perf_counter()
    _, checkpoint = store.claim(_PANES)
    if checkpoint is None:
        raise RuntimeError("what was saved is gone")
    _task(model).restore(checkpoint.fields)
    return {
        "scenario": "checkpoint",
        "features": features,
        "series": len(model.contrasts.series),
        "encode_p50_ms": _quantile(encode, 0.5),
        "write_p50_ms": _quantile(write, 0.5),
        "write_p99_ms": _quantile(write, 0.99),
        "others_ms": others.longest_ms,
        "bytes": sorted(sizes)[len(sizes) // 2][0],
        "fields": sorted(sizes)[len(sizes) // 2][1],
        "whole_bytes": sum(map(len, whole.values())),
        "whole_ms": whole_ms,
        "whole_others_ms": whole_others.longest_ms,
        "restore_ms": 1000 * (time.perf_counter() - began),
    }


class _Other:
    """Another client that asks all the time while this is open, and the longest it waited for an answer (ms)."""

    def __init__(self, url: str) -> None:
        self.longest_ms = 0.0
        self._client = redis.Redis.from_url(url)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._client.ping()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()

    def _ask(self) -> None:
        while not self._over.wait(0.001):
            began = time.perf_counter()
            self._client.ping()
            self.longest_ms = max(self.longest_ms, 1000 * (time.perf_counter() - began))


def _task(model: Model) -> DetectTask:
    stage = stage_of([model])

    def never(_: Any) -> Any:
        raise NotImplementedError("alerts are not measured here")

    return DetectTask(_PANES, stage, {model.layout.profile_hash: model.layout}, "alerts", never, 1_000_000)


def _messages(model: Model) -> Iterator[list[Message]]:
    yield [Sources((_INPUT,))]
    for pane in panes_of(model):
        partial = PartialPane(
            pane.subject, pane.profile, pane.start, pane.length, _INPUT, pane.counts, pane.events, 0, 0
        )
        yield [partial, Watermark(_INPUT, pane.end, 0, 0, 0)]


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]
