# SPDX-License-Identifier: Apache-2.0
"""An SFTP server that stops answering, says that it did what it did not, or sends what is no SFTP, at any request: the run
ends in time and says what failed; nobody sees half of anything; and the next run puts it in order.
"""

import os

import pytest
from lab.hostile import dangerous
from lab.slots import spread

TIMEOUT, SLACK = 5, 15  # seconds: of each slot's server; for ten couriers and an nginx each on a busy machine
BABBLE = ["wrong id", "twice", "other kind", "other attributes", "shortened", "cut off", "garbage", "length 0", "length 4 GiB",
          "length 1 GiB", "unknown type", "long name", "refused", "no permission", "absent", "flood"]  # fmt: skip


def meet(slots, state, plans, **changes):
    """One run in which each slot meets one of PLANS, what must hold after it, and the next run."""
    slots.settle(state)
    for slot, plan in zip(slots, plans):
        slot.plan(**plan)
    with slots.watched():
        run = slots.deploy(**changes)
    deployed = slots.check(run)
    assert not dangerous(run.text), run
    for slot, plan in zip(slots, plans):
        assert slot.reached() or deployed[slot.name]["result"] != "failed", f"{plan} never came"
    slots.recover()
    return run, deployed


@pytest.mark.parametrize("do, always", [("stall", False), ("freeze", True)])
def test_stalls(slots, do, always):
    last = slots.clean_run("ours")
    for numbers in slots.rounds(spread(last, 20 if not always else 10)):
        plans = [{"at": number, "do": do, "always": always} for number in numbers]
        run, deployed = meet(slots, "ours", plans, timeout=TIMEOUT)
        # The transaction, putting back what was there, and tidying up: each has that time.
        assert run.seconds < 3 * TIMEOUT + SLACK, run
        for entry in deployed.values():
            if entry["result"] == "failed":
                assert "in time" in entry["error"]["detail"], entry


@pytest.mark.parametrize("state", ["ours", "plain", "empty"])
def test_says_that_it_did_what_it_did_not(slots, state):
    last = slots.clean_run(state)
    for numbers in slots.rounds(spread(last, 20 if state == "ours" else 10)):
        meet(slots, state, [{"at": number, "do": "lie"} for number in numbers], timeout=TIMEOUT)


def test_babbles(slots):
    last = slots.clean_run("ours")
    points = spread(last, 40)
    plans = [{"at": number, "do": BABBLE[at * 5 % len(BABBLE)]} for at, number in enumerate(points)]
    if os.environ.get("CERTFERRY_THOROUGH") == "1":
        plans = [{"at": number, "do": do} for do in BABBLE for number in points]
    for some in slots.rounds(plans):
        run, _ = meet(slots, "ours", some, timeout=TIMEOUT)
        assert run.seconds < 3 * TIMEOUT + SLACK, run


@pytest.mark.parametrize("do", ["stall", "end", "garbage", "length 4 GiB", "other kind", "cut off"])
def test_from_the_first_word_on(slots, do):
    slots.settle("ours")
    greeting = slots.control / "greeting.json"
    greeting.write_text(f'{{"at": 0, "do": "{do}"}}')
    try:
        run = slots.deploy(timeout=TIMEOUT)
    finally:
        greeting.unlink()
    deployed = slots.check(run)
    assert {entry["result"] for entry in deployed.values()} == {"failed"}, run
    assert {entry["error"]["step"] for entry in deployed.values()} == {"connect"}, run
    assert run.code == 1 and run.seconds < TIMEOUT + SLACK, run
    slots.flip()
