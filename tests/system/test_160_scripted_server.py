# SPDX-License-Identifier: Apache-2.0
"""The scripted ACME server itself: with a client that behaves it finds nothing wrong, and it sees what is wrong."""

import json
import ssl
import urllib.error
import urllib.request

from fakes.acme_server import Fault
from lab import certificates

NAMES = ["www.ferry.test", "ferry.test", "blog.ferry.test"]


def test_a_certificate_is_issued_and_nothing_was_wrong(scripted):
    scripted.server.reset()
    product = scripted.product(NAMES)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAMES[0])["action"] == "issued", run
    assert scripted.server.violations == []
    assert certificates.names(product.live(NAMES[0]) / "cert.pem") == sorted(NAMES)
    assert certificates.pair_matches(product.live(NAMES[0]))
    assert scripted.challenge_files() == []
    steps = [request.step for request in scripted.server.requests]
    assert steps.count("new-account") == steps.count("new-order") == steps.count("finalize") == 1, steps


def test_it_checks_what_it_is_sent(scripted):
    """Without this, an empty list of violations would mean nothing."""
    server = scripted.server
    server.reset()
    context = ssl.create_default_context(cafile=server.ca_bundle)

    def send(path, body, **headers):
        request = urllib.request.Request(server.base + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, context=context, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as failure:
            return failure.code, failure.read()

    assert send("/new-order", b"{}", **{"Content-Type": "application/json"})[0] == 400
    assert "Content-Type" in server.violations[-1]
    assert send("/new-order", b"{}", **{"Content-Type": "application/jose+json"})[0] == 400
    assert "protected, payload and signature" in server.violations[-1]
    forged = json.dumps({"protected": "eyJhbGciOiJub25lIn0", "payload": "", "signature": ""}).encode()
    assert send("/new-order", forged, **{"Content-Type": "application/jose+json"})[0] == 400
    assert "protected header" in server.violations[-1]
    assert send("/order/1", None)[0] == 400
    assert "GET at /order/1" in server.violations[-1]


def test_a_fault_has_its_time(scripted):
    server = scripted.server
    server.reset()
    server.cue(Fault("finalize", times=1, refuse=(500, "serverInternal", "come back later")))
    product = scripted.product()
    run = product.run("apply", "--force")
    assert run.code in (0, 1), run
    assert server.count("finalize") >= 1
    assert server.violations == []
    if run.code == 1:
        assert "come back later" in run.text, run
