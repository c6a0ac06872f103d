# SPDX-License-Identifier: Apache-2.0
"""A jump host whose session ends or stops in the middle of a deployment through it: what must hold holds, the error names the
jump host, and the next run puts everything in order.
"""

import os
import shutil
import signal

import pytest
from lab.slots import spread

TIMEOUT, SLACK = 6, 25  # seconds: of each server; for ten couriers and an nginx each on a busy machine


@pytest.fixture
def bastions(slots):
    """Each slot behind a jump host of its own."""
    names = {}
    for slot in slots:
        names[slot.name] = slots.lab.another_sshd(f"hop-of-{slot.name}")
        slots.beside[f"hop-of-{slot.name}"] = slots.lab.server_entry(names[slot.name])
    yield names
    slots.beside = {}
    for hop in names.values():
        hop.stop_ssh()
        shutil.rmtree(hop.home, ignore_errors=True)
        slots.lab.hops.remove(hop)


def test_the_jump_hosts_session_is_killed_or_stopped_in_the_middle(slots, bastions):
    last = slots.clean_run("ours")
    numbers = [signal.SIGKILL, signal.SIGSTOP]
    plans = [(at, numbers[turn % 2]) for turn, at in enumerate(spread(last, len(slots)))]
    if os.environ.get("CERTFERRY_THOROUGH") == "1":
        plans = [(at, number) for number in numbers for at in range(1, last + 1)]
    for some in slots.rounds(plans):
        slots.settle("ours")
        for slot, (at, number) in zip(slots, some):
            slot.changes = {"proxy_jump": f"hop-of-{slot.name}", "verify": {"port": slot.nginx.port}}
            slot.plan(at=at, do="signal", below=bastions[slot.name].sshd.process.pid, number=int(number))
        with slots.watched():
            run = slots.deploy(timeout=TIMEOUT)
        deployed = slots.check(run)
        assert run.seconds < 4 * TIMEOUT + SLACK, run
        told = {name: entry["error"] for name, entry in deployed.items() if entry["error"]}
        assert len(told) >= len(some) // 2, "hardly anything failed"
        for name, error in told.items():
            hop = f"jump host hop-of-{name} (127.0.0.1 port {bastions[name].ssh_port})"
            assert hop in error["detail"] + error["hint"], error
        for hop in bastions.values():
            hop.stop_ssh()  # with what was stopped
            hop.start_ssh()
        slots.recover()
