# SPDX-License-Identifier: Apache-2.0
"""Orders that take long, fail for some of their names, are given up, or come after their names were authorized."""

import time

import pytest
from fakes.acme_server import AcmeServer, Fault


@pytest.fixture(scope="module")
def slow(lab, newest_program):
    """A CA that wants ten seconds between looks at an order."""
    return lab.another_ca(program=newest_program, retry_after=(1, 10), authz_reuse=0)


def test_an_order_in_progress_outlives_the_run(lab, slow, product):
    name = "slow.ferry.test"
    product.write_config(lab.config([lab.domain(name)], provider=lab.provider(slow)))
    begin = time.monotonic()
    run = product.run("apply", "--json", "--timeout", "6")
    assert run.code == 1 and time.monotonic() - begin < 9, run
    assert "kept: the next run takes it up again" in run.result(name)["error"]["hint"], run
    assert run.result(name)["error"]["retry_at"] is not None, run
    assert product.order(name) is not None
    assert slow.orders() == 1
    # Neither before the time that the CA named nor before our own.
    mark = slow.mark()
    run = product.run("apply", "--json", "--timeout", "6")
    assert run.code == 1 and run.result(name)["error"]["step"] == "back-off", run
    assert slow.requests(mark) == [], "asked before its time"
    run = product.run("apply", "--json", "--force")
    assert run.code == 0 and run.result(name)["action"] == "issued", run
    assert slow.orders() == 1, "the same order"
    assert product.order(name) is None


def test_the_names_that_failed_and_why(lab, product):
    names = ["fine.ferry.test", "missing.ferry.test"]
    product.write_config(lab.config([lab.domain(names[0], aliases=names[1:])]))
    run = product.run("apply", "--json")
    assert run.code == 1, run
    parts = run.result(names[0])["error"]["subproblems"]
    assert [part["identifier"] for part in parts] == [names[1]], run
    assert parts[0]["type"].startswith("urn:ietf:params:acme:error:") and parts[0]["detail"], run
    assert f"could not validate {names[1]}" in run.err and f"{names[1]} (http-01): " in run.err, run


def test_names_refused_with_the_order(scripted):
    server = scripted.server
    server.reset()
    body = {
        "type": "urn:ietf:params:acme:error:compound",
        "detail": "two names are not for this CA",
        "subproblems": [
            {"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "on a list",
             "identifier": {"type": "dns", "value": "www.ferry.test"}},
            {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA says no",
             "identifier": {"type": "dns", "value": "ferry.test"}},
            {"type": "urn:ietf:params:acme:error:malformed", "detail": "no name with this one"},
        ],
    }  # fmt: skip
    server.cue(Fault("new-order", status=400, json=body))
    run = scripted.product().run("apply", "--json")
    assert run.code == 1, run
    parts = run.result("www.ferry.test")["error"]["subproblems"]
    assert [(part["identifier"], part["detail"]) for part in parts] == [
        ("www.ferry.test", "on a list"), ("ferry.test", "CAA says no"), (None, "no name with this one")], run  # fmt: skip


def test_pre_authorization(scripted):
    server = scripted.server
    server.reset()
    product = scripted.product(["pre.ferry.test", "pre2.ferry.test"])
    config = scripted.config(["pre.ferry.test", "pre2.ferry.test"])
    config["ssl"]["domains"][0]["pre_authorize"] = True
    product.write_config(config)
    run = product.run("apply", "--json")
    assert run.code == 0, run
    steps = [request.step for request in server.requests]
    assert steps.count("new-authz") == 2 and steps.count("new-order") == 1, steps
    assert steps.index("challenge") < steps.index("new-order"), steps
    assert server.violations == []
    assert scripted.challenge_files() == []


@pytest.fixture
def eager(lab):
    """A CA with newAuthz that takes every answer, and wants each name once more with the order."""
    server = AcmeServer(lab.dir / "eager")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("way", ["dns", "servers"])
def test_pre_authorization_and_then_more_with_the_order(lab, product, eager, way):
    """Two rounds of challenges in one run: what the first published is gone before the second is there."""
    if way == "dns":
        entry = lab.wildcard("*.pre.ferry.test", pre_authorize=True)
    else:
        entry = lab.domain("pre.ferry.test", list(lab.servers), aliases=["pre4.ferry.test"], pre_authorize=True)
    product.write_config(lab.config([entry], provider=lab.provider(eager)))
    run = product.run("apply", "--json")
    assert run.result("pre.ferry.test")["action"] == "issued", run
    steps = [request.step for request in eager.requests]
    ordered = steps.index("new-order")
    assert "challenge" in steps[:ordered] and "challenge" in steps[ordered:], steps
    assert eager.violations == []
    assert not lab.cloudflare.records("_acme-challenge.pre.ferry.test")
    assert list(lab.webroot.glob(".well-known/acme-challenge/*")) == []


def test_pre_authorization_where_there_is_none(lab, product):
    mark = lab.ca.mark()
    run = product.run("issue", "-d", "pre.ferry.test", "--webroot", lab.webroot, "--server", lab.ca.url, "--ca-bundle",
                      lab.ca.ca_bundle, "--state-dir", product.state, "--agree-tos", "--pre-authorize", "--json",
                      config=False)  # fmt: skip
    assert run.code == 1, run
    assert "does not offer pre-authorization" in run.json["results"][0]["error"]["detail"], run
    assert lab.ca.orders(mark) == 0


def test_an_order_no_longer_wanted_frees_its_authorizations(scripted):
    """Interrupted while the CA was validating, then the config changed: the names of before wait for nothing."""
    server = scripted.server
    server.reset()
    before = ["left.ferry.test", "stays.ferry.test"]
    product = scripted.product(before)
    server.cue(Fault("challenge", refuse=(503, "serverInternal", "later")))
    run = product.run("apply", "--json")
    assert run.code == 1 and product.order(before[0]) is not None, run
    server.reset()
    config = scripted.config(["left.ferry.test"])
    product.write_config(config)
    run = product.run("apply", "--json", "--force")
    assert run.code == 0, run
    freed = [payload for payload in server.payloads("authorization") if payload == {"status": "deactivated"}]
    assert len(freed) == 2, server.requests
    assert server.violations == []
