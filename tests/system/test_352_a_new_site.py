# SPDX-License-Identifier: Apache-2.0
"""A site that is new on its server: nothing serves it before its virtual host names the certificate's files, and no virtual
host passes its test before they are there. vhost --install does both; deploy --no-verify is for those who write their own."""

import re
import shlex
import shutil

import pytest

CERT = "new-site.ferry.test"
pytestmark = pytest.mark.parametrize("site", ["nginx", "apache"], indirect=True, scope="module")


@pytest.fixture
def issued(lab, product, site):
    """The certificate is here, and was never brought anywhere."""
    site.clear()
    shutil.rmtree(site.live / CERT, ignore_errors=True)
    domain = {"name": CERT, "dns_provider": "cloudflare"}
    product.write_config(lab.config([domain]))
    run = product.run("apply")
    assert run.code == 0, run
    product.write_config(lab.config([{**domain, "servers": ["web"]}], servers={"web": site.entry(lab)}))
    return product


def commands(text):
    """The commands that TEXT says to run."""
    return [shlex.split(line)[1:] for line in re.findall(r"`(certferry [^`]*)`", text)]


def test_it_is_installed_with_its_certificate(issued, site):
    product = issued
    run = product.run("vhost", "web", CERT, "--install", "--json")
    assert run.code == 0 and run.json["result"] == "installed" and run.json["notes"] == [], run
    assert site.request(CERT)[0] == 200
    run = product.run("plan", "--json")
    assert run.json["plan"][0]["servers"][0]["reason"] == "has the live generation and serves it", run
    assert product.run("vhost", "web", CERT, "--install", "--json").json["result"] == "unchanged"


def test_by_hand_with_the_commands_that_are_told(issued, site):
    product = issued
    run = product.run("apply")
    assert run.code == 3 and "rolled back" in run.out, run
    assert not (site.live / CERT).exists(), "nothing is left of what nobody serves"
    told = ["deploy", CERT, "--to", "web", "--no-verify"]
    assert told in commands(run.err), run
    printed = product.run("vhost", "web", CERT)
    assert commands(printed.err) == [told], printed
    run = product.run(*told)
    assert run.code == 0 and (site.live / CERT / "privkey.pem").exists(), run
    site.file(CERT).write_text(printed.out)
    if site.link(CERT) and not site.link(CERT).is_symlink():
        site.link(CERT).symlink_to(site.file(CERT))
    run = product.run("deploy", "--force")
    assert run.code == 0 and site.request(CERT)[0] == 200, run
    assert product.run("vhost", "web", CERT).err == ""


def test_what_is_broken_before_brings_nothing(issued, site):
    product = issued
    site.break_config()
    run = product.run("vhost", "web", CERT, "--install", "--json")
    assert run.code == 1 and run.json["result"] == "failed" and run.json["error"]["step"] == "test", run
    assert not site.file(CERT).exists() and not (site.live / CERT).exists(), run


def test_nothing_else_does_without_the_handshake(issued):
    for command in ("apply", "renew"):
        assert issued.run(command, "--no-verify").code == 2
