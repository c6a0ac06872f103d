# SPDX-License-Identifier: Apache-2.0
"""Known CAs by name: ZeroSSL fetches its credentials by itself, the others say what they want and where it is to be had."""

import json
import os
import random

import pytest

from fakes.zerossl import FrontDoor, LookUp
from lab.servers import self_signed
from lab.vendor import Cloudflare
from test_110_accounts import MAC_KEYS, folders

CAS = {"acme.zerossl.com": "zerossl", "dv.acme-v02.api.pki.goog": "google", "acme.ssl.com": "sslcom"}


class World:
    """A DNS in which the known CAs are this machine, their front door, and ZeroSSL's web service."""

    def __init__(self, lab, folder):
        address = f"127.{random.randrange(60, 250)}.{random.randrange(1, 250)}.{random.randrange(1, 250)}"
        self.dns = Cloudflare(folder / "dns", ["zerossl.com", "pki.goog", "ssl.com"])
        for name in CAS:
            self.dns.argv += ["--host", f"{name}={address}"]
        self.ca = lab.another_ca(eab=MAC_KEYS)
        self_signed(folder, list(CAS), key="door.key", cert="door.pem")
        self.bundle = folder / "door.pem"
        self.door = FrontDoor(address, self.bundle, folder / "door.key", self.ca)
        self.look_up = LookUp(("kid-1", MAC_KEYS["kid-1"]))
        self.dns.start()

    def run(self, product, *args, url=None, **more):
        product.resolver = self.dns.resolver
        environment = {"CERTFERRY_ZEROSSL_EAB_URL": url or self.look_up.url, "CERTFERRY_CA_BUNDLE": str(self.bundle)}
        return product.run(*args, "--state-dir", product.state, env=environment, **more)

    def stop(self):
        self.dns.stop()
        self.door.shutdown()
        self.look_up.shutdown()


@pytest.fixture(scope="module")
def world(lab, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("binding port 443 needs root")
    made = World(lab, tmp_path_factory.mktemp("known-cas"))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def fresh(world):
    world.look_up.asked, world.look_up.problems, world.look_up.answer = [], [], None
    world.door.directory = "/v2/DV90"


def register(world, product, *args, server="zerossl", **more):
    return world.run(product, "account", "register", "--server", server, "--agree-tos", *args, config=False, **more)


def test_zerossl_fetches_its_credentials(world, product):
    run = register(world, product, "--email", "admin+tls@ferry.test", "--json")
    assert run.code == 0, run
    (view,) = run.json["accounts"]
    assert view["ca"] == "zerossl" and view["url"].startswith("https://acme.zerossl.com/"), run
    assert "asking ZeroSSL" in run.err and "admin+tls@ferry.test" in run.err, run
    assert world.look_up.asked == ["admin+tls@ferry.test"] and world.look_up.problems == []
    # Once is enough, and what was fetched is kept nowhere.
    run = register(world, product, "--email", "admin+tls@ferry.test", "--json")
    assert run.json["accounts"][0]["action"] == "unchanged" and len(world.look_up.asked) == 1, run
    for path in product.state.rglob("*"):
        assert not path.is_file() or MAC_KEYS["kid-1"] not in path.read_text(errors="replace"), path


def test_zerossl_by_config(world, product, lab):
    product.write_config(lab.config([lab.domain("www.ferry.test")], provider="zerossl"))
    run = world.run(product, "config", "check")
    assert run.code == 0 and "eab" not in run.text, run
    # The names resolve to nothing at this DNS, so the certificate fails; the account is there.
    run = world.run(product, "apply", "--timeout", "20", "-vv")
    assert world.look_up.asked == ["admin@ferry.test"], run
    assert json.loads((folders(product)[0] / "account.json").read_text())["url"].startswith("https://acme.zerossl.com/")
    assert MAC_KEYS["kid-1"] not in run.text


def test_credentials_given_are_taken(world, product):
    key = product.dir / "hmac"
    key.write_text(MAC_KEYS["kid-2"])
    key.chmod(0o600)
    run = register(world, product, "--email", "admin@ferry.test", "--eab-kid", "kid-2", "--eab-hmac-key-file", str(key))
    assert run.code == 0 and world.look_up.asked == [], run


def test_no_address_and_no_credentials(world, product):
    run = register(world, product)
    assert run.code == 2 and "external account credentials" in run.err and "e-mail address" in run.err, run
    assert "app.zerossl.com" in run.err and world.look_up.asked == [], run


def test_terms_come_first(world, product):
    run = world.run(product, "account", "register", "--server", "zerossl", "--email", "a@ferry.test", config=False)
    assert run.code == 2 and "--agree-tos" in run.err and world.look_up.asked == [], run


@pytest.mark.parametrize(
    "answer, words",
    [
        ((400, json.dumps({"success": False, "error": {"code": 2900, "type": "missing_email"}})), "missing_email"),
        ((200, json.dumps({"success": True, "eab_kid": "k"})), "no external account credentials"),
        ((503, "<html>busy</html>"), "no JSON"),
        ((200, json.dumps({"success": True, "eab_kid": "k\x1b[31m", "eab_hmac_key": "!!"})), "HMAC key"),
    ],
)
def test_look_up_that_fails(world, product, answer, words):
    world.look_up.answer = answer
    run = register(world, product, "--email", "admin@ferry.test")
    assert run.code != 0 and words in run.err and "ZeroSSL's website" in run.err, run
    assert "\x1b" not in run.text
    # The next try begins where this one ended.
    world.look_up.answer = None
    assert register(world, product, "--email", "admin@ferry.test").code == 0


def test_look_up_only_over_https_or_to_oneself(world, product):
    run = register(world, product, "--email", "admin@ferry.test", url="http://192.0.2.1/acme")
    assert run.code == 2 and "https://" in run.err, run


def test_google_wants_a_contact_and_credentials(world, product):
    world.door.directory = "/directory"
    run = register(world, product, server="google")
    assert run.code == 2 and "only with an e-mail address" in run.err, run
    run = register(world, product, "--email", "admin@ferry.test", server="google")
    assert run.code == 2 and "gcloud publicca external-account-keys create" in run.err, run


def test_sslcom_has_a_directory_per_key_type(world, product, lab):
    world.door.directory = "/sslcom-dv-rsa"
    key = product.dir / "hmac"
    key.write_text(MAC_KEYS["kid-2"])
    key.chmod(0o600)
    run = world.run(product, "issue", "-d", "www.ferry.test", "--webroot", lab.webroot, "--server", "sslcom", "--agree-tos",
                    "--email", "a@ferry.test", "--key-type", "rsa-2048", "--eab-kid", "kid-2", "--eab-hmac-key-file",
                    str(key), "--timeout", "20", config=False)  # fmt: skip
    # An account at the directory for RSA (the certificate itself fails: the names are not in this DNS).
    assert json.loads((folders(product)[0] / "account.json").read_text())["ca_url"].endswith("/sslcom-dv-rsa"), run


def test_retired(world, product):
    run = register(world, product, server="buypass")
    assert run.code == 2 and "2025-10-31" in run.err, run
    run = register(world, product, server="https://api.buypass.com/acme/directory")
    assert run.code == 2 and "2025-10-31" in run.err, run
