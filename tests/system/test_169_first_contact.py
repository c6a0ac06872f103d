# SPDX-License-Identifier: Apache-2.0
"""The first run at a CA that misbehaves while the account is made: the key is kept, and there is one account in the end."""

import pytest

from fakes.acme_server import Answer, Fault
from fakes.acme_faults import GONE

CERT = "first.ferry.test"
HTML = {"Content-Type": "text/html"}

# Nothing was done, or its answer is of no use.
FAILS = {
    "silence": Fault("new-account", wire="silence"),
    "half a header": Fault("new-account", wire="half-header"),
    "half a body": Fault("new-account", wire="half-body"),
    "a body without end": Fault("new-account", wire="endless"),
    "closed": Fault("new-account", wire="close"),
    "reset": Fault("new-account", wire="reset"),
    "500 in HTML": Fault("new-account", answer=Answer(500, HTML, "<h1>Oops</h1>")),
    "a redirect": Fault("new-account", answer=Answer(307, {"Location": "https://evil.test/new-account"}, "")),
    "badNonce for ever": Fault("new-account", refuse=(400, "badNonce", "stale")),
    "refused": Fault("new-account", refuse=(403, "unauthorized", "\x1b[31mgo away")),
    "no Location": Fault("new-account", headers={"Location": None}),
    "a Location elsewhere": Fault("new-account", headers={"Location": "https://evil.test/account/1"}),
    "a Location over HTTP": Fault("new-account", headers={"Location": "http://127.0.0.1/account/1"}),
    "a Location with a fragment": Fault("new-account", headers={"Location": "https://127.0.0.1/account/1#2"}),
}  # fmt: skip
# The account's URL is there, and that is all that is needed.
WORKS = {
    "an empty body": Fault("new-account", body=""),
    "a body of HTML": Fault("new-account", body="<html/>", headers=HTML),
    "no status": Fault("new-account", json={"status": GONE}),
    "null everywhere": Fault("new-account", json={"contact": None, "orders": None}),
    "a broken answer, once": Fault("new-account", times=1, wire="close"),
}


def keys(product):
    return sorted(path.read_bytes() for path in product.state.glob("accounts/*/key.pem"))


def fresh(scripted, fault):
    server = scripted.server
    server.reset()
    fault.seen = fault.used = 0
    server.cue(fault)
    return scripted.product([CERT], email=f"somebody-{scripted.products}@ferry.test"), len(server.accounts)


@pytest.mark.parametrize("what", FAILS)
def test_it_fails_and_the_key_is_kept(scripted, what):
    server = scripted.server
    product, before = fresh(scripted, FAILS[what])
    run = product.run("apply", "--json", "--timeout", "2")
    assert run.code == 1 and run.seconds < 8, run
    error = run.result(CERT)["error"]
    assert error["step"] == "account" and error["hint"], run
    assert "\x1b" not in run.text and "PRIVATE" not in run.text, run
    assert not (product.state / "live" / CERT).exists() and server.violations == []
    kept = keys(product)
    assert len(kept) == 1
    server.reset()
    run = product.run("apply", "--json", "--force")
    assert run.code == 0, run
    assert keys(product) == kept, "another key"
    assert len(server.accounts) == before + 1, "another account"
    assert server.violations == []


@pytest.mark.parametrize("what", WORKS)
def test_it_works_all_the_same(scripted, what):
    product, before = fresh(scripted, WORKS[what])
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0, f"{run}\n{scripted.server.requests}"
    assert len(scripted.server.accounts) == before + 1 and len(keys(product)) == 1
    assert scripted.server.violations == []
