# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, on servers and here: nothing that is live changes or all is put back, the error says what there is none
of, and once there is room the next run deploys. CERTFERRY_THOROUGH=1 tries every amount of what is left, else some.
"""

import contextlib

import pytest
from conftest import need
from lab.disks import Disk, why_no_disks
from lab.slots import spread

ENOUGH = 40  # free blocks or inodes for a first deployment with all its copies


@pytest.fixture(scope="module")
def disks(slots):
    """One below each slot's files."""
    need(not why_no_disks(), why_no_disks())
    with contextlib.ExitStack() as stack:
        found = []
        for slot in slots:
            found.append(Disk(slot.dir))
            stack.callback(found[-1].unmount)
        yield found


def meet(slots, disks):
    """A run on disks as they are, what must hold after it, and the next one, with room."""
    with slots.watched():
        run = slots.deploy()
    deployed = slots.check(run)
    for disk in disks:
        disk.make_room()
    slots.recover()
    return [deployed[slot.name] for slot in slots]


def told(entry, *words):
    error = entry["error"]
    assert all(word in error["detail"] for word in words), error
    assert "`certferry deploy` tries again at once" in error["hint"], error
    return True


@pytest.mark.parametrize("state", ["ours", "plain", "empty"])
@pytest.mark.parametrize("what, hint", [("blocks", "make room"), ("inodes", "remove files")])
def test_full(slots, disks, state, what, hint):
    for numbers in slots.rounds(spread(ENOUGH, len(slots))):
        slots.settle(state)
        for disk, number in zip(disks, numbers):
            disk.leave(**{what: number - 1})
        for number, entry in zip(numbers, meet(slots, disks)):
            assert number > 3 or entry["result"] == "failed" and entry["error"]["step"] == "upload", entry
            assert number < ENOUGH or entry["result"] == "deployed", entry
            if entry["result"] != "deployed":
                assert told(entry, "no space left on the file system of") and hint in entry["error"]["hint"], entry
                assert "putting the previous files back failed" not in entry["error"]["detail"], entry


def test_can_only_be_read(slots, disks):
    for state in ("ours", "plain"):
        slots.settle(state)
        for disk in disks:
            disk.read_only()
        for entry in meet(slots, disks):
            assert entry["result"] == "failed" and told(entry, "can only be read"), entry


@pytest.mark.parametrize("state", ["ours", "plain"])
def test_fills_up_before_what_was_there_is_put_back(slots, disks, state):
    slots.settle(state)
    for slot, disk in zip(slots, disks):
        disk.filler.mkdir()
        fill = f"cd {disk.filler}; head -c 2000000 /dev/zero >blocks; i=0; while touch $i; do i=$((i + 1)); done; false"
        slot.changes = {"test_command": fill}
    for entry in meet(slots, disks):
        assert entry["result"] == "rolled_back" and entry["error"]["step"] == "test", entry
        assert "back failed" not in entry["error"]["detail"], entry


# Here.

OWN = "own-disk.ferry.test"


@pytest.fixture
def own_disk(product):
    need(not why_no_disks(), why_no_disks())
    disk = Disk(product.state, megabytes=16, files=256)
    yield disk
    disk.unmount()


@pytest.mark.parametrize("left", [{"blocks": 0}, {"inodes": 0}])
def test_what_was_deployed_cannot_be_noted(lab, product, own_disk, left):
    """It is deployed all the same and the want of room is told; the next run finds it there, and nothing new was begun."""
    server = lab.servers["web-1"]
    server.forget(OWN)
    product.write_config(lab.config([lab.wildcard(f"*.{OWN}", ["web-1"])]))
    server.stop_ssh()
    assert product.run("apply").code == 3
    server.start_ssh()
    own_disk.leave(**left)
    run = product.run("deploy", "--json")
    assert run.deployed(OWN)["web-1"]["result"] == "deployed" and run.code == 0, run
    assert f"{OWN}: web-1" in run.err and "No space left on device" in run.err and "free some space there" in run.err, run
    served = lab.verified("web-1", OWN)

    mark = lab.ca.mark()
    run = product.run("apply", "--force", "--json")
    assert run.code == 1 and "No space left on device" in run.result(OWN)["error"]["detail"], run
    assert "free some space there" in run.result(OWN)["error"]["hint"], run
    assert lab.ca.requests(mark) == [] and lab.served("web-1", OWN) == served, run

    own_disk.make_room()
    run = product.run("deploy", "--json")
    assert run.code == 0 and run.deployed(OWN)["web-1"]["result"] == "unchanged", run
    assert "held" not in product.run("plan").out
    run = product.run("apply", "--force", "--json")
    assert run.code == 0 and run.deployed(OWN)["web-1"]["result"] == "deployed", run
    assert lab.verified("web-1", OWN) != served
