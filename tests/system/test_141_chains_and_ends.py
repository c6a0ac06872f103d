# SPDX-License-Identifier: Apache-2.0
"""The chain that is preferred, and the end that is asked for."""

import datetime
import json
import time

import pytest
from fakes.acme_server import Fault
from lab import certificates
from lab.processes import run as command

HOUR, DAY = 3600, 86400


@pytest.fixture(scope="module")
def ca(lab):
    return lab.another_ca(alternate_roots=3, chain_length=2)


def common_name(path):
    return command(["openssl", "x509", "-in", path, "-noout", "-subject", "-nameopt", "multiline"]).split("= ")[-1].strip()


def verifies(root, folder):
    command(["openssl", "verify", "-CAfile", root, "-untrusted", folder / "chain.pem", folder / "cert.pem"])


def issue(lab, ca, product, name, *more):
    return product.run("issue", "-d", name, "--webroot", lab.webroot, "--server", ca.url, "--ca-bundle", ca.ca_bundle,
                       "--state-dir", product.state, "--agree-tos", "--json", *more, config=False)  # fmt: skip


def test_each_alternate_can_be_preferred(lab, ca, product):
    for number, root in enumerate(ca.roots):
        name = f"chain{number}.ferry.test"
        domain = lab.domain(name)
        product.write_config(lab.config([domain], provider=lab.provider(ca, preferred_chain=common_name(root))))
        run = product.run("apply", "--json")
        assert run.code == 0 and run.result(name)["notes"] == [], run
        verifies(root, product.live(name))


def test_none_fits(lab, ca, product):
    run = issue(lab, ca, product, "nochain.ferry.test", "--preferred-chain", "No Such Root")
    assert run.code == 0, run
    assert "no chain under the issuer" in run.result("nochain.ferry.test")["notes"][0], run
    assert f'its chains end under "{common_name(ca.root)}"' in run.err, run
    verifies(ca.root, product.live("nochain.ferry.test"))


def ends(product, name):
    text = command(["openssl", "x509", "-in", product.live(name) / "cert.pem", "-noout", "-enddate"]).strip()
    end = datetime.datetime.strptime(text.removeprefix("notAfter="), "%b %d %H:%M:%S %Y %Z")
    return end.replace(tzinfo=datetime.timezone.utc).timestamp()


def test_an_end_as_a_span_is_asked_for_again_by_the_renewal(lab, ca, product):
    name = "ends.ferry.test"
    run = issue(lab, ca, product, name, "--not-after", "10d")
    assert run.code == 0, run
    assert abs(ends(product, name) - time.time() - 10 * DAY) < 600
    product.make_due(name)
    run = product.run("renew", "--state-dir", product.state, "--json", config=False)
    assert run.code == 0 and run.result(name)["action"] == "renewed", run
    assert abs(ends(product, name) - time.time() - 10 * DAY) < 600


def test_an_end_as_a_date(lab, ca, product):
    when = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(hours=36)
    run = issue(lab, ca, product, "date.ferry.test", "--not-after", when.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert run.code == 0, run
    assert abs(ends(product, "date.ferry.test") - when.timestamp()) < 600


def test_an_end_that_is_none(lab, ca, product):
    for text in ("tomorrow", "0d", "99999d", "10", "2020-01-01T00:00:00Z", "-5d"):
        run = issue(lab, ca, product, "date.ferry.test", f"--not-after={text}")
        assert run.code == 2, run
        assert "--not-after" in run.text and "10d, 36h" in run.text, run


def test_an_earlier_end_without_need_is_refused(lab, ca, product):
    """The CA's lifetimes shrink: a certificate that is not due is not given up for one that ends before it."""
    name = "shrinks.ferry.test"
    domain = lab.domain(name)
    product.write_config(lab.config([domain], provider=lab.provider(ca)))
    assert product.run("apply").code == 0
    path = product.state / "renewal" / f"{name}.json"
    before = certificates.fingerprint(product.live(name) / "cert.pem")
    record = json.loads(path.read_text())
    record["not_after"] += 3650 * DAY
    record["renew_at"] += 3650 * DAY
    path.write_text(json.dumps(record))
    product.write_config(lab.config([{**domain, "key_type": "rsa-2048"}], provider=lab.provider(ca)))
    run = product.run("apply", "--json")
    assert run.code == 1, run
    assert "before the live one" in run.result(name)["error"]["detail"], run
    assert "--force" in run.result(name)["error"]["hint"], run
    assert certificates.fingerprint(product.live(name) / "cert.pem") == before
    run = product.run("apply", "--force", "--json")
    assert run.code == 0 and "earlier than the one before it" in run.result(name)["notes"][0], run


def test_an_alternate_that_is_no_good_does_not_cost_the_default(scripted):
    """It ends under the preferred root, but begins with a certificate for another key."""
    server = scripted.server
    server.reset()
    other = scripted.product(["other.ferry.test"])
    assert other.run("apply").code == 0
    stranger = (other.live("other.ferry.test") / "cert.pem").read_text()
    server.alternates = 2

    def swap_leaf(answer, _request):
        end = "-----END CERTIFICATE-----\n"
        answer.body = stranger + answer.body.split(end, 1)[1]

    try:
        product = scripted.product(["www.ferry.test"])
        config = scripted.config(["www.ferry.test"])
        config["ssl"]["provider"]["preferred_chain"] = "Scripted Root 1"
        product.write_config(config)
        fault = server.cue(Fault("alternate", edit=swap_leaf))
        run = product.run("apply", "--json")
        assert fault.used, server.requests
        assert run.code == 0, run
        assert "the certificate is for another key" in run.result("www.ferry.test")["notes"], run
        verifies(server.root, product.live("www.ferry.test"))
        server.reset()
        run = product.run("apply", "--force", "--json")
        assert run.code == 0 and run.result("www.ferry.test")["notes"] == [], run
        assert "Scripted Intermediate" in certificates.issuer(product.live("www.ferry.test") / "cert.pem")
        with pytest.raises(Exception):
            verifies(server.root, product.live("www.ferry.test"))
    finally:
        server.alternates = 0
