# SPDX-License-Identifier: Apache-2.0
"""Killed at each step of an order, when the CA has acted and its answer is on the way: the next run takes it up from
there, with the same key, and places no second order. With a key of ours, and with a request of the user's.
"""

import json
import os
import signal

import pytest
from fakes.acme_server import Fault
from lab import certificates
from lab.processes import run as command
from lab.wait import until

NAMES = ["www.ferry.test", "ferry.test"]
# Step -> how many orders there may be in all. An order whose answer never came is unknown here: only then a second one.
STEPS = {"new-order": 2, "authorization": 1, "challenge": 1, "order": 1, "finalize": 1, "certificate": 1}


def own_request(folder):
    key, path = folder / "own.key", folder / "own.csr"
    command(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
    san = "subjectAltName=" + ",".join(f"DNS:{name}" for name in NAMES)
    command(["openssl", "req", "-new", "-key", key, "-subj", "/", "-addext", san, "-out", path])
    return path


def arguments(scripted, product, own):
    what = ["--csr", own] if own else ["-d", NAMES[0], "-d", NAMES[1]]
    return ["issue", *what, "--webroot", scripted.webroot, "--server", scripted.server.url, "--ca-bundle",
            scripted.server.ca_bundle, "--state-dir", product.state, "--agree-tos", "--json"]  # fmt: skip


@pytest.mark.parametrize("whose", ["our key", "own request"])
@pytest.mark.parametrize("step", STEPS)
def test_killed(scripted, step, whose):
    server = scripted.server
    server.reset()
    product = scripted.product(NAMES)
    own = own_request(product.dir) if whose == "own request" else None
    args = arguments(scripted, product, own)
    fault = server.cue(Fault(step, times=1, wire="silence"))
    process = product.start(*args, config=False)
    until(lambda: fault.used, f"the CA is asked for {step}")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    staged = {path.name: path.read_bytes() for path in product.state.glob(f"archive/{NAMES[0]}/.next/*")}

    run = product.run(*args, config=False)
    assert run.code == 0 and run.result(NAMES[0])["action"] == "issued", run
    assert server.count("new-order") == STEPS[step], server.requests
    assert server.violations == []
    live = product.live(NAMES[0])
    if own:
        wanted = command(["openssl", "req", "-in", own, "-noout", "-pubkey"])
        assert command(["openssl", "x509", "-in", live / "cert.pem", "-noout", "-pubkey"]) == wanted
        assert not list(product.state.rglob("privkey.pem"))
    else:
        assert certificates.pair_matches(live)
        if STEPS[step] == 1:
            assert (live / "privkey.pem").read_bytes() == staged["privkey.pem"], "another key than the order's"
    assert product.order(NAMES[0]) is None
    assert json.loads((product.state / "renewal" / f"{NAMES[0]}.json").read_text())["generation"] == 1


def killed_while_validating(server, product, *args, config=True):
    """Killed when the challenge is published; then the CA gives the order up, and nobody takes it up again."""
    fault = server.cue(Fault("challenge", times=1, wire="silence"))
    process = product.start(*args, config=config)
    until(lambda: fault.used, "the challenge is answered")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    for order in server.orders.values():
        order["status"] = "invalid"


def published(product):
    return [path.name for path in product.state.glob("published/*")]


def test_challenge_files_of_an_order_that_ended(scripted):
    server = scripted.server
    server.reset()
    product = scripted.product(NAMES)
    killed_while_validating(server, product, "apply")
    left = scripted.challenge_files()
    assert len(left) == len(NAMES) and published(product) == [f"{NAMES[0]}.json"]
    somebodys = left[0].parent / "somebody-elses-token-0123456789"
    somebodys.write_text("not ours")
    run = product.run("apply")
    assert run.code == 0 and "left behind" in run.err, run
    assert scripted.challenge_files() == [somebodys]
    assert published(product) == []
    somebodys.unlink()


def test_challenge_files_of_a_certificate_that_is_not_wanted_any_more(scripted):
    server = scripted.server
    server.reset()
    product = scripted.product(NAMES)
    killed_while_validating(server, product, "apply")
    assert scripted.challenge_files()
    product.write_config(scripted.config(["another.ferry.test"]))
    run = product.run("apply")
    assert run.code == 0, run
    assert scripted.challenge_files() == [] and published(product) == []
