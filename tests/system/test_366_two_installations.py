# SPDX-License-Identifier: Apache-2.0
"""Two installations of certferry, each with a certificate of its own under the same name, deploy to the same folders of the
same servers at once: key and certificate match at every instant, and the one that was last is the one that is served.
"""

import os
import shutil
import time

import pytest
from lab.slots import Slots


@pytest.fixture(scope="module")
def slots(lab):
    several = Slots(lab, count=4)
    yield several
    several.stop()


@pytest.fixture
def second(lab, slots):
    """Another installation, with the other of the two generations live."""
    slots.settle("ours")
    product = lab.product()
    shutil.copytree(slots.product.state, product.state, symlinks=True)
    slots.configure()
    product.write_config(slots.product.config.read_text())
    live = product.live(slots.cert)
    live.unlink()
    live.symlink_to(f"../archive/{slots.cert}/{'1' if slots.new == '2' else '2'}")
    return product


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


@pytest.mark.parametrize("pause", [0, 0.15, 0.4])
def test_at_once(slots, second, pause):
    with slots.watched():
        first = slots.product.start("deploy", "--force")
        time.sleep(pause)
        other = second.start("deploy", "--force")
        results = [finish(process) for process in (first, other)]
    codes = [code for code, _ in results]
    assert 0 in codes and set(codes) <= {0, 1, 3}, results
    for slot in slots:
        live, combined = slot.look()
        assert live == combined and live in ("1", "2"), (slot.name, live, combined)
        assert slot.served({live}) == live
        slot.check_secrets()
    slots.recover()


def test_the_second_waits_for_the_first(slots, second):
    """Whatever the first runs on the server, the second's does not come between."""
    log = slots.lab.dir / "commands.log"
    for slot in slots:
        slot.changes = {"test_command": f"echo {slot.name} begin >> {log}; sleep 1; {slot.nginx.test_command}; echo {slot.name} end >> {log}"}
    slots.configure()
    second.write_config(slots.product.config.read_text())
    first = slots.product.start("deploy", "--force")
    while not log.exists():
        time.sleep(0.01)
    other = second.start("deploy", "--force")
    for code, text in (finish(first), finish(other)):
        assert code == 0, text
    for slot in slots:
        lines = [line.split()[1] for line in log.read_text().splitlines() if line.startswith(slot.name + " ")]
        assert lines == ["begin", "end"] * 2, lines
    slots.recover()


def test_a_lock_that_another_left_is_named_and_counts_for_nothing_when_it_is_old(slots):
    slots.settle("ours")
    slot = slots["s0"]
    lock = slot.home / ".certferry-lock"
    lock.mkdir()
    (lock / "0123456789abcdef-0123456789abcdef-elsewhere:|var|lib|certferry:web-1\x1b[31m").symlink_to("-")
    run = slots.deploy(timeout=4)
    entry = run.deployed(slots.cert)["s0"]
    assert run.code == 3 and entry["result"] == "failed" and entry["error"]["type"] == "busy", run
    assert "elsewhere:/var/lib/certferry" in entry["error"]["detail"] and str(lock) in entry["error"]["hint"], run
    assert "\x1b" not in run.text
    assert slot.look() == (slot.before, slot.before) and slot.served({slot.before}) == slot.before
    old = time.time() - 3600
    os.utime(lock, (old, old))
    slots.recover()


def test_what_an_interrupted_run_left_is_taken_away_by_one_that_has_nothing_to_do(slots):
    """The interrupted run was to deploy a generation that is not wanted any more."""
    slots.settle("ours")
    for slot, number in zip(slots, (45, 60, 85, 115)):
        slot.plan(at=number, do="end")
    run = slots.deploy()
    assert run.code in (1, 3), run
    slots.flip()
    slots.recover()
