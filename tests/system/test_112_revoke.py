# SPDX-License-Identifier: Apache-2.0
"""Revocation on Pebble: by account and by certificate key, with reasons, and what follows from it."""

import json
import shutil
import subprocess
import urllib.error

from test_110_accounts import account, issue  # noqa: E402


def revoke(product, ca, *args):
    return product.run("revoke", *args, "--ca-bundle", ca.ca_bundle, "--state-dir", product.state, config=False)


def command(product, *args):
    return product.run(*args, "--state-dir", product.state, config=False)


def obtain(lab, product, *args, name="www.ferry.test"):
    run = issue(product, lab, lab.ca, "--agree-tos", *args, name=name)
    assert run.code == 0, run


def seen_by_ca(ca, product, name="www.ferry.test"):
    """How the CA shows the live certificate: (status, reason)."""
    text = subprocess.run(["openssl", "x509", "-in", product.live(name) / "cert.pem", "-noout", "-serial"],
                          check=True, capture_output=True, text=True).stdout  # fmt: skip
    try:
        answer = json.loads(ca.get(f"https://127.0.0.1:{ca.management}/cert-status-by-serial/{text.strip().split('=')[1].lower()}"))
    except urllib.error.HTTPError as error:
        return str(error), None
    return answer["Status"], answer.get("Reason")


def key(product, name="www.ferry.test"):
    return (product.live(name) / "privkey.pem").read_text()


def status(product, name="www.ferry.test"):
    (entry,) = command(product, "list", name, "--json").json["certificates"]
    return entry["status"]


def test_by_the_account_for_a_reason(lab, product):
    obtain(lab, product)
    run = revoke(product, lab.ca, "www.ferry.test", "--reason", "superseded", "--json")
    assert run.code == 0, run
    (entry,) = run.json["revoked"]
    assert entry["result"] == "revoked" and entry["signed_by"] == "account" and entry["reason"] == "superseded", run
    assert seen_by_ca(lab.ca, product) == ("Revoked", 4)
    assert status(product) == "revoked"
    (shown,) = command(product, "show", "www.ferry.test", "--json").json["certificates"]
    assert shown["revocation_reason"] == "superseded" and shown["revoked_at"], shown
    assert "superseded" in command(product, "show", "www.ferry.test").out
    # Twice is not a failure.
    run = revoke(product, lab.ca, "www.ferry.test", "--json")
    assert run.code == 0 and run.json["revoked"][0]["result"] == "already_revoked", run
    # It is due now, and gets a new key.
    before = key(product)
    run = command(product, "renew", "www.ferry.test", "--json")
    assert run.code == 0 and "revoked on" in run.result("www.ferry.test")["reason"], run
    assert run.result("www.ferry.test")["action"] == "renewed" and key(product) != before, run
    assert status(product) == "valid"


def test_by_the_certificates_key(lab, product):
    obtain(lab, product)
    run = revoke(product, lab.ca, "www.ferry.test", "--with-certificate-key", "--reason", "1", "--json")
    assert run.code == 0 and run.json["revoked"][0]["signed_by"] == "certificate_key", run
    assert seen_by_ca(lab.ca, product) == ("Revoked", 1)


def test_without_the_account(lab, product):
    """The account is gone from here, or deactivated at the CA: the certificate's own key does it, and none is made."""
    obtain(lab, product)
    shutil.rmtree(product.state / "accounts")
    run = revoke(product, lab.ca, "www.ferry.test", "--json")
    assert run.code == 0 and run.json["revoked"][0]["signed_by"] == "certificate_key", run
    assert not (product.state / "accounts").exists() or not list((product.state / "accounts").iterdir())

    obtain(lab, product, name="blog.ferry.test")
    assert account(product, lab.ca, "deactivate", "--yes").code == 0
    run = revoke(product, lab.ca, "blog.ferry.test", "--json")
    assert run.code == 0 and run.json["revoked"][0]["signed_by"] == "certificate_key", run


def test_a_compromised_key_is_never_used_again(lab, product):
    """Not even where the certificate asks for its key to be kept, and not when somebody puts it back."""
    obtain(lab, product, "--reuse-key")
    before = key(product)
    run = command(product, "renew", "www.ferry.test", "--force")
    assert run.code == 0 and key(product) == before, run
    assert revoke(product, lab.ca, "www.ferry.test", "--reason", "keyCompromise").code == 0
    assert len(list((product.state / "revoked-keys").iterdir())) == 1
    assert command(product, "renew", "www.ferry.test").code == 0
    assert key(product) != before
    # From now on the new key is the one that is kept.
    after = key(product)
    assert command(product, "renew", "www.ferry.test", "--force").code == 0 and key(product) == after
    # The old key again, as a restored backup would bring it: it is not reused.
    live = product.live("www.ferry.test").resolve()
    old = product.state / "archive/www.ferry.test/1"
    for name in ("privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"):
        shutil.copy(old / name, live / name)
        (live / name).chmod(0o600)
    run = command(product, "renew", "www.ferry.test", "--force")
    assert run.code == 0 and "not reusing the key" in run.err, run
    assert key(product) not in (before, after)


def test_refusals(lab, product):
    run = revoke(product, lab.ca, "nothing.ferry.test")
    assert run.code == 2 and "no stored certificate" in run.err, run
    run = revoke(product, lab.ca)
    assert run.code == 2 and "name of one certificate" in run.err, run
    obtain(lab, product)
    for reason, words in (("2", "for CAs only"), ("7", "not in use"), ("because", "no reason")):
        run = revoke(product, lab.ca, "www.ferry.test", "--reason", reason)
        assert run.code == 2 and words in run.err, run
    # Pebble does not know every reason; the CA's words, and those it takes.
    run = revoke(product, lab.ca, "www.ferry.test", "--reason", "removeFromCRL")
    assert run.code == 1 and "does not take the reason" in run.err or run.code == 0, run


def test_a_revoked_key_is_not_reused_for_whatever_reason(lab, product):
    obtain(lab, product, "--reuse-key")
    before = key(product)
    assert revoke(product, lab.ca, "www.ferry.test", "--reason", "cessationOfOperation").code == 0
    assert command(product, "renew", "www.ferry.test").code == 0
    assert key(product) != before and not list((product.state / "revoked-keys").glob("*.json"))
