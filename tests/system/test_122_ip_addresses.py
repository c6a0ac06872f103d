# SPDX-License-Identifier: Apache-2.0
"""Certificates for IP addresses (RFC 8738): IPv4, IPv6, beside DNS names, by every challenge that can prove them."""

import socket

import pytest

from lab import certificates
from lab.processes import free_port
from lab.servers import write


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


@pytest.fixture(scope="module")
def ca(lab):
    """Asks for http-01 on ca.http_port, where nobody listens, and for tls-alpn-01 on ca.tls_port."""
    port = free_port()
    authority = lab.another_ca(more={"httpPort": port}, authz_reuse=0)
    authority.http_port = port
    return authority


def issue(ca, product, *args):
    return product.run("issue", "--server", ca.url, "--ca-bundle", ca.ca_bundle, "--state-dir", product.state,
                       "--agree-tos", "--email", "admin@ferry.test", "--json", *args, config=False)  # fmt: skip


CASES = [
    (["127.0.0.1"], "127.0.0.1", ["127.0.0.1"]),
    (["::1"], "0--1", ["0:0:0:0:0:0:0:1"]),
    (["0:0:0:0:0:0:0:1"], "0--1", ["0:0:0:0:0:0:0:1"]),
    (["127.0.0.1", "::1", "mixed.ferry.test"], "127.0.0.1", ["0:0:0:0:0:0:0:1", "127.0.0.1", "mixed.ferry.test"]),
]


@pytest.mark.parametrize("way", ["--standalone", "--alpn"])
@pytest.mark.parametrize("names, called, found", CASES)
def test_by_a_responder(ca, product, way, names, called, found):
    port = ca.http_port if way == "--standalone" else ca.tls_port
    run = issue(ca, product, *[word for name in names for word in ("-d", name)], way, port)
    assert run.code == 0, run
    assert certificates.names(product.live(called) / "cert.pem") == found
    assert certificates.pair_matches(product.live(called))
    run = product.run("renew", "--force", "--state-dir", product.state, "--json", config=False)
    assert run.code == 0 and run.result(called)["action"] == "renewed", run


@pytest.mark.parametrize("names, called, found", CASES)
def test_by_a_webroot(lab, product, names, called, found):
    vhost = lab.web.dir / "vhosts/ipv6.conf"
    if not vhost.exists():
        write(vhost, f"server {{\n\tlisten [::1]:{lab.web.port};\n\troot {lab.webroot};\n}}\n")
        lab.web.reload()
    run = issue(lab.ca, product, *[word for name in names for word in ("-d", name)], "--webroot", lab.webroot)
    assert run.code == 0, run
    assert certificates.names(product.live(called) / "cert.pem") == found


def test_the_config_calls_it_the_same(lab, ca, product):
    challenge = {"type": "http-01", "listen": f"[::1]:{ca.http_port}"}
    product.write_config(lab.config([{"name": "::1", "challenge": challenge}], provider=lab.provider(ca)))
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result("0--1")["action"] == "issued", run
    assert certificates.names(product.live("0--1") / "cert.pem") == ["0:0:0:0:0:0:0:1"]


def test_dns_cannot_prove_an_address(lab, product):
    domain = {"name": "127.0.0.1", "dns_provider": "cloudflare"}
    product.write_config(lab.config([domain]))
    run = product.run("apply")
    assert run.code == 2 and "127.0.0.1 cannot be validated by dns-01" in run.err, run
