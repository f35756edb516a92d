"""Input logs that change under the workers: records gone before they were read, partitions that weren't there."""

from __future__ import annotations

from fault.inject.partitions import add_partitions
from fault.inject.retention import delete_records
from fault.recompute import Place, Recomputation
from fault.verdict import panes_of

MINUTE = 60_000


def test_records_deleted_unread_are_told_of_and_nothing_else_is_lost(deploy):
    line = deploy()
    line.send(6000)
    worker = line.start()
    line.wait_until_caught_up()
    worker.kill()
    read = line.ends(line.inputs)
    assert line.verdict().right
    line.send(3000)
    left = line.ends(line.inputs)
    delete_records(line, left)
    line.send(9000)
    worker = line.start()
    line.wait_until_caught_up()
    assert worker.terminate() == 0
    told = {(e["topic"], e["partition"]): (e["lost_from"], e["lost_to"]) for e in worker.events("recovery")}
    assert told == {source: (read[source], left[source] - 1) for source in line.inputs}
    # Before the gap nothing has changed; what lies wholly behind it is what the records behind it give.
    before = line.recomputed.meaning.panes
    after = Recomputation(line.settings, line.profiles, line.inputs, {})
    after.advance({source: line.log.read(*source) for source in line.inputs})
    found = panes_of(line.log.kept(line.topics["panes"], 2))
    assert {place: found[place] for place in before} == before
    cut = {source: min(p.start for p in after.meaning.panes if p.source == source) for source in line.inputs}

    def whole(panes: dict[Place, bytes]) -> dict[Place, bytes]:
        return {place: pane for place, pane in panes.items() if place.start > cut[place.source]}

    assert whole(found) == whole(after.meaning.panes)
    assert len(whole(found)) > 150


def test_added_partitions_are_read_from_their_first_record(deploy):
    line = deploy(kafka={"metadata_max_age": "1s"})
    with line.flowing():
        workers = [line.start() for _ in range(2)]
        line.wait_for_panes()
    line.wait_until_caught_up()
    add_partitions(line, 5)
    with line.flowing():
        line.wait_until_read(line.inputs)
    line.wait_until_caught_up()
    assert line.stop_in_turn(workers) == [0, 0]
    verdict = line.verdict(judged="panes topic")
    assert verdict.right, verdict
    assert line.positions(line.inputs) == line.ends(line.inputs)
