# SPDX-License-Identifier: Apache-2.0
"""A CA that loses the account, or the nonces: no new account is made behind the operator's back, and a nonce is never
used twice.
"""

import pytest

from fakes.acme_server import Answer, Fault
from lab.hostile import CERT, case

STEPS = {
    "new-order": "new-order",
    "authorization": "authorize",
    "challenge": "challenge",
    "order": "validate",
    "finalize": "finalize",
    "certificate": "download",
}
NO_NONCE = {"Replay-Nonce": None}


def losing(server):
    """The accounts are gone."""
    server.forget_accounts()
    return []


def losing_at(step):
    """They go in the middle of the order, at its first STEP."""
    return Fault(step, refuse=(400, "accountDoesNotExist", "Who are you?"))


@pytest.mark.parametrize("step", STEPS)
def test_the_account_is_lost_on_the_way(hostile, step):
    hostile.play(case(step, losing_at(step), step=STEPS[step], says=("Who are you?", "accountDoesNotExist")))


def test_the_account_is_lost(hostile):
    """It is said, and what to do; another account is the operator's decision."""
    one = case("lost", step="new-order", says=("accountDoesNotExist", "account"))
    one.faults = losing
    product, run = hostile.run(one)
    assert "account" in run.result(CERT)["error"]["hint"], run
    before = [path.read_bytes() for path in sorted(product.state.rglob("accounts/**/key.pem"))]
    again = product.run("apply", "--force", "--json")
    assert again.code == 1 and hostile.server.count("new-account") == 0, again
    assert [path.read_bytes() for path in sorted(product.state.rglob("accounts/**/key.pem"))] == before
    assert len(before) == 1


@pytest.mark.parametrize("status", ["deactivated", "revoked"])
def test_the_account_is_no_longer_valid(hostile, status):
    def faults(server):
        for account in server.accounts.values():
            account["status"] = status
        return []

    one = case(status, step="new-order", says="unauthorized")
    one.faults = faults
    hostile.run(one)


def test_another_account_answers(hostile):
    """newAccount says that another account is ours: only who asked for a new one gets one."""
    server = hostile.server
    hostile.prepare()
    product = hostile.lab.product([CERT], email="somebody@ferry.test")
    server.cue(Fault("new-account", headers={"Location": "https://evil.test/account/1"}))
    run = product.run("apply", "--json")
    assert run.code == 1 and "evil.test" in run.result(CERT)["error"]["detail"], run
    server.reset()
    server.cue(Fault("new-account", headers={"Location": None}))
    run = product.run("apply", "--json", "--force")
    assert run.code == 1 and run.result(CERT)["error"]["step"] == "account", run
    server.reset()
    run = product.run("apply", "--json", "--force")
    assert run.code == 0, run
    assert server.count("new-account") == 1 and server.violations == []


# Nonces.


def bad_nonce(times=None, **headers):
    return [Fault(step, times=times, refuse=(400, "badNonce", "stale"), headers=headers or None) for step in STEPS]


@pytest.mark.parametrize("step", STEPS)
def test_bad_nonce_for_ever(hostile, step):
    fault = Fault(step, refuse=(400, "badNonce", "this nonce is stale"))
    hostile.play(case(step, fault, step=STEPS[step], says=("this nonce is stale", "badNonce")))
    assert fault.used <= 40, f"asked {fault.used} times"


@pytest.mark.parametrize("headers", [{}, NO_NONCE], ids=["with a nonce", "without a nonce"])
def test_bad_nonce_now_and_then(hostile, headers):
    """Twice at every step, and where the refusal brings no nonce one is fetched."""
    product = hostile.prepare()
    hostile.server.cue(*bad_nonce(2, **headers))
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0, f"{run}\n{hostile.server.requests}"
    assert hostile.server.violations == []
    orders = [request for request in hostile.server.requests if request.step == "new-order"]
    assert len(orders) == 3, "two refusals and one order"
    nonces = [request.header["nonce"] for request in hostile.server.requests if request.header]
    assert len(nonces) == len(set(nonces)), "a nonce was used twice"


def test_no_nonce_in_any_answer(hostile):
    """Then each is fetched; a CA whose newNonce gives none is of no use, and says so."""
    product = hostile.prepare()
    hostile.server.cue(*[Fault(step, headers=NO_NONCE) for step in STEPS])
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0, run
    posts = [request for request in hostile.server.requests if request.method == "POST"]
    assert hostile.server.count("new-nonce") == len(posts), hostile.server.requests
    assert hostile.server.violations == []


NONCES = {
    "missing": None,
    "empty": "",
    "of other characters": "abc$%&/(",
    "with a space": "abc def",
    "of 600 characters": "a" * 600,
    "padded": "abcd==",
}


@pytest.mark.parametrize("what", NONCES)
def test_a_nonce_that_is_none(hostile, what):
    """From newNonce: a failure that says so. From elsewhere: as if there was none."""
    hostile.play(case(what, Fault("new-nonce", headers={"Replay-Nonce": NONCES[what]}), step="nonce", says="Replay-Nonce"))
    product = hostile.prepare()
    hostile.server.cue(*[Fault(step, headers={"Replay-Nonce": NONCES[what]}) for step in ("new-order", "order")])
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0, f"{run}\n{hostile.server.requests}"
    assert hostile.server.violations == []


def test_new_nonce_fails(hostile):
    for answer, says in (
        (Answer(500, {**NO_NONCE, "Content-Type": "text/html"}, "<h1>Oops</h1>"), "500"),
        (Answer(404, {**NO_NONCE}, ""), "404"),
        (Answer(301, {**NO_NONCE, "Location": "https://evil.test/"}, ""), "301"),
    ):
        hostile.play(case(says, Fault("new-nonce", answer=answer), step="nonce", says=says))


def test_the_same_nonce_again_and_again(hostile):
    """A CA that hands out one nonce for ever refuses it from the second time on; that ends."""
    fault = Fault("new-order", refuse=(400, "badNonce", "used before"), headers={"Replay-Nonce": "always-the-same-one"})
    hostile.play(case("the same", fault, step="new-order", says="used before"))
    assert fault.used <= 20
