# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, on servers and here: nothing that is live changes or all is put back, the error says what there is none
of, and once there is room the next run deploys. CERTFERRY_THOROUGH=1 tries every amount of what is left, else some.
"""

import contextlib

import pytest
from conftest import need
from lab.disks import Disk, why_no_disks
from lab.slots import spread


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
    for numbers in slots.rounds(spread(24, len(slots))):
        slots.settle(state)
        for disk, number in zip(disks, numbers):
            disk.leave(**{what: number - 1})
        for number, entry in zip(numbers, meet(slots, disks)):
            assert number > 3 or entry["result"] == "failed" and entry["error"]["step"] == "upload", entry
            assert number < 24 or entry["result"] == "deployed", entry
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
