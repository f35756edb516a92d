"""All faults by name. Each is a function of a scene and a seeded generator, and has ended when it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from fault.inject import (
    broker_crash,
    clock,
    freeze,
    kill,
    leader_crash,
    network,
    poison,
    redis_crash,
    redis_disconnect,
    redis_flush,
    redis_full,
    redis_loading,
    redis_readonly,
    redis_rollback,
    redis_stall,
    roll,
    storm,
)
from fault.scene import Scene

Fault = Callable[[Scene, Random], None]

FAULTS: Mapping[str, Fault] = {
    "worker killed": kill.inject,
    "zombie": freeze.inject,
    "rolling restart": roll.inject,
    "rebalance storm": storm.inject,
    "clock an hour off": clock.inject,
    "poison": poison.inject,
    "broker crash": broker_crash.inject,
    "Redis crash": redis_crash.inject,
    "Redis stall": redis_stall.inject,
    "Redis disconnects": redis_disconnect.inject,
    "Redis flushed": redis_flush.inject,
    "Redis rolled back": redis_rollback.inject,
    "Redis out of memory": redis_full.inject,
    "Redis read-only": redis_readonly.inject,
    "Redis loading": redis_loading.inject,
    "network to Kafka slow": lambda scene, rng: network.slow(scene.kafka.proxies, rng),
    "network to Kafka a black hole": lambda scene, rng: network.black_hole(scene.kafka.proxies, rng),
    "network to Kafka cut": lambda scene, rng: network.cut(scene.kafka.proxies, rng),
    "network to Redis slow": lambda scene, rng: network.slow([scene.redis.proxy], rng),
    "network to Redis a black hole": lambda scene, rng: network.black_hole([scene.redis.proxy], rng),
    "network to Redis cut": lambda scene, rng: network.cut([scene.redis.proxy], rng),
}
# These want several brokers.
CLUSTER_FAULTS: Mapping[str, Fault] = {"leader crash": leader_crash.inject}
# These come on top of others too.
WORKER_FAULTS = ("worker killed", "zombie")
