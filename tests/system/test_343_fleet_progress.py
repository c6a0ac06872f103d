# SPDX-License-Identifier: Apache-2.0
"""Fifty servers, or twenty: a person can follow the run on a terminal, and the summary names what needs doing, each cause once."""

import json
import re

import pytest

from lab.fleet import Fleet
from lab.terminal import watch

SERVERS = 3
CERT = "many.ferry.test"


@pytest.fixture
def fifty(lab):
    yield from fleet_of(lab, 50)


@pytest.fixture
def thirty_four(lab):
    yield from fleet_of(lab, 34)


@pytest.fixture
def twenty(lab):
    yield from fleet_of(lab, 20)


def fleet_of(lab, count):
    fleet = Fleet(lab, count)
    yield fleet
    fleet.stop()


def configure(lab, product, fleet, **more):
    product.write_config(lab.config([fleet.domain(f"*.{CERT}", **more)], servers=fleet.entries))


def test_live_lines_fit_the_screen_and_are_gone_at_the_end(lab, product, fifty):
    configure(lab, product, fifty)
    frames, most = [], 0

    def on_frame(screen, resize):
        nonlocal most
        frames.append(screen.text)
        most = max(most, sum(" -> node-" in row and row.endswith(" ...") for row in screen.rows))

    screen, code = watch(product, "apply", columns=80, lines=24, on_frame=on_frame)
    assert code == 0, screen.text
    assert 2 <= most <= 10, "ten at a time"
    counts = [int(count) for frame in frames for count in re.findall(r"(\d+)/50 servers done, 0 failed, \d+ running", frame)]
    assert counts and max(counts) >= 40 and counts == sorted(counts), counts
    seen = "\n".join(screen.scrolled) + screen.text
    assert " ..." not in seen and "servers done" not in seen, f"live lines are left\n{seen}"
    assert seen.count("node-") < 30, f"fifty that are well need no line each\n{seen}"
    assert "deployed" in seen and "50 servers (node-001, node-002" in seen, seen


def test_a_low_and_narrow_screen_and_one_that_changes(lab, product, twenty):
    configure(lab, product, twenty)
    sizes = [(40, 8), (120, 30), (60, 6)]

    def on_frame(screen, resize):
        if sizes and "servers done" in screen.text:
            resize(*sizes.pop())

    screen, code = watch(product, "apply", columns=44, lines=7, on_frame=on_frame)
    assert code == 0 and not sizes, screen.text
    assert "deployed" in screen.text, screen.text


def test_the_summary_names_each_cause_once(lab, product, twenty):
    for name in ("node-007", "node-009", "node-019"):
        twenty.kill(name)
    for name in ("node-012", "node-020"):
        twenty.break_test(name)
    configure(lab, product, twenty)
    run = product.run("apply")
    assert run.code == 3, run
    errors = [line for line in run.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2, run
    dead = next(line for line in errors if "connect" in line)
    assert "3 servers (node-007, node-009, node-019)" in dead and CERT in dead, run
    broken = next(line for line in errors if ": test: " in line)
    assert "2 servers (node-012, node-020)" in broken, run
    assert run.err.count("this node is not well") == 1 and "retry: not before" in run.err, run
    assert re.search(r"deployed +15 servers \(node-001, ", run.out), run
    assert re.search(r"pending: 5 servers \(node-007, node-009, .*; runs after 20\S+Z try again", run.out), run
    # Without a terminal each server has its plain line.
    assert run.err.count("deployed") >= 15 and "-> node-012: rolled back: " in run.err, run
    listed = product.run("server", "list", "node-012").out
    assert "rolled back" in listed and "rolled_back" not in listed, listed

    run = product.run("apply")
    assert run.code == 3, run
    assert len([line for line in run.err.splitlines() if line.startswith("error: ")]) == 2, run
    assert re.search(r"held back +5 servers", run.out) and "3 servers (node-007, node-009, node-019)" in run.err, run

    run = product.run("apply", "--json")
    results = run.deployed(CERT)
    assert len(results) == 20 and all(entry["error"] is None for entry in results.values() if entry["result"] == "unchanged")


def test_a_stopped_rollout_is_told_in_one_breath(lab, product, twenty):
    twenty.break_test("node-001")
    configure(lab, product, twenty, rollout={"canary": 1, "parallel": 10, "max_failures": 0})
    run = product.run("apply")
    assert run.code == 3, run
    errors = [line for line in run.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2, run
    assert "19 servers (node-002, " in run.err and "the rollout stopped when node-001 failed" in run.err, run
    assert run.err.count("not tried") == 1, f"nineteen that were left alone need no line each\n{run}"
    assert re.search(r"not tried +19 servers", run.out) and "pending: 20 servers" in run.out, run
    assert all(twenty.holds(name, CERT) == b"" for name in twenty.names)

    # Mended, the next run goes on by itself.
    twenty.mend("node-001")
    path = product.state / f"renewal/{CERT}.json"
    record = json.loads(path.read_text())
    for entry in record["servers"]:
        entry.pop("retry_at", None)
    path.write_text(json.dumps(record))
    run = product.run("apply")
    assert run.code == 0, run
    assert all(twenty.holds(name, CERT) for name in twenty.names)


def test_more_than_ten_at_a_time_where_that_is_asked_for(lab, product, twenty):
    """No server is done before twelve are being deployed to."""
    meeting = lab.dir / "meeting"
    meeting.mkdir()
    wait = f"touch {meeting}/$$; for i in $(seq 300); do test $(ls {meeting} | wc -l) -ge 12 && exit 0; sleep 0.1; done; exit 1"
    for entry in twenty.entries.values():
        entry["test_command"] = wait
    configure(lab, product, twenty, rollout={"parallel": 12, "max_failures": 19})
    run = product.run("apply")
    assert run.code == 0, run


def test_a_tenth_that_hangs_costs_the_others_nothing(lab, product, twenty):
    """Two hang, and two at a time may be deployed to: the others have it while these are still waited for."""
    for name in ("node-001", "node-002"):
        twenty.hang(name, timeout=110)
    configure(lab, product, twenty, rollout={"parallel": 2})

    def follow():
        process, told = product.start("apply", together=True), []
        for line in process.stdout:
            found = re.search(r"-> (node-\d+): (deployed|failed)", line)
            if found:
                told.append((found.group(1), found.group(2)))
            if len(told) == 18:
                twenty.stop()  # what hangs breaks off
        assert process.wait() == 3
        return told

    told = follow()
    assert [result for _, result in told] == ["deployed"] * 18 + ["failed"] * 2, told

    # Known by then, they have their turn last.
    product.make_due(CERT)
    told = follow()
    assert {name for name, result in told if result == "failed"} == {"node-001", "node-002"}, told
    assert all(result == "deployed" for _, result in told[:17]), told


def test_more_that_hang_than_are_waited_for_beside_the_others(lab, product, thirty_four):
    """Twenty-two of them: two keep places of twelve, and ten are left for the others."""
    fleet = thirty_four
    for name in fleet.names[:22]:
        fleet.hang(name, timeout=110)
    for name in fleet.names[22:]:
        fleet.entries[name]["test_command"] = "sleep 4"
    configure(lab, product, fleet, rollout={"parallel": 12, "max_failures": 33})
    process, told = product.start("apply", together=True), []
    for line in process.stdout:
        found = re.search(r"-> (node-\d+): (deployed|failed)", line)
        if found:
            told.append(found.group(2))
        if len(told) == 12:
            fleet.stop()
    assert process.wait() == 3
    assert told == ["deployed"] * 12 + ["failed"] * 22, told
