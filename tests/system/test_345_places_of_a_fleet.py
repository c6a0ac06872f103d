# SPDX-License-Identifier: Apache-2.0
"""Servers that keep us waiting give their places to others, however they hang; and before anything is changed on one of them
it takes a place again, so that no more than `parallel` change at once, and none beside a canary.
"""

import json
import re
import threading

import pytest

from lab.fleet import Fleet

SERVERS = 3
CERT = "places.ferry.test"
ENDED = re.compile(r"-> (node-\d+): \x1b?\S*(deployed|failed)")


@pytest.fixture
def fleet(lab):
    fleet = Fleet(lab, 12)
    yield fleet
    fleet.stop()


def configure(lab, product, fleet, **rollout):
    product.write_config(lab.config([fleet.domain(f"*.{CERT}", rollout=rollout)], servers=fleet.entries))


def test_however_they_hang(lab, product, fleet):
    """Six hang, two at a time may be deployed to: the other six have it while all of these are still waited for."""
    fleet.black_hole("node-001", timeout=110)
    fleet.hang("node-003", timeout=110)
    relays = {}
    # After the greetings, within the key exchange, while logging in, and in SFTP.
    for name, packets in (("node-005", 2), ("node-007", 6), ("node-009", 12), ("node-011", 24)):
        relays[name] = fleet.relay(name, timeout=110)
        relays[name].plan(at=packets, do="silence")
    configure(lab, product, fleet, parallel=2, max_failures=11)
    process, ended, steps = product.start("apply", "-v", together=True), [], {}
    for line in process.stdout:
        if found := ENDED.search(line):
            ended.append(found.groups())
        elif found := re.search(r"-> (node-\d+): (\w+)$", line.rstrip()):
            steps[found.group(1)] = found.group(2)
        if len(ended) == 6:
            fleet.stop()  # what hangs breaks off
    assert process.wait() == 3, ended
    assert [result for _, result in ended] == ["deployed"] * 6 + ["failed"] * 6, ended
    assert all(relay.reached for relay in relays.values())
    assert steps["node-009"] == "connect" and steps["node-011"] == "compare", steps


def test_one_that_wakes_up_waits_for_a_place(lab, product, fleet):
    """node-001 answers when node-002 is being changed, and one at a time may be: it waits until node-002 has ended. That is
    long, and it is connected to anew."""
    relay = fleet.relay("node-001", timeout=110)
    relay.gate.clear()
    meeting, go_on = fleet.homes["node-001"] / "meeting", fleet.homes["node-002"] / "go-on"
    for name in ("node-001", "node-002"):
        fleet.entries[name]["test_command"] = (
            f"mkdir {meeting} || exit 1; echo $$ > {fleet.homes[name]}/testing; "
            f"while test {name} = node-002 && ! test -e {go_on}; do sleep 0.1; done; rmdir {meeting}"
        )
    for name in fleet.names[2:]:
        del fleet.entries[name]
    fleet.names = fleet.names[:2]
    configure(lab, product, fleet, parallel=1, max_failures=1)
    process, told = product.start("apply", "-v", together=True), []
    for line in process.stdout:
        told.append(line)
        if "-> node-002: test" in line:
            relay.gate.set()
        if "-> node-001: wait" in line:
            threading.Timer(11, go_on.touch).start()
    assert process.wait() == 0 and relay.connections == 2, "".join(told)


def test_a_slow_server_changes_nothing_beside_a_canary_that_fails(lab, product, fleet):
    """node-001 was to be the canary and answers late, when node-002 is it: that one fails, and node-001 is left alone."""
    relay = fleet.relay("node-001", timeout=110)
    relay.gate.clear()
    go_on = fleet.homes["node-002"] / "go-on"
    fleet.entries["node-002"]["test_command"] = f"while ! test -e {go_on}; do sleep 0.1; done; echo not well; exit 1"
    configure(lab, product, fleet, canary=1, parallel=3, max_failures=0)
    process, told = product.start("apply", "-v", "--json"), []
    for line in process.stderr:
        told.append(line)
        if "-> node-002: test" in line:
            relay.gate.set()
        if "-> node-001: wait" in line:
            go_on.touch()
    report = json.loads(process.stdout.read())
    assert process.wait() == 3, "".join(told)
    results = {entry["server"]: entry for entry in report["results"][0]["deployed"]}
    assert results["node-002"]["result"] == "rolled_back", results
    assert {entry["error"]["step"] for name, entry in results.items() if name != "node-002"} == {"rollout"}, results
    assert all(not (fleet.homes[name] / "live").exists() for name in fleet.names if name != "node-002")

    # It was not tried: nothing is held against it.
    record = json.loads((product.state / f"renewal/{CERT}.json").read_text())
    first = next(entry for entry in record["servers"] if entry["name"] == "node-001")
    assert not {"failures", "retry_at", "last_try"} & set(first), first
