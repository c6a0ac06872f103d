# SPDX-License-Identifier: Apache-2.0
"""dns-01 where `_acme-challenge` is delegated by a CNAME, and dns-account-01, whose record is the account's own."""

import base64
import hashlib
import json

import pytest

from lab import certificates


def account_label(url):
    return "_" + base64.b32encode(hashlib.sha256(url.encode()).digest()[:10]).decode().lower()


def account_url(product):
    (path,) = product.state.glob("accounts/*/account.json")
    return json.loads(path.read_text())["url"]


def written(lab):
    """(name, value) of each TXT record that was made."""
    made = [r for r in lab.cloudflare.requests() if r["method"] == "POST" and r["status"] == 200]
    bodies = [json.loads(r["body"]) for r in made]
    return [(body["name"], body["content"].strip('"')) for body in bodies]


def test_the_value_goes_where_the_cname_leads(lab, product):
    alias, target = "_acme-challenge.alias.ferry.test", "alias.validation.sub.ferry.test"
    lab.cloudflare.add("ferry.test", alias, target, kind="CNAME")
    product.write_config(lab.config([lab.wildcard("*.alias.ferry.test")]))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert run.result("alias.ferry.test")["action"] == "issued", run
    names = {name for name, _ in written(lab)}
    assert names == {target}, "a value beside a CNAME cannot exist"
    assert [r["content"] for r in lab.cloudflare.records(alias)] == [target], "the CNAME stays"
    assert not lab.cloudflare.records(target), "the value is gone"


@pytest.mark.parametrize("delegated", [False, True])
def test_dns_account_01(lab, product, newest, delegated):
    """The record stands below the account's label; a CNAME there is followed and stays."""
    name = f"account-{'far' if delegated else 'near'}.ferry.test"
    challenge = {"type": "dns-account-01", "provider": "cloudflare"}
    entry = {"name": f"*.{name}", "challenge": challenge, "cert_name": "account"}
    product.write_config(lab.config([{"name": f"first-{name}", "webroot": str(lab.webroot), "cert_name": "first"}],
                                    provider=lab.provider(newest)))  # fmt: skip
    run = product.run("apply")
    assert run.code == 0, run
    where = f"{account_label(account_url(product))}._acme-challenge.{name}"
    if delegated:
        lab.cloudflare.add("ferry.test", where, "far.sub.ferry.test", kind="CNAME")
    product.write_config(lab.config([entry], provider=lab.provider(newest)))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert run.result("account")["action"] == "issued", run
    assert certificates.names(product.live("account") / "cert.pem") == sorted([name, f"*.{name}"])
    target = "far.sub.ferry.test" if delegated else where
    assert {n for n, _ in written(lab)} == {target}
    assert not lab.cloudflare.records(target), "the values are gone"
    assert len(lab.cloudflare.records(where)) == delegated


def test_dns_account_01_without_a_config_and_its_renewal(lab, product, newest):
    run = product.run("issue", "-d", "cli-account.ferry.test", "--dns", "cloudflare", "--challenge", "dns-account-01",
                      "--server", newest.url, "--ca-bundle", newest.ca_bundle, "--state-dir", product.state,
                      "--agree-tos", "--email", "admin@ferry.test", "--json", config=False,
                      env={"CLOUDFLARE_API_URL": lab.cloudflare.url})  # fmt: skip
    assert run.code == 0, run
    assert [name for name, _ in written(lab)] == [
        f"{account_label(account_url(product))}._acme-challenge.cli-account.ferry.test"
    ]
    record = json.loads((product.state / "renewal/cli-account.ferry.test.json").read_text())
    assert record["challenge"] == "dns-account-01"


def test_a_ca_without_dns_account_01_says_what_it_offers(lab, product):
    run = product.run("issue", "-d", "no-account.ferry.test", "--dns", "cloudflare", "--challenge", "dns-account-01",
                      "--server", lab.ca.url, "--ca-bundle", lab.ca.ca_bundle, "--state-dir", product.state,
                      "--agree-tos", "--email", "admin@ferry.test", config=False,
                      env={"CLOUDFLARE_API_URL": lab.cloudflare.url})  # fmt: skip
    assert run.code == 1 and "does not offer dns-account-01" in run.err and "dns-01" in run.err, run
    assert not written(lab)
