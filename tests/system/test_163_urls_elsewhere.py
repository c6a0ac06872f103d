# SPDX-License-Identifier: Apache-2.0
"""A CA whose URLs point elsewhere: to another server, another port, plain HTTP, with a user, with a fragment, by a
redirect. Nothing signed may go there, and nothing may be asked for there.
"""

import socket
import threading

import pytest

from fakes.acme_server import AcmeServer, Answer, Fault
from lab.hostile import CERT, case


class Elsewhere:
    """A server with the same trusted certificate on another port, and a bare port: who came?"""

    def __init__(self, folder, server):
        self.acme = AcmeServer(folder, identity=(server.ca_bundle, server.https_key)).start()
        self.bare = socket.create_server(("127.0.0.1", 0))
        self.bare_port, self.visits = self.bare.getsockname()[1], 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.bare.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def came(self):
        return self.acme.connections + self.visits

    def stop(self):
        self.acme.stop()
        self.bare.close()


@pytest.fixture(scope="module")
def elsewhere(scripted):
    other = Elsewhere(scripted.dir / "elsewhere", scripted.server)
    yield other
    other.stop()


def challenge_url(url):
    def edit(answer, _request):
        for challenge in answer.body["challenges"]:
            challenge["url"] = url

    return [Fault("authorization", edit=edit)]


# Where the CA names a URL: how to put another one there, and at which step it is noticed.
PLACES = {
    "newNonce": (lambda url: [Fault("directory", json={"newNonce": url})], "directory"),
    "newAccount": (lambda url: [Fault("directory", json={"newAccount": url})], "directory"),
    "newOrder": (lambda url: [Fault("directory", json={"newOrder": url})], "directory"),
    "order": (lambda url: [Fault("new-order", headers={"Location": url})], "new-order"),
    "authorization": (lambda url: [Fault("new-order", json={"authorizations": [url, url + "2"]})], "authorize"),
    "challenge": (challenge_url, "challenge"),
    "finalize": (lambda url: [Fault("new-order", json={"finalize": url})], "new-order"),
    "finalize later": (lambda url: [Fault("order", json={"finalize": url})], ("validate", "finalize")),
    "certificate": (lambda url: [Fault("finalize", json={"certificate": url}),
                                 Fault("order", json={"certificate": url})], "download"),
}  # fmt: skip

TARGETS = {
    "another port": ("https://127.0.0.1:{other}/order/1", "another server"),
    "a foreign host": ("https://evil.test/order/1", "another server"),
    "plain HTTP": ("http://127.0.0.1:{port}/order/1", ""),
    "a user name": ("https://www.ferry.test@127.0.0.1:{other}/order/1", "user name"),
    "our host as user name": ("https://127.0.0.1:{port}@127.0.0.1:{bare}/order/1", ""),
    "a fragment": ("https://127.0.0.1:{port}/order/1#x", "fragment"),
    "a backslash": ("https://127.0.0.1:{port}\\@127.0.0.1:{bare}/", ""),
    "another scheme": ("file:///etc/passwd", "https"),
    "gopher": ("gopher://127.0.0.1:{bare}/", "https"),
    "no scheme": ("//127.0.0.1:{bare}/order/1", "https"),
    "a path": ("/order/1", "https"),
    "nothing": ("", ""),
    "a line break": ("https://127.0.0.1:{port}/order/1 HTTP/1.1%0d%0aX: y\r\nX-Y: z", ""),
    "3000 characters": ("https://127.0.0.1:{port}/" + "a" * 3000, ""),
}


def cases():
    """Every place with the targets that matter most, and every target at one place."""
    for place in PLACES:
        for target in ("another port", "plain HTTP", "a user name"):
            yield place, target
    for target in TARGETS:
        if target not in ("another port", "plain HTTP", "a user name"):
            yield ("order" if target not in ("a line break", "nothing") else "finalize"), target


@pytest.mark.parametrize("place,target", cases(), ids=lambda value: value)
def test_nothing_is_sent_there(hostile, elsewhere, place, target):
    pattern, says = TARGETS[target]
    faults, step = PLACES[place]
    url = pattern.replace("{port}", str(hostile.server.port)).replace("{other}", str(elsewhere.acme.port))
    url = url.replace("{bare}", str(elsewhere.bare_port))
    before = elsewhere.came()
    hostile.play(case(f"{place}: {target}", *faults(url), step=step, says=says))
    assert elsewhere.came() == before, "somebody went there"


REDIRECTS = {
    "new-nonce": ("nonce", 302),
    "new-order": ("new-order", 307),
    "authorization": ("authorize", 308),
    "challenge": ("challenge", 307),
    "order": ("validate", 301),
    "finalize": ("finalize", 307),
    "certificate": ("download", 303),
}


@pytest.mark.parametrize("step", REDIRECTS)
def test_no_redirect_is_followed(hostile, elsewhere, step):
    """What was signed for one URL is for no other; also where the other is on the same server."""
    shown, status = REDIRECTS[step]
    before = elsewhere.came()
    for target in (elsewhere.acme.url, hostile.server.url):
        fault = Fault(step, answer=Answer(status, {"Location": target, "Content-Type": "text/html"}, "moved"))
        hostile.play(case(f"{step} {status}", fault, step=shown, says=str(status)))
    assert elsewhere.came() == before


def test_a_directory_may_move_on_its_own_server_only(hostile, elsewhere):
    server = hostile.server
    product = hostile.prepare()
    server.cue(Fault("directory", times=1, answer=Answer(302, {"Location": "/dir?moved=1"})))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    for target in (elsewhere.acme.url, f"http://127.0.0.1:{server.port}/dir", "https://evil.test/dir", "file:///etc/passwd"):
        before = elsewhere.came()
        hostile.play(case(target, Fault("directory", answer=Answer(302, {"Location": target})), step="directory"))
        assert elsewhere.came() == before
    hostile.play(case("a circle", Fault("directory", answer=Answer(302, {"Location": "/dir"})), step="directory"))
    assert server.count("directory") < 10


def test_a_directory_over_plain_http_is_refused(scripted):
    scripted.server.reset()
    product = scripted.product(provider={"url": "http://ca.ferry.test/dir"})
    run = product.run("apply")
    assert run.code != 0 and "https" in run.text, run
    run = product.run("--server", "http://ca.ferry.test/dir", "apply")
    assert run.code != 0 and "https" in run.text, run
    assert not (product.state / "live" / CERT).exists()


def test_a_https_certificate_that_is_not_trusted(hostile, elsewhere):
    """The CA's HTTPS is verified by name and by chain; no account is made at who cannot prove who it is."""
    product = hostile.prepare()
    other = AcmeServer(hostile.lab.dir / "untrusted").start()
    try:
        config = hostile.lab.config([CERT])
        config["ssl"]["provider"] = {"url": other.url, "ca_bundle": str(hostile.server.ca_bundle)}
        product.write_config(config)
        run = product.run("apply", "--json")
        assert run.code == 1 and "not trusted" in run.result(CERT)["error"]["detail"], run
        assert run.result(CERT)["error"]["hint"], run
        assert other.requests == []
    finally:
        other.stop()
