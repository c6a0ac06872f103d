# SPDX-License-Identifier: Apache-2.0
"""Retry-After in every form, and a CA that is overloaded: what it asks for is kept within reason, across runs too."""

import time
from datetime import datetime
from email.utils import formatdate

import pytest

from fakes.acme_server import Answer, Fault
from lab.hostile import CERT, case

HOUR, DAY = 3600, 86400
HTML = {"Content-Type": "text/html; charset=utf-8"}


def at(seconds):
    """An IMF-fixdate so many seconds from now."""
    return formatdate(time.time() + seconds, usegmt=True)


def pending(value):
    """The order stays pending and asks to be looked at again in VALUE."""
    return Fault("order", json={"status": "pending"}, headers={"Retry-After": value})


# Longer than the run may take: it ends at once and says so, instead of waiting or asking all the time.
TOO_LONG = {
    "a thousand million": "1000000000",
    "a day": str(DAY),
    "a date in a day": at(DAY),
    "a date in the year 9999": "Fri, 31 Dec 9999 23:59:59 GMT",
    "an obsolete date": "Sunday, 06-Nov-94 08:49:37 GMT".replace("94", "60"),
}
# Says nothing, and is passed over: the run goes on at its own pace to its deadline.
NOTHING = {
    "negative": "-1",
    "negative and large": "-1000000000",
    "words": "soon",
    "empty": "",
    "a fraction": "1.5",
    "more than 64 bits": "99999999999999999999999999",
    "hexadecimal": "0x10",
    "a date in the past": at(-DAY),
    "a date that is none": "Fri, 31 Feb 2027 25:61:61 GMT",
    "an escape": "\x1b[31m5",
}


@pytest.mark.parametrize("what", TOO_LONG)
def test_a_poll_that_should_wait_too_long(hostile, what):
    run = hostile.play(case(what, pending(TOO_LONG[what]), step="validate", says="asks to wait", timeout=20))
    assert run.seconds < 5, "it waited"
    assert hostile.server.count("order") <= 4


@pytest.mark.parametrize("what", NOTHING)
def test_a_poll_that_says_nothing(hostile, what):
    fault = pending(NOTHING[what])
    run = hostile.play(case(what, fault, step="validate", timeout=2))
    assert run.seconds >= 1.5, "given up before its time"
    assert fault.used < 20, f"asked {fault.used} times in 2 s"


@pytest.mark.parametrize("value", ["1", at(2)], ids=["seconds", "a date"])
def test_a_poll_that_waits_as_asked(hostile, value):
    product = hostile.prepare()
    value = at(2) if "GMT" in value else value
    fault = Fault("order", times=1, json={"status": "pending"}, headers={"Retry-After": value})
    hostile.server.cue(fault)
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0 and hostile.server.count("order") == 2, run
    assert run.seconds > 0.9, "it did not wait"


def test_processing_for_a_while(hostile):
    """Slow to sign, with Retry-After: 1, and done at the third look."""
    product = hostile.prepare()
    hostile.server.polls, hostile.server.retry_after = 3, "1"
    try:
        run = product.run("apply", "--json", "--timeout", "20")
        assert run.code == 0 and run.seconds > 1.9, run
    finally:
        hostile.server.polls, hostile.server.retry_after = 0, None


# Overload and rate limits.

OVERLOAD = {
    "503 in HTML": Answer(503, {**HTML, "Retry-After": "120"}, "<html><h1>Back soon</h1></html>"),
    "503 empty": Answer(503, {"Retry-After": "120"}, ""),
    "503 with a date": Answer(503, {**HTML, "Retry-After": at(300)}, "<html/>"),
    "429 with a problem": Answer(429, {"Content-Type": "application/problem+json", "Retry-After": "120"},
                                 {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "Too many"}),
    "429 without a problem": Answer(429, {**HTML, "Retry-After": "120"}, "slow down"),
}  # fmt: skip
STEPS = {"directory": "directory", "new-nonce": "nonce", "new-order": "new-order", "authorization": "authorize",
         "certificate": "download"}  # fmt: skip


def held(run):
    """Seconds from now before which the CA is not asked again, as the run tells; 0: it names no time."""
    told = run.result(CERT)["error"]["retry_at"]
    return datetime.fromisoformat(told).timestamp() - time.time() if told else 0


@pytest.mark.parametrize("what", OVERLOAD)
@pytest.mark.parametrize("step", STEPS)
def test_it_is_not_asked_again_before_its_time(hostile, step, what):
    """The time it names survives the run: the next one asks nothing, and one by hand may."""
    fault = Fault(step, answer=OVERLOAD[what])
    product, run = hostile.run(case(f"{step}: {what}", fault, step=STEPS[step], says=str(OVERLOAD[what].status)))
    assert fault.used <= 12, f"asked {fault.used} times"
    assert 30 < held(run) <= 301, run
    hostile.server.reset()
    again = product.run("apply", "--json")
    assert hostile.server.requests == [], f"asked before its time\n{again}"
    hostile.recovers(product)


@pytest.mark.parametrize("value,most", [("1000000000", 7 * DAY), ("-5", None), ("later", None), (at(-DAY), None)],
                         ids=["a thousand million", "negative", "words", "a date in the past"])  # fmt: skip
def test_no_back_off_without_end(hostile, value, most):
    fault = Fault("new-order", answer=Answer(429, {**HTML, "Retry-After": value}, "no"))
    product, run = hostile.run(case(value, fault, step="new-order", says="429"))
    assert held(run) <= (most or DAY) + 5, run
    assert not most or held(run) > most - 60, run
    hostile.recovers(product)
