# SPDX-License-Identifier: Apache-2.0
"""vhost --install where sites are not kept as Debian keeps them: the place is found, the site is served, and what the
system's packages lack is said by name."""

import os

import pytest
from conftest import need
from lab.layouts import LAYOUTS, Layout, why_no_views
from lab.processes import free_port
from lab.servers import write
from lab.sites import NginxSites
from test_355_vhost import until

CERT = "layout.ferry.test"  # sorted before the files that load Alpine's modules


def started(name):
    need(os.geteuid() == 0, "root, whose rights these programs give up by themselves")
    need(not why_no_views(), why_no_views())
    running = Layout(name)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="module", params=LAYOUTS)
def site(request):
    yield from started(request.param)


@pytest.fixture(scope="module")
def fedora():
    yield from started("Apache on Fedora and RHEL")


def test_the_place_is_found_and_the_site_served(lab, product, site):
    site.bring_certificate(lab, product, [CERT])
    run = product.run("vhost", "web", CERT, "--install", "--json")
    assert run.code == 0 and run.json["result"] == "installed", run
    assert run.json["path"] == site.place(CERT) and site.at(site.place(CERT)).exists(), run
    assert until(lambda: site.request(CERT)[2] == "a file\n")
    assert site.request(CERT, tls=False)[0] == 301
    assert site.request(CERT, "/.well-known/acme-challenge/token", tls=False)[2] == "the answer\n"
    assert site.handshake(CERT, protocols=["h2", "http/1.1"])[0] == "TLSv1.3"
    assert product.run("vhost", "web", CERT, "--install", "--json").json["result"] == "unchanged"

    # In front of one with TLS, by the CAs that this system trusts.
    run = product.run("vhost", "web", CERT, "--upstream", "https://localhost:1", "--install", "--force")
    assert run.code == 0 and until(lambda: site.request(CERT)[0] in (500, 502, 503)), run
    assert f" {site.trusted}" in site.at(site.place(CERT)).read_text().replace('"', ""), run

    # In front of several, what that takes is there too.
    behind = ["--upstream", "http://127.0.0.1:1", "--upstream", "http://127.0.0.1:2"]
    run = product.run("vhost", "web", CERT, *behind, "--install", "--force")
    assert run.code == 0 and until(lambda: site.request(CERT)[0] in (502, 503)), run


def test_a_port_that_nobody_listens_on_is_told(lab, product, fedora):
    """Apache takes a site for it without a word."""
    fedora.bring_certificate(lab, product, [CERT])
    fedora.at(fedora.place(CERT)).unlink(missing_ok=True)
    fedora.configure_product(lab, product, [CERT], verify={"address": "127.0.0.1", "port": free_port()})
    run = product.run("vhost", "web", CERT, "--install", "--json")
    assert run.code == 1 and run.json["result"] == "rolled_back" and run.json["error"]["step"] == "verify", run
    assert "Listen" in run.json["error"]["hint"] and not fedora.at(fedora.place(CERT)).exists(), run


@pytest.mark.parametrize("module", ["ssl", "proxy"])
def test_a_module_that_is_missing_is_named(lab, product, fedora, module):
    fedora.bring_certificate(lab, product, [CERT])
    folder = fedora.at("/etc/httpd")
    parts = [folder / f"conf.modules.d/00-{module}.conf", *([folder / "conf.d/ssl.conf"] if module == "ssl" else [])]
    for part in parts:
        part.rename(part.with_suffix(".off"))
    try:
        run = product.run("vhost", "web", CERT, "--upstream", "http://127.0.0.1:1", "--install", "--json")
    finally:
        for part in parts:
            part.with_suffix(".off").rename(part)
    assert run.code == 1 and run.json["result"] == "rolled_back" and run.json["error"]["step"] == "test", run
    assert f"module {module}" in run.err and f"a2enmod {module}" in run.err, run
    assert not fedora.at(fedora.place(CERT)).exists()


def test_without_ipv6_none_of_its_addresses_is_listened_on(lab, product):
    """As SFTP sees such a system; to nginx an address of it would be an error there."""
    need(os.geteuid() == 0, "root, whose rights these programs give up by themselves")
    need(not why_no_views(), why_no_views())
    site = NginxSites("placeholder.invalid")
    try:
        site.start()
        write(site.dir / "proc/self/net/dev", "")
        script = f"mount --bind {site.dir}/proc /proc && exec /usr/lib/openssh/sftp-server"
        server = write(site.dir / "sftp-server", f"#!/bin/sh\nexec unshare -m sh -c '{script}'\n")
        server.chmod(0o755)
        site.bring_certificate(lab, product, [CERT], sftp_server=str(server))
        run = product.run("vhost", "web", CERT, "--install", "--json")
        assert run.code == 0 and run.json["result"] == "installed", run
        assert "::" not in site.file(CERT).read_text() and "[::]" in product.run("vhost", "web", CERT).out
        assert until(lambda: site.request(CERT)[2] == "a file\n")

        # What was printed, and put there by hand, is no other content: it becomes what belongs there.
        site.file(CERT).write_text(product.run("vhost", "web", CERT).out)
        run = product.run("vhost", "web", CERT, "--install", "--json")
        assert run.code == 0 and run.json["result"] == "installed" and "::" not in site.file(CERT).read_text(), run
    finally:
        site.stop()
