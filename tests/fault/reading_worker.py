"""`driftgauge run` that tells, as lines of its log, which offsets it takes: reading_worker.py -c FILE."""

from __future__ import annotations

import json
import sys
from typing import Any

from driftgauge.cli import main
from driftgauge.records import RecordBatch
from driftgauge.runtime.tasks import DetectTask, IngestTask


def tell(task: type[IngestTask | DetectTask]) -> None:
    """Put the telling around `process`."""
    process = task.process

    def processed(self: Any, batch: RecordBatch) -> Any:
        topic, partition = batch.source
        line = {"event": "read", "topic": topic, "partition": partition, "offsets": list(batch.offsets)}
        sys.stderr.write(json.dumps(line) + "\n")
        return process(self, batch)

    task.process = processed  # type: ignore[method-assign]


if __name__ == "__main__":
    tell(IngestTask)
    tell(DetectTask)
    sys.argv = ["driftgauge", "run", *sys.argv[1:]]
    main()
