"""Coverage-guided fuzzing of what reads untrusted bytes, with atheris, which is not part of the locked tools.

    python -m venv --system-site-packages /tmp/fuzz && /tmp/fuzz/bin/pip install atheris
    PYTHONPATH=worker:tests:$(.venv/bin/python -c 'import site; print(site.getsitepackages()[0])') \\
        /tmp/fuzz/bin/python tests/fuzz/coverage_guided.py decode -max_total_time=60

Targets: decode, panes, yaml, ingest, detect. What is found is written to a file `crash-…`, which takes the place of
`-max_total_time` to try it again. Then it becomes an example of a law in tests/laws.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["driftgauge"]):
    from driftgauge.config_yaml import parse
    from driftgauge.decode.decoder import Decoder, _refuse
    from driftgauge.errors import StateError
    from driftgauge.panes.codec import decode_message, encode_message

from decoding import loan, model, numeric, outcome
from full_tasks import Stored, stored_tasks

MODELS = [loan(), model("loan", "8", {'a"b\\': numeric(), "plain": numeric()})]
EVENT = (
    b'{"model_id":"loan","model_version":"7","timestamp":"2026-03-15T10:03:00Z","tags":{"land":"de"},'
    b'"features":{"job":"cook","income":1.5,"grade":2,"owner":true},"prediction":{"label":"yes","score":0.5}}'
)


def decode() -> tuple[Callable[[bytes], None], list[bytes]]:
    """Every record is an event or a reject, and the same on both ways of reading it."""
    quick, lenient = Decoder(MODELS), Decoder(MODELS)
    lenient._decodes = [_refuse] * len(MODELS)

    def one(data: bytes) -> None:
        assert outcome(quick, MODELS, data) == outcome(lenient, MODELS, data)

    return one, [EVENT]


def panes() -> tuple[Callable[[bytes], None], list[bytes]]:
    """A message that can be read can be written."""
    of = stored_tasks()["detect"]
    layouts = of.make()._layouts  # type: ignore[attr-defined]

    def one(data: bytes) -> None:
        try:
            message = decode_message(data, layouts)
        except StateError:
            return
        assert encode_message(message, layouts)

    return one, [value for value in of.next.values[:20] if value]


def yaml() -> tuple[Callable[[bytes], None], list[bytes]]:
    """Everything wrong is a problem with a place."""
    return lambda data: parse(data.decode("utf-8", "replace")) and None, [b"a: {b: [1, 2.5, true, null]}\nc: &x d\n"]


def ingest() -> tuple[Callable[[bytes], None], list[bytes]]:
    """The state of an input partition is refused or works."""
    return _state(stored_tasks()["ingest"], "ingest")


def detect() -> tuple[Callable[[bytes], None], list[bytes]]:
    """The same of the open alerts of a model."""
    of = stored_tasks()["detect"]
    return _state(of, next(name for name in of.fields if name.endswith("episodes")))


def _state(of: Stored, name: str) -> tuple[Callable[[bytes], None], list[bytes]]:
    def one(data: bytes) -> None:
        task = of.make()
        try:
            task.restore({**of.fields, name: data})
        except StateError:
            return
        task.process(of.next)
        task.changes()

    return one, [of.fields[name]]


TARGETS = {target.__name__: target for target in (decode, panes, yaml, ingest, detect)}

if __name__ == "__main__":
    chosen, begun_with = TARGETS[sys.argv.pop(1)]()
    # Valid bytes to begin with: from nothing it would take long to find any.
    seeds = Path(mkdtemp(prefix="seeds-"))
    for i, seed in enumerate(begun_with):
        (seeds / str(i)).write_bytes(seed)
    atheris.Setup([*sys.argv, str(seeds)], chosen)
    atheris.Fuzz()
