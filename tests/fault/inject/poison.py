"""Records on an input topic that are no events, or hardly."""

from __future__ import annotations

import json
from random import Random

from kafka import KafkaProducer

from fault.scene import Scene


def poison(rng: Random) -> list[bytes | None]:
    """One of each kind. Some are dead letters, some are events with bad fields, one is counted for a stranger."""
    event = {"event_type": "prediction", "model_id": "loan-approval", "model_version": "7", "features": {}}
    return [
        b"\xff\xfe\x00",
        b"",
        None,
        b"[1, 2]",
        b"[" * 20_000,
        b'{"timestamp": 5}',
        b'{"model_id": "loan-approval", "timestamp": "soon"}',
        json.dumps(event | {"timestamp": 1 << 60}).encode(),
        json.dumps(event | {"timestamp": 0, "features": {"income": "1e999"}}).encode(),
        json.dumps(event | {"timestamp": 0, "filler": "x" * 900_000}).encode(),
        b'{"model_id": "loan-approval", "timestamp": 0, "features": {"income": NaN, "income": 1' + b"0" * 400 + b"}}",
        json.dumps(event | {"model_id": f"stranger-{rng.randrange(3)}", "timestamp": 0}).encode(),
    ]


def inject(scene: Scene, rng: Random) -> None:
    """Somewhere among the load, each on a partition that chance chooses."""
    producer = KafkaProducer(bootstrap_servers=scene.line.kafka.bootstrap)
    for value in poison(rng):
        partition = rng.randrange(scene.line.partitions)
        producer.send(scene.line.topics["predictions"], value, key=b"poison", partition=partition)
    producer.flush()
    producer.close()
