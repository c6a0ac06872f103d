# SPDX-License-Identifier: Apache-2.0
"""dns-persist-01 as the first and the third draft have it, and as nobody should: against the scripted server."""

import base64
import hashlib
import json

import pytest
from fakes.acme_crypto import thumbprint
from fakes.acme_server import AcmeServer, Fault

ISSUER, PREFIX = "acme-server.test", "https://127.0.0.1/account-hash/"
OFFERS = {
    "-00": {"issuer-domain-names": [ISSUER]},
    "-02": {"issuerDomainNames": ["second.acme-server.test", ISSUER]},
}


@pytest.fixture(scope="module")
def acme(lab):
    server = AcmeServer(lab.dir / "persist-acme").start()
    server.plain_meta = dict(server.meta)
    yield server
    server.stop()


@pytest.fixture
def offer(acme):
    """offer(FORM, **members): from now on the server's challenges are of that form."""
    acme.reset()
    acme.meta = dict(acme.plain_meta)

    def use(members, prefix=True):
        def edit(answer, _request):
            for challenge in answer.body["challenges"]:
                challenge.pop("token", None)
                challenge.update(type="dns-persist-01", **members)

        acme.reset()
        acme.cue(Fault("authorization", edit=edit))
        if "issuerDomainNames" in members:
            acme.meta = {"caaIdentities": [ISSUER, "second.acme-server.test"], "issuerDomainNames": [ISSUER],
                         **({"accountHashPrefix": PREFIX} if prefix else {})}  # fmt: skip

    return use


def configure(lab, product, acme, name):
    entry = {"name": name, "challenge": "dns-persist-01", "cert_name": "persist"}
    product.write_config(lab.config([entry], provider=lab.provider(acme)))


def account(product):
    (path,) = product.state.glob("accounts/*/account.json")
    return json.loads(path.read_text())["url"]


def hashed(acme, product, name):
    """The draft's formula, computed anew."""
    url = account(product)
    jwk = acme.accounts[url.rsplit("/", 1)[1]]["jwk"]
    data = bytes([len(name)]) + name.encode() + thumbprint(jwk).encode() + url.encode()
    return PREFIX + "sha-256/" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def persist(product, *args):
    run = product.run("persist", "--json", *args)
    assert run.code == 0, run
    (record,) = run.json["records"]
    return run.json, record


PUBLISH = ["--publish", "--dns", "cloudflare"]


def test_the_first_draft(lab, product, acme, offer):
    offer(OFFERS["-00"])
    configure(lab, product, acme, "first.ferry.test")
    document, record = persist(product, *PUBLISH)
    assert document["form"] == "-00" and record["value"] == f"{ISSUER}; accounturi={account(product)}", document
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result("persist")["action"] == "issued", run
    assert acme.payloads("challenge")[-1] == {} and not acme.violations


def test_the_third_draft_needs_no_order_to_be_known(lab, product, acme, offer):
    offer(OFFERS["-02"])
    configure(lab, product, acme, "third.ferry.test")
    document, record = persist(product)
    assert document["form"] == "-02" and record["status"] == "missing", document
    assert record["value"] == f"{ISSUER}; accounturi={hashed(acme, product, 'third.ferry.test')}"
    assert not acme.count("new-order"), acme.requests
    assert acme.count("account") == 1, "the account must be seen to be valid"
    run = product.run("apply", "--json")
    assert run.code == 1 and f"accounturi={PREFIX}sha-256/" in run.result("persist")["error"]["hint"], run
    persist(product, *PUBLISH)
    run = product.run("apply", "--json", "--force")
    assert run.code == 0, run
    assert not acme.violations


def test_one_record_shared_by_domains(lab, product, acme, offer):
    offer(OFFERS["-02"])
    configure(lab, product, acme, "shared.ferry.test")
    persist(product)
    lab.cloudflare.add("ferry.test", "_validation-persist.shared.ferry.test",
                       f"{ISSUER}; accounturi={hashed(acme, product, '*')}")  # fmt: skip
    assert persist(product)[1]["status"] == "published"
    assert product.run("apply").code == 0


def test_after_a_key_rollover_the_third_draft_wants_another_record(lab, product, acme, offer):
    offer(OFFERS["-02"])
    configure(lab, product, acme, "rolled.ferry.test")
    before = persist(product, *PUBLISH)[1]["value"]
    assert product.run("apply").code == 0
    run = product.run("account", "rotate-key")
    assert run.code == 0 and "publish its dns-persist-01 record anew" in run.err, run
    run = product.run("apply", "--json", "--force")
    assert run.code == 1 and "earlier key" in run.result("persist")["error"]["detail"], run
    after = persist(product, *PUBLISH)[1]
    assert after["status"] == "published" and after["value"] != before
    assert len(lab.cloudflare.records("_validation-persist.rolled.ferry.test")) == 2, "the old one is not ours to remove"
    assert product.run("apply", "--force").code == 0


def test_an_account_that_has_ended_gets_no_record(lab, product, acme, offer):
    offer(OFFERS["-02"])
    configure(lab, product, acme, "ended.ferry.test")
    persist(product)
    acme.cue(Fault("account", json={"status": "deactivated"}))
    run = product.run("persist", *PUBLISH)
    assert run.code == 1 and "is deactivated" in run.err, run
    assert not lab.cloudflare.records()


@pytest.mark.parametrize("members, words", [
    ({"issuer-domain-names": [ISSUER], "accounturi": "https://127.0.0.1/account/999"}, "is not ours"),
    ({"issuerDomainNames": []}, "malformed"),
    ({"issuerDomainNames": ["second.acme-server.test"]}, f"leaves out the issuer {ISSUER}"),
    ({"issuerDomainNames": [ISSUER, "evil.test"]}, "evil.test"),
    ({"issuer-domain-names": [f"{ISSUER}; accounturi=https://evil.test/"]}, "malformed"),
])  # fmt: skip
def test_challenges_that_are_not_to_be_trusted(lab, product, acme, offer, members, words):
    """Whatever stands in DNS: nothing is answered, nothing is published."""
    offer(members)
    configure(lab, product, acme, "hostile.ferry.test")
    run = product.run("apply", "--json")
    assert run.code == 1 and words in run.result("persist")["error"]["detail"], run
    assert not acme.count("challenge"), acme.requests
    if "issuerDomainNames" not in members:  # else the directory alone says what to publish
        run = product.run("persist", *PUBLISH)
        assert run.code == 1 and words in run.err, run
    assert not lab.cloudflare.records()


def test_the_third_draft_without_a_prefix(lab, product, acme, offer):
    offer(OFFERS["-02"], prefix=False)
    configure(lab, product, acme, "prefix.ferry.test")
    for command in (["apply"], ["persist"]):
        run = product.run(*command)
        assert run.code == 1 and "accountHashPrefix" in run.err, run
    assert not acme.count("challenge")
