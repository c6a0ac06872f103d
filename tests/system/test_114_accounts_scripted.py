# SPDX-License-Identifier: Apache-2.0
"""Accounts at a CA that behaves as no Pebble does: changed terms, unknown algorithms, forgotten accounts, lost answers."""

import subprocess

import pytest
from fakes.acme_faults import problem
from fakes.acme_server import Fault
from test_110_accounts import folders, lab_accounts

NAME = "www.ferry.test"
EAB = {"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}


@pytest.fixture
def server(scripted):
    scripted.server.reset()
    yield scripted.server
    scripted.server.reset()
    scripted.server.eab = None


@pytest.fixture
def product(scripted, server):
    return scripted.product([NAME])


def account(product, *args):
    return product.run("account", *args)


def register(product, *args):
    run = account(product, "register", "--agree-tos", "--json", *args)
    assert run.code == 0, run
    return run.json["accounts"][0]


def key_of(path):
    return subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, capture_output=True, text=True).stdout


def test_changed_terms_stop_with_both_links(server, product):
    register(product)
    answer = problem(403, "userActionRequired", "Terms of service have changed", instance=server.base + "/agree?token=abc")
    answer.headers["Link"] = f'<{server.base}/terms-2027>;rel="terms-of-service"'
    server.cue(Fault("new-order", answer=answer))
    orders = server.count("new-order")
    run = product.run("apply")
    assert run.code == 1 and "/terms-2027" in run.err and "/agree?token=abc" in run.err, run
    assert server.count("new-order") == orders + 1  # no loop
    # The operator's own act, and only that, says yes.
    assert not any("termsOfServiceAgreed" in payload for payload in server.payloads("account"))
    run = account(product, "update", "--agree-tos")
    assert run.code == 0 and server.payloads("account")[-1] == {"termsOfServiceAgreed": True}, run


def test_an_algorithm_that_the_ca_lists_is_taken(server, product):
    refusal = problem(400, "badSignatureAlgorithm", "not that one", algorithms=["PS256", "RS256"])
    server.cue(Fault("new-account", answer=refusal, times=1))
    view = register(product)
    assert view["key_type"] == "rsa-2048", view
    assert product.run("apply").code == 0 and server.violations == []


def test_an_algorithm_that_was_chosen_is_not_replaced(server, product):
    refusal = problem(400, "badSignatureAlgorithm", "not that one", algorithms=["RS256", "ES512"])
    server.cue(Fault("new-account", answer=refusal, times=1))
    run = account(product, "register", "--agree-tos", "--key-type", "ecdsa-p384")
    assert run.code == 1 and "RS256, ES512" in run.err and "--key-type" in run.err, run
    assert server.count("new-account") == 1 and lab_accounts(product) == []


def test_a_forgotten_account_is_told_not_replaced(server, product):
    register(product)
    assert product.run("apply").code == 0
    (url,) = lab_accounts(product)
    server.forget_accounts()
    before = server.count("new-account")
    run = product.run("apply", "--force")
    assert run.code == 1 and "account register" in run.err, run
    assert server.count("new-account") == before and lab_accounts(product) == [url]
    former = (folders(product)[0] / "key.pem").read_text()
    run = account(product, "register", "--json")
    assert run.code == 2 and "--agree-tos" in run.err, run
    view = register(product)
    assert view["action"] == "registered" and (folders(product)[0] / "key-former-1.pem").read_text() == former
    assert product.run("apply", "--force").code == 0


def test_single_use_credentials_survive_a_lost_answer(server, product):
    """The CA made the account, the answers were lost: the next run finds it by its key, and needs no credentials."""
    server.eab = dict(EAB)
    key = product.dir / "hmac"
    key.write_text(EAB["kid-1"])
    key.chmod(0o600)
    options = ("--eab-kid", "kid-1", "--eab-hmac-key-file", str(key))
    server.cue(Fault("new-account", wire="truncate", times=2))  # the second try is lost too
    run = account(product, "register", "--agree-tos", *options)
    assert run.code == 1, run
    assert lab_accounts(product) == []
    run = product.run("apply")
    assert run.code == 0 and "found the account" in run.err, run
    bound = [payload for payload in server.payloads("new-account") if "externalAccountBinding" in payload]
    found = [payload for payload in server.payloads("new-account") if payload.get("onlyReturnExisting")]
    assert len(bound) == 2 and found, server.payloads("new-account")


@pytest.mark.parametrize(
    "fault",
    [
        dict(refuse=(409, "conflict", "New key is already in use")),
        dict(refuse=(500, "serverInternal", "error")),
        dict(refuse=(403, "unauthorized", "no")),
        dict(answer=problem(400, "malformed", "what?")),
    ],
)
def test_refused_rollover(server, product, fault):
    register(product)
    before = key_of(folders(product)[0] / "key.pem")
    server.cue(Fault("key-change", **fault))
    run = account(product, "rotate-key")
    assert run.code == 1 and "old key stays in force" in run.err, run
    assert key_of(folders(product)[0] / "key.pem") == before
    assert product.run("apply").code == 0


def test_rollover_that_was_only_claimed(server, product):
    """200, and nothing changed: the account does not answer to the new key, so the old one stays."""
    register(product)
    before = key_of(folders(product)[0] / "key.pem")
    answer = problem(200, "", "")
    answer.headers, answer.body = {}, {"status": "valid"}
    server.cue(Fault("key-change", answer=answer))
    run = account(product, "rotate-key")
    assert run.code == 1 and "old key" in run.err, run
    assert key_of(folders(product)[0] / "key.pem") == before
    assert product.run("apply").code == 0


@pytest.mark.parametrize("wire", ["close", "reset", "truncate", "garbage"])
def test_rollover_whose_answer_is_lost(server, product, wire):
    """The CA changed the key, and nobody heard it: asked again, it knows the new one."""
    register(product)
    before = key_of(folders(product)[0] / "key.pem")
    server.cue(Fault("key-change", wire=wire))
    run = account(product, "rotate-key", "--json")
    assert run.code == 0 and run.json["accounts"][0]["action"] == "rotated", run
    assert key_of(folders(product)[0] / "key.pem") != before
    assert product.run("apply").code == 0


def test_a_reason_that_the_ca_does_not_take(server, product):
    register(product)
    assert product.run("apply").code == 0
    server.cue(Fault("revoke", refuse=(400, "badRevocationReason", "not that one")))
    run = product.run("revoke", NAME, "--reason", "9")
    assert run.code == 1 and "privilegeWithdrawn" in run.err and "not that one" in run.err, run
    run = product.run("list", "--json")
    assert run.json["certificates"][0]["status"] == "valid", run


def test_an_account_that_may_not_revoke(server, product):
    register(product)
    assert product.run("apply").code == 0
    server.cue(Fault("revoke", times=1, refuse=(403, "unauthorized", "not your certificate")))
    run = product.run("revoke", NAME, "--json")
    assert run.code == 0 and run.json["revoked"][0]["signed_by"] == "certificate_key", run
    assert server.count("revoke") == 2 and server.violations == []


def test_a_body_is_not_needed(server, product):
    """Location is enough."""
    server.cue(Fault("new-account", body=b""))
    register(product)
    assert product.run("apply").code == 0
