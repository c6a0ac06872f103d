# SPDX-License-Identifier: Apache-2.0
"""The couriers, the run that started them, or both are killed or told to end while ten servers are each held at another
point of the transaction: in an SFTP request, in a command, in its roll-back. A reader sees a matching pair at every
instant, nothing of ours lives on, what is said is true, and the next run puts everything in order.
CERTFERRY_THOROUGH=1 tries each request.
"""

import os
import signal

import pytest
from lab.hostile import dangerous
from lab.processes import descendants, signal_all
from lab.product import Run
from lab.slots import spread
from lab.wait import until

HOLD = "echo >> {go}/held; until [ -e {go}/go ]; do sleep 0.05; done; "
FAIL = {"test_command": "tail -n 1 {go}/log > {go}/tested; exit 1"}
# Where a command is what holds a server.
COMMANDS = [
    {"test_command": HOLD + "{slot.nginx.test_command}"},
    {"reload_command": HOLD + "{slot.nginx.reload_command}"},
    {"reload_command": "if [ -e {go}/once ]; then " + HOLD + "exit; fi; touch {go}/once; exit 1"},  # after its roll-back
]
VERIFY = {"reload_command": "echo >> {go}/held"}  # without effect: what it was to bring is looked for in vain


def alive(pids):
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def change(slot, changes):
    slot.changes = {key: value.format(slot=slot, go=slot.control) for key, value in changes.items()}


@pytest.fixture(scope="module")
def points(slots):
    """What a slot is held by: (changes of its server, the plan of its SFTP server or None)."""
    last = slots.clean_run("ours")
    slots.settle("ours")
    for slot in slots:
        change(slot, FAIL)
    run = slots.deploy()
    assert {entry["result"] for entry in slots.check(run).values()} == {"rolled_back"}, run
    slot = slots.slots[0]
    tested = int((slot.control / "tested").read_text().split()[0])
    undone = slot.requests()[-1][0]
    assert tested + 3 < undone, (tested, undone)
    held = [({}, {"at": number, "do": "hold"}) for number in spread(last, 4)]
    held += [(FAIL, {"at": tested + number, "do": "hold"}) for number in spread(undone - tested, 2)]
    return held + [(changes, None) for changes in COMMANDS]


def begin(slots, some, state="ours"):
    """A run of which each slot is held at one of the points SOME, and its couriers."""
    slots.settle(state)
    for slot, (changes, plan) in zip(slots, some):
        change(slot, changes)
        if plan:
            slot.plan(**plan)
    process = slots.start(*(arg for slot, _ in zip(slots, some) for arg in ("--to", slot.name)), timeout=120)
    for slot, point in zip(slots, some):
        until((slot.control / "held").exists, f"{slot.name} is held at {point}")
    return process, descendants(process.pid)


def release(slots):
    for slot in slots:
        (slot.control / "go").touch()


def look(slots):
    """As far as is known there is the one or the other, on each of them, and it is served."""
    for slot in slots:
        allowed = {slot.before, slots.new}
        live, combined = slot.look()
        assert live in allowed and combined in allowed, (slot.name, live, combined)
        if slot.state != "empty":
            assert slot.served(allowed) in allowed, slot.name
        slot.check_secrets()


def finish(slots, process, some):
    """The end of a run that was not killed: slot -> its result, which must be true."""
    out, err = process.communicate(timeout=120)
    assert not dangerous(out + err), out + err
    run = Run(process.args, process.returncode, out, err, 0)
    deployed = run.deployed(slots.cert)
    for slot, _ in zip(slots, some):
        slot.check(deployed[slot.name], slots.new)
    return run, deployed


def test_couriers_are_killed(slots, points):
    for some in slots.rounds([*points, (VERIFY, None)]):
        with slots.watched():
            process, couriers = begin(slots, some)
            assert len(couriers) == len(some)
            signal_all(couriers, signal.SIGKILL)
            run, deployed = finish(slots, process, some)
            release(slots)
        assert run.code == 1, run
        for slot, point in zip(slots, some):
            entry = deployed[slot.name]
            assert entry["result"] == "failed" and "courier process was ended by signal 9" in entry["error"]["detail"], (point, entry)
            assert slot.name in run.err and entry["error"]["hint"], (point, entry)
        look(slots)
        slots.recover()


@pytest.mark.parametrize("whom", ["the run", "all"])
def test_the_run_is_killed(slots, points, whom):
    for some in slots.rounds([*points, (VERIFY, None)]):
        with slots.watched():
            process, couriers = begin(slots, some)
            signal_all([process.pid, *(couriers if whom == "all" else [])], signal.SIGKILL)
            process.communicate()
            until(lambda: not alive(couriers), "no courier outlives the run")
            look(slots)
            release(slots)
        slots.check_no_sessions()
        look(slots)
        slots.recover()


def test_couriers_are_told_to_end(slots, points):
    """What a courier has begun it ends; who stops it is the run that started it."""
    for some in slots.rounds(points):
        with slots.watched():
            process, couriers = begin(slots, some)
            signal_all(couriers, signal.SIGTERM)
            release(slots)
            run, deployed = finish(slots, process, some)
        assert run.code == 3, run
        for slot, (changes, _) in zip(slots, some):
            want = "deployed" if changes in ({}, *COMMANDS[:2]) else "rolled_back"
            assert deployed[slot.name]["result"] == want, (changes, deployed[slot.name])
        slots.recover()


def test_all_are_told_to_end(slots, points):
    """As systemd does it: whatever has changed what is live goes on to its end, or back."""
    for some in slots.rounds(points):
        with slots.watched():
            process, couriers = begin(slots, some)
            signal_all([process.pid, *couriers], signal.SIGTERM)
            until(lambda: len(alive(couriers)) < len(couriers), "those that have changed nothing are ended")
            release(slots)
            run, deployed = finish(slots, process, some)
        assert run.code == 130, run
        assert {deployed[slot.name]["result"] for slot, _ in zip(slots, some)} >= {"rolled_back", "failed"}, run
        for slot, (changes, plan) in zip(slots, some):
            assert plan or deployed[slot.name]["result"] != "failed", (changes, deployed[slot.name])
        look(slots)
        slots.recover()


@pytest.mark.parametrize("whom", ["couriers", "the run"])
def test_before_sftp_has_begun(slots, whom):
    slots.settle("ours")
    greeting = slots.control / "greeting.json"
    greeting.write_text('{"at": 0, "do": "hold"}')
    (slots.control / "held").unlink(missing_ok=True)
    (slots.control / "go").unlink(missing_ok=True)
    try:
        process = slots.start(timeout=120)
        until(lambda: (slots.control / "held").exists() and (slots.control / "held").stat().st_size == len(slots), "all are connecting")
        couriers = descendants(process.pid)
        signal_all(couriers if whom == "couriers" else [process.pid], signal.SIGKILL)
        if whom == "couriers":
            run, deployed = finish(slots, process, slots.slots)
            assert {entry["error"]["step"] for entry in deployed.values()} == {"connect"}, run
        process.communicate()
        until(lambda: not alive(couriers), "no courier outlives the run")
    finally:
        greeting.unlink()
        (slots.control / "go").touch()
    slots.check_no_sessions()
    look(slots)
    assert all(slot.look() == (slot.before, slot.before) for slot in slots)
