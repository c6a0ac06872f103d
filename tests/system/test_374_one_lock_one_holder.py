# SPDX-License-Identifier: Apache-2.0
"""A lock that a deployment left behind is passed on to one, however many wait for it, each at the worst moment."""

import json
import os
import shutil
import signal
import time

import pytest
from lab.processes import descendants, signal_all
from lab.slots import Slots
from lab.wait import until

IN_TURN = "echo {who} >> {go}/turns; touch {go}/in-{who}; until [ -e {go}/out-{who} ]; do sleep 0.05; done; {test}"


@pytest.fixture(scope="module")
def slots(lab):
    one = Slots(lab, count=1)
    yield one
    one.stop()


class Installation:
    """One more certferry with a store of its own that deploys to SLOTS's only slot, and is inside until leave()."""

    def __init__(self, slots, who):
        self.slot, self.who = slots.slots[0], who
        self.product = slots.lab.product()
        shutil.copytree(slots.product.state, self.product.state, symlinks=True)
        test = IN_TURN.format(who=who, go=self.slot.control, test=self.slot.nginx.test_command)
        entry = self.slot.entry(test_command=test, timeout=8, command_timeout=300)
        domain = slots.lab.domain(slots.cert, [self.slot.name], serve=False)
        self.product.write_config(slots.lab.config([domain], servers={self.slot.name: entry}))
        self.process = None

    def begin(self):
        self.process = self.product.start("deploy", "--force")

    def enter(self):
        self.begin()
        until(self.inside, f"{self.who} is inside")

    def inside(self):
        return (self.slot.control / f"in-{self.who}").exists()

    def leave(self):
        (self.slot.control / f"out-{self.who}").touch()

    def end(self):
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out + err

    def killed(self):
        """In the middle of its transaction, an hour ago."""
        self.enter()
        signal_all([self.process.pid, *descendants(self.process.pid)], signal.SIGKILL)
        self.process.communicate()
        self.leave()
        (self.slot.control / f"in-{self.who}").unlink()
        old = time.time() - 3600
        os.utime(self.slot.home / ".certferry-lock", (old, old), follow_symlinks=False)


def turns(slots):
    return (slots.slots[0].control / "turns").read_text().split()


def test_two_pass_over_the_same(slots):
    """The one has seen that it is old, and is held before what it does then; the other gets in meanwhile."""
    slots.settle("ours")
    slot = slots.slots[0]
    gone, slow, quick = (Installation(slots, who) for who in ("gone", "slow", "quick"))
    gone.killed()
    slot.plan(when="(remove|extended) .*certferry-lock", do="hold")
    slow.leave()  # it would stay no longer than it must
    slow.begin()
    until((slot.control / "held").exists, "one is held")
    quick.enter()
    (slot.control / "go").touch()
    code, text = slow.end()
    assert turns(slots) == ["gone", "quick"], text
    assert code == 4 and "another certferry" in text and str(quick.product.state) in text, text
    quick.leave()
    code, text = quick.end()
    assert code == 0, text
    assert slot.look() == (slots.new, slots.new)
    slots.recover()


def test_ones_own_is_as_young_as_its_new_turn(slots):
    """It was left an hour ago and is taken again: others wait for it as for any other."""
    slots.settle("ours")
    slot = slots.slots[0]
    first, other = Installation(slots, "first"), Installation(slots, "other")
    first.killed()
    (slot.control / "out-first").unlink()
    first.enter()
    other.leave()
    other.begin()
    code, text = other.end()
    assert turns(slots) == ["first", "first"], text
    assert code == 4 and "another certferry" in text and str(first.product.state) in text, text
    first.leave()
    code, text = first.end()
    assert code == 0, text
    slots.recover()


@pytest.mark.parametrize("ahead", [-7200, 7200])
def test_by_the_servers_clock(slots, ahead):
    """It is hours off. Who is inside is waited for; who was an hour ago is not."""
    slots.settle("ours")
    slot, greeting = slots.slots[0], slots.control / "greeting.json"
    first, other = Installation(slots, "first"), Installation(slots, "other")
    greeting.write_text(json.dumps({"clock": ahead}))
    try:
        first.enter()
        other.leave()
        other.begin()
        code, text = other.end()
        assert turns(slots) == ["first"], text
        assert code == 4 and "another certferry" in text and str(first.product.state) in text, text
        first.leave()
        assert first.end()[0] == 0

        (slot.control / "turns").unlink()
        (slot.control / "out-first").unlink()
        (slot.control / "in-first").unlink()
        first.killed()
        other.begin()
        code, text = other.end()
        assert code == 0 and turns(slots) == ["first", "other"], text
    finally:
        greeting.unlink()
    slots.recover()


def recorded(slots):
    run = slots.product.run("list", "--json", "--offline")
    return next(entry for entry in run.json["certificates"] if entry["name"] == slots.cert)["servers"][0]


def test_anothers_lock_is_not_held_against_the_server(slots):
    """What is known of it stays; what it is to get is pending, and who has the lock is told."""
    slots.settle("ours")
    slot, product = slots.slots[0], slots.product
    slot.changes = {"timeout": 4}
    slots.configure()
    other = Installation(slots, "other")
    other.enter()
    before = recorded(slots)
    run = product.run("deploy")
    assert run.code == 4 and "another certferry" in run.text and str(other.product.state) in run.text, run
    after = recorded(slots)
    assert after["status"] == "pending" and after["generation"] == before["generation"] and after["failures"] == 0, after
    assert str(other.product.state) in after["error"]["detail"], after
    for command in (("list", "--offline"), ("plan",), ("show", slots.cert)):
        run = product.run(*command)
        assert "when last tried: another certferry" in run.out and str(other.product.state) in run.out, run
        assert "failed" not in run.out, run
    other.leave()
    code, text = other.end()
    assert code == 0, text

    run = product.run("deploy")
    assert run.code == 0 and recorded(slots)["status"] == "deployed" and recorded(slots)["error"] is None, run
    third = Installation(slots, "third")
    third.enter()
    run = product.run("deploy", "--force")
    assert run.code == 4 and str(third.product.state) in run.text, run
    assert recorded(slots)["status"] == "deployed" and recorded(slots)["error"] is None, run
    run = product.run("plan")
    assert "has the live generation" in run.out, run
    third.leave()
    code, text = third.end()
    assert code == 0, text
    slots.recover()
