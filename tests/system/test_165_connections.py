# SPDX-License-Identifier: Apache-2.0
"""Connections that hang, break and mumble, at each step of an order: the run ends at its deadline, says where it stood,
and the next one goes on.
"""

import time

import pytest

from fakes.acme_server import Fault
from lab.hostile import CERT, case

TIMEOUT = 2  # seconds for a run that has to wait for its deadline

# Step of the server -> the step that the error names.
STEPS = {
    "directory": "directory",
    "new-nonce": "nonce",
    "new-order": "new-order",
    "authorization": "authorize",
    "challenge": "challenge",
    "order": "validate",
    "finalize": "finalize",
    "certificate": "download",
}
HANGING = ["silence", "half-header", "half-body", "drip", "drip-header"]
BREAKING = ["close", "reset", "truncate", "garbage"]
# A HEAD has no body to hang or break off in: curl is done with it at the end of the header.
BODILESS = [("new-nonce", how) for how in ("half-body", "drip", "truncate")]
HANGS = [(step, how) for step in STEPS for how in HANGING if (step, how) not in BODILESS]
BREAKS = [(step, how) for step in STEPS for how in BREAKING if (step, how) not in BODILESS]


@pytest.mark.parametrize("step,how", HANGS, ids=lambda value: value)
def test_it_hangs(hostile, step, how):
    fault = Fault(step, wire=how)
    run = hostile.play(case(f"{step}: {how}", fault, step=STEPS[step], timeout=TIMEOUT))
    assert run.seconds >= TIMEOUT - 0.5, "given up before its time"


@pytest.mark.parametrize("step,how", BREAKS, ids=lambda value: value)
def test_it_breaks(hostile, step, how):
    """Where asking again is safe it is done a few times; the order is placed and the CSR sent only once."""
    fault = Fault(step, wire=how)
    if step in ("challenge", "finalize"):
        survives(hostile, fault)
        return
    hostile.play(case(f"{step}: {how}", fault, step=STEPS[step]))
    assert fault.used <= 12, f"asked {fault.used} times"
    if step == "new-order":
        assert fault.used == 1, "an order placed twice counts twice"


def survives(hostile, *faults):
    """The server did what it was asked, only its answer was lost."""
    product = hostile.prepare()
    for fault in faults:
        hostile.server.cue(fault)
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0 and run.result(CERT)["action"] == "renewed", f"{run}\n{hostile.server.requests}"
    assert hostile.server.violations == [] and hostile.lab.challenge_files() == []
    assert hostile.server.count("new-order") == 1
    return run


@pytest.mark.parametrize("step,how", [pair for pair in BREAKS if pair[0] not in ("new-order", "challenge", "finalize")],
                         ids=lambda value: value)  # fmt: skip
def test_it_breaks_once(hostile, step, how):
    """A connection that breaks once while something is only read costs nothing but a second try."""
    survives(hostile, Fault(step, times=1, wire=how))


@pytest.mark.parametrize("how", ["silence", "close", "reset", "garbage"])
def test_before_the_handshake(hostile, how):
    hostile.play(case(f"connect: {how}", Fault("connect", wire=how), step="directory", timeout=TIMEOUT))


def test_nobody_there(hostile):
    """The CA is down."""
    server = hostile.server
    product = hostile.prepare()
    config = hostile.lab.config([CERT])
    config["ssl"]["provider"]["url"] = "https://127.0.0.1:1/dir"
    product.write_config(config)
    begin = time.monotonic()
    run = product.run("apply", "--json", "--timeout", "10")
    assert run.code == 1 and time.monotonic() - begin < 12, run
    error = run.result(CERT)["error"]
    assert error["step"] == "directory" and "refused" in error["detail"] and error["hint"], run
    assert server.requests == []
