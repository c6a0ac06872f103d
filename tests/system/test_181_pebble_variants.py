# SPDX-License-Identifier: Apache-2.0
"""Every way in which Pebble can vary, Debian's and the newest: one name, several names and a wildcard are issued, left
alone when nothing is due, and renewed.
"""

import re

import pytest

from lab import certificates
from lab.processes import run as tool

ONE, SEVERAL, WILDCARD = "one.ferry.test", "several.ferry.test", "wild.ferry.test"
NAMES = {
    ONE: [ONE],
    SEVERAL: ["b.ferry.test", "c.ferry.test", SEVERAL],
    WILDCARD: [f"*.{WILDCARD}", WILDCARD],
}
EAB = {"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}
SIX_DAYS = 6 * 86400

VARIANTS = {
    "as it comes": {},
    "5 % of nonces rejected": {"nonce_reject": 5},
    "50 % of nonces rejected": {"nonce_reject": 50},
    "no authorization used again": {"authz_reuse": 0},
    "every authorization used again": {"authz_reuse": 100},
    "alternate roots": {"alternate_roots": 3},
    "longer chains": {"chain_length": 3},
    "external accounts only": {"eab": EAB},
    "six days": {"validity": SIX_DAYS},
    "all of it": {"nonce_reject": 20, "alternate_roots": 2, "chain_length": 4, "eab": EAB, "validity": SIX_DAYS},
}


@pytest.fixture(scope="module", params=["Debian's Pebble", "the newest Pebble"])
def program(request):
    return "pebble" if request.param.startswith("Debian") else request.getfixturevalue("newest_program")


@pytest.fixture(params=VARIANTS)
def ca(request, lab, program):
    """Running for one test: with another's nonces or authorizations it would not be the same."""
    authority = lab.another_ca(program=program, **VARIANTS[request.param])
    yield authority
    authority.stop()


def config(lab, ca, **more):
    if ca.eab:
        kid, key = next(iter(ca.eab.items()))
        more["eab"] = {"kid": kid, "hmac_key": key}
    domains = [
        lab.domain(ONE),
        lab.domain(SEVERAL, aliases=["b.ferry.test", "c.ferry.test"]),
        lab.wildcard(f"*.{WILDCARD}"),
    ]
    return lab.config(domains, provider=lab.provider(ca, **more))


def certificates_in(path):
    return path.read_text().count("BEGIN CERTIFICATE")


def check(ca, product):
    for name, names in NAMES.items():
        live = product.live(name)
        assert certificates.names(live / "cert.pem") == sorted(names)
        assert certificates.pair_matches(live)
        chain = live / "chain.pem"
        tool(["openssl", "verify", "-purpose", "sslserver", "-CAfile", ca.root, "-untrusted", chain, live / "cert.pem"])


def lifetime(product, name):
    entry = next(e for e in product.run("list", "--json").json["certificates"] if e["name"] == name)
    return entry["days_left"]


def test_issue_keep_and_renew(lab, product, ca):
    product.write_config(config(lab, ca))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert {name: run.result(name)["action"] for name in NAMES} == dict.fromkeys(NAMES, "issued"), run
    check(ca, product)
    assert certificates_in(product.live(ONE) / "fullchain.pem") == 1 + int(ca.env["PEBBLE_CHAIN_LENGTH"])

    mark = ca.mark()
    run = product.run("apply", "--json")
    assert run.code == 0 and all(run.result(name)["action"] == "unchanged" for name in NAMES), run
    assert ca.orders(mark) == 0, run

    mark = ca.mark()
    run = product.run("apply", "--force", "--json")
    assert run.code == 0 and all(run.result(name)["action"] == "renewed" for name in NAMES), run
    check(ca, product)
    answered = [path for method, path in ca.requests(mark) if method == "POST" and "/chalZ/" in path]
    if ca.env.get("PEBBLE_AUTHZREUSE") == "100":
        assert not answered, "what is authorized already was proven again"
    if ca.env.get("PEBBLE_AUTHZREUSE") == "0":
        assert answered, "nothing was proven"  # its 0 % is one in a hundred, so not all six for sure
    if int(ca.env.get("PEBBLE_WFE_NONCEREJECT", 0)) >= 50:
        steps = ("/order-plz", "/finalize-order/", "/certZ/")
        sent = [path for method, path in ca.requests() if method == "POST" and path.startswith(steps)]
        assert len(sent) > 2 * len(NAMES) * len(steps), "no nonce was rejected"
    if "certificateValidityPeriod" in (ca.dir / "pebble.json").read_text():
        assert 5 <= lifetime(product, ONE) <= 6
    assert lab.cloudflare.records() == [], "TXT values are left"


@pytest.mark.parametrize("number", [0, 2])
def test_the_preferred_chain(lab, product, program, number):
    """Under whichever root is asked for; and where there is none of that name, the default with a note."""
    authority = lab.another_ca(program=program, alternate_roots=3)
    try:
        subject = tool(["openssl", "x509", "-in", authority.roots[number], "-noout", "-subject", "-nameopt", "multiline"])
        name = re.search(r"commonName\s*= (.*)", subject)[1].strip()
        product.write_config(config(lab, authority, preferred_chain=name))
        run = product.run("apply", "--json")
        assert run.code == 0, run
        live = product.live(ONE)
        tool(["openssl", "verify", "-CAfile", authority.roots[number], "-untrusted", live / "chain.pem", live / "cert.pem"])
        product.write_config(config(lab, authority, preferred_chain="No Such Root"))
        run = product.run("apply", "--force", "--json")
        assert run.code == 0 and "No Such Root" in run.text, run
    finally:
        authority.stop()


def test_an_external_account_is_asked_for(lab, product, program):
    """Without credentials, or with wrong ones: what is missing, and where it goes; no certificate, no half account."""
    authority = lab.another_ca(program=program, eab=EAB)
    try:
        domains = [lab.domain(ONE)]
        product.write_config(lab.config(domains, provider=lab.provider(authority)))
        run = product.run("apply", "--json")
        assert run.code == 1 and "eab" in run.result(ONE)["error"]["hint"], run
        wrong = lab.provider(authority, eab={"kid": "kid-1", "hmac_key": "b10lLJs8l1GPIzsLP0s6pMt8O0XVGnfTaCeROxQM0BI"})
        product.write_config(lab.config(domains, provider=wrong))
        run = product.run("apply", "--json", "--force")
        assert run.code == 1, run
        assert "b10lLJs8l1GPIzsLP0s6pMt8O0XVGnfTaCeROxQM0BI" not in run.text, "the MAC key is shown"
        right = lab.provider(authority, eab={"kid": "kid-1", "hmac_key": EAB["kid-1"]})
        product.write_config(lab.config(domains, provider=right))
        run = product.run("apply", "--json", "--force")
        assert run.code == 0, run
    finally:
        authority.stop()
