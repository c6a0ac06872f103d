# SPDX-License-Identifier: Apache-2.0
"""The connection to a server ends, or one of its ways falls silent, after any SSH packet of a deployment: a reader sees a
matching pair at every instant, the run ends in time and says what failed, and the next run leaves nothing of what happened.
CERTFERRY_THOROUGH=1 tries each packet, else some of them.
"""

import contextlib

import pytest
from lab.relay import Relay
from lab.slots import spread

TIMEOUT, SLACK = 5, 15  # seconds: of each slot's server; for ten couriers and an nginx each on a busy machine
CUTS, SILENCES = ("close", "reset", "torn"), ("silence", "only up", "only down")


@pytest.fixture(scope="module")
def relays(lab, slots):
    """One before each slot, whose host key is that of the sshd behind them."""
    with contextlib.ExitStack() as stack:
        found = [Relay(slots.server.ssh_port) for _ in slots]
        key = slots.server.known_hosts_line().split(" ", 1)[1]
        with open(lab.known_hosts, "a", encoding="utf-8") as file:
            for relay in found:
                stack.callback(relay.stop)
                file.write(f"[127.0.0.1]:{relay.port} {key}")
        yield found


def deploy(slots, relays, state, plans, **changes):
    """One run that begins in STATE, in which each slot's connection meets one of PLANS, and what must hold after it."""
    slots.settle(state)
    for slot, relay, plan in zip(slots, relays, plans):
        relay.plan(**plan)
        slot.changes = {"port": relay.port}
    with slots.watched():
        run = slots.deploy(**{"timeout": TIMEOUT, "command_timeout": TIMEOUT, **changes})
    return run, slots.check(run)


LAST = {}


def last_packet(slots, relays, state):
    """How many packets a deployment takes that nothing happens to."""
    if state not in LAST:
        run, _ = deploy(slots, relays, state, [{}] * len(relays), timeout=60)
        assert run.code == 0, run
        LAST[state] = min(relay.longest for relay in relays)
    return LAST[state]


def recover(slots, relays):
    """The next run, at which the server may still take connections of before for live ones."""
    slots.recover(sessions=True)
    for relay in relays:
        relay.release()
    slots.check_no_sessions()


def meet(slots, relays, state, plans):
    """The same, and the next run."""
    run, deployed = deploy(slots, relays, state, plans)
    for slot, relay, plan in zip(slots, relays, plans):
        entry = deployed[slot.name]
        # How many packets there are depends on what comes together in one.
        assert relay.reached or plan["at"] > 40, f"{plan} of {relay.longest}: {entry}"
        if entry["result"] in ("failed", "rolled_back"):
            assert entry["error"]["hint"], entry
    recover(slots, relays)
    return run


def plans_of(numbers, ways):
    """One after the other; at each fourth point it is the server that is gone, and not the connection alone."""
    return [{"at": number, "do": ways[at % len(ways)], "always": at % 4 == 3} for at, number in enumerate(numbers)]


@pytest.mark.parametrize("state, points", [("ours", 20), ("plain", 10), ("empty", 10)])
def test_cut(slots, relays, state, points):
    numbers = spread(last_packet(slots, relays, state), points)
    for plans in slots.rounds(plans_of(numbers, CUTS)):
        run = meet(slots, relays, state, plans)
        assert run.seconds < TIMEOUT + SLACK, run


@pytest.mark.parametrize("state", ["ours", "plain", "empty"])
def test_falls_silent(slots, relays, state):
    numbers = spread(last_packet(slots, relays, state), len(slots))
    for plans in slots.rounds(plans_of(numbers, SILENCES)):
        run = meet(slots, relays, state, plans)
        # The transaction, a command, putting back what was there, and tidying up: each has that time.
        assert run.seconds < 4 * TIMEOUT + SLACK, run


def test_falls_silent_while_a_command_runs(slots, relays):
    """That it did not end in time is all that can be known; what was there is put back over another connection."""
    slots.settle("ours")
    for number, (slot, relay) in enumerate(zip(slots, relays)):
        began = slot.control / "began"
        which = ("test_command", "reload_command")[number % 2]
        slot.changes = {"port": relay.port, which: f"touch {began}; {slot.entry()[which]}"}
        relay.plan(when=began, do=("silence", "only up")[number % 4 // 2])
    with slots.watched():
        run = slots.deploy(timeout=2 * TIMEOUT, command_timeout=2)
    for slot, entry in slots.check(run).items():
        assert entry["result"] == "rolled_back" and "did not end within" in entry["error"]["detail"], f"{slot}: {entry}"
    recover(slots, relays)
