"""A deployment to be disturbed: two models, topics and keys of its own, an endless load, and a verdict at any time."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from kafka.errors import KafkaError

from driftgauge.config_file import load_with_profiles
from driftgauge.errors import UnavailableError
from driftgauge.profiles.profile import Profile
from driftgauge.records import Source
from driftgauge.sources.profile_file import read_profile, write_profile
from driftgauge.state.redis import RedisState
from fault.flow import Flow
from fault.load import MODELS, loan_stream
from fault.log import Log
from fault.program import DRIFTGAUGE_RUN, Program, end, owned
from fault.recompute import Recomputation
from fault.verdict import Outcome, Verdict, judge
from live import PATIENCE_S, Live, Worker, profile_of, wait


def profiles(events: int = 20_000) -> dict[str, Profile]:
    """Of the load while nothing is broken."""
    good = list(itertools.islice(loan_stream(seed=1, every_ms=20), events))
    return {model_id: profile_of(good, model_id) for model_id in MODELS}


class Deployment(Live):
    """Live, with a load that goes on where it stopped and a verdict by recomputation from the log."""

    def __init__(self, kafka, redis_server, folder: Path, models: dict[str, Profile], /, **overrides) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for model_id, profile in models.items():
            write_profile(profile, folder / f"{model_id}.json")
        named = [{"model_id": m, "model_version": "7", "profile": f"{m}.json"} for m in models]
        quick = {"resolve_after_panes": 3, "confirm_horizon_panes": 10}
        super().__init__(kafka, redis_server, folder, models[MODELS[0]], models=named, alerts=quick, **overrides)
        self.load = loan_stream()
        self.recomputed: Recomputation | None = None
        # The load, and those who judge, come to Kafka and Redis on a way of their own, where there is one.
        self._servers = getattr(kafka, "direct", kafka.bootstrap)
        self.log = Log(self._servers)
        loaded = load_with_profiles(self.config, os.environ, read_profile)
        self.settings, self.profiles = loaded.config, loaded.profiles
        self.store = RedisState(
            getattr(redis_server, "direct", redis_server.url),
            namespace=self.settings.redis.namespace,
            group=self.settings.kafka.group_id,
        )

    def start(self, program: Sequence[str] = DRIFTGAUGE_RUN) -> Worker:
        """Another worker."""
        self.workers.append(Program(self.config, self.folder / f"worker-{len(self.workers)}.log", program))
        return self.workers[-1]

    def next(self, count: int) -> list[bytes]:
        """The next events of the load."""
        return list(itertools.islice(self.load, count))

    def send(self, count: int) -> None:
        """The next events of the load, over the partitions in turn."""
        self.produce(self.next(count))

    def flowing(self, rate: int = 1500) -> Flow:
        """The load in the background, for as long as a `with` lasts."""
        return Flow(self._servers, self.topics["predictions"], self.partitions, self.load, rate)

    def stop_in_turn(self, workers: Sequence[Worker]) -> list[int]:
        """SIGTERM, one after the other; their exit codes.

        Whoever is left takes the partitions over, which says so on the panes topic, and has to read that too: so nobody
        ends before that is done, and the last one hands over to nobody.
        """
        codes = []
        for i, worker in enumerate(workers, start=1):
            codes.append(end(worker))
            if left := workers[i:]:
                everything = {*self.inputs, *self.panes}
                wait(lambda left=left: set().union(*map(owned, left)), everything.__eq__, left)
                self.wait_until_caught_up()
        return codes

    @property
    def inputs(self) -> list[Source]:
        """All input partitions."""
        return [Source(self.topics["predictions"], i) for i in range(self.partitions)]

    @property
    def panes(self) -> list[Source]:
        """All partitions of the panes topic."""
        return [Source(self.topics["panes"], i) for i in range(self.settings.panes.partitions)]

    def positions(self, sources: Iterable[Source]) -> dict[Source, int]:
        """What the checkpoints in Redis say; nothing is claimed, so that no worker notices."""
        keys = {source: self.store._keys(source)[0] for source in sources}
        found = {
            source: self.store._try(lambda key=key: self.store._redis.hget(key, "pos")) for source, key in keys.items()
        }
        return {source: int(position) for source, position in found.items() if position is not None}

    def ends(self, sources: Iterable[Source]) -> dict[Source, int]:
        """The end of each partition's log now."""
        counts = {self.topics["predictions"]: self.partitions, self.topics["panes"]: self.settings.panes.partitions}
        wanted = list(sources)
        found = {topic: self.log.ends(topic, counts[topic]) for topic in {source.topic for source in wanted}}
        return {source: found[source.topic][source.partition] for source in wanted}

    def caught_up(self) -> bool:
        """Whether the checkpoints are at the ends: first of the inputs, then of what these have been turned into."""
        try:
            return all(self.positions(part) == self.ends(part) for part in (self.inputs, self.panes))
        except (KafkaError, OSError, UnavailableError):
            return False

    def wait_for_panes(self) -> None:
        """Until workers have taken the partitions and published."""
        wait(lambda: sum(self.positions(self.panes).values()), lambda read: read > 20, self.workers)

    def wait_until_owned(self, worker: Worker) -> None:
        """Until it has all partitions."""
        wait(lambda: owned(worker), {*self.inputs, *self.panes}.__eq__, [worker])

    def wait_until_read(self, sources: Iterable[Source]) -> None:
        """Until each has been read from."""
        wanted = list(sources)
        wait(lambda: self.positions(wanted), lambda at: len(at) == len(wanted) and min(at.values()) > 0)

    def wait_until_caught_up(self) -> None:
        """AssertionError with the ends of the workers' logs if it takes longer. Workers may end: others may go on."""
        try:
            wait(self.caught_up, bool)
        except AssertionError as error:
            tails = "\n".join(worker.log.read_text()[-1500:] for worker in self.workers[-4:])
            at, ends = (look([*self.inputs, *self.panes]) for look in (self.positions, self.ends))
            raise AssertionError(f"not caught up within {PATIENCE_S:.0f} s: {at}, ends {ends}\n{tails}") from error

    def outcome(self, *, running: bool = False) -> Outcome:
        """What is there now. When no worker runs, the checkpoints are claimed, and read with all that is in them."""
        sources = [] if running else [*self.inputs, *self.panes]
        return Outcome(
            panes=self.log.kept(self.topics["panes"], self.settings.panes.partitions),
            alerts=self.log.kept(self.topics["alerts"], 1),
            letters=self.log.kept(self.topics["dead_letters"], 1),
            checkpoints={source: self.store.claim(source)[1] for source in sources},
            ends=self.ends(sources),
        )

    def verdict(self, *, running: bool = False, judged: Literal["recomputed", "panes topic"] = "recomputed") -> Verdict:
        """Recompute and compare, once all has been caught up with. `running`: checkpoints are left to the workers.

        `judged`: which panes the alerts are recomputed from. The panes topic where sources were added: from which pane
        on these count depends on when the workers saw them.
        """
        outcome = self.outcome(running=running)
        decisions = outcome.decisions()
        if self.recomputed is None or self.recomputed.decisions != decisions:
            self.recomputed = Recomputation(self.settings, self.profiles, self.inputs, decisions)
        positions = self.recomputed.positions
        inputs = {source: self.log.read(*source, positions[source]) for source in self.inputs}
        panes = {source: self.log.read(*source) for source in self.panes} if judged == "panes topic" else None
        self.recomputed.advance(inputs, panes)
        return judge(self.recomputed.meaning, outcome)

    def stop(self) -> None:
        super().stop()
        self.log.close()
        self.store.close()
