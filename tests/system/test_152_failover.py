# SPDX-License-Identifier: Apache-2.0
"""A list of CAs: the next one is asked when the earlier ones have been failing for long enough, and the first again at
the next renewal."""

import json
import time

import pytest
from fakes.acme_server import AcmeServer, Fault, seen_in

NAME = "www.ferry.test"
DAY = 86400


@pytest.fixture
def first(scripted):
    scripted.server.reset()
    yield scripted.server
    scripted.server.reset()


@pytest.fixture(scope="module")
def second_server(scripted):
    server = AcmeServer(scripted.dir / "second", validate=seen_in(scripted.webroot)).start()
    server.window = (50 * DAY, 52 * DAY)
    yield server
    server.stop()


@pytest.fixture
def second(second_server):
    second_server.reset()
    return second_server


@pytest.fixture
def product(scripted, first, second):
    providers = [{"url": server.url, "ca_bundle": str(server.ca_bundle)} for server in (first, second)]
    return scripted.product([NAME], provider=providers)


def path(product):
    return product.state / "renewal" / f"{NAME}.json"


def record(product):
    return json.loads(path(product).read_text())


def change(product, **members):
    path(product).write_text(json.dumps({**record(product), **members}))


def is_down(server):
    server.cue(Fault("directory", refuse=(503, "serverInternal", "closed for repair")))


def let_time_pass(product, **more):
    change(product, retry_at=0, **more)


def test_nothing_live_and_the_first_is_down(product, first, second):
    is_down(first)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "issued", run
    assert any("has failed 3 times since" in note and second.url in note for note in run.result(NAME)["notes"]), run
    assert "has failed 3 times" in run.err, run
    assert first.count("directory") == 3 and first.count("new-order") == 0
    kept = record(product)
    assert kept["ca_url"] == second.url and kept["account"].startswith(second.base), kept
    assert product.run("list", "--json").json["certificates"][0]["ca"] == second.url
    # What came from the second CA is as good as from the first: nothing is due, nobody is asked.
    seen = len(first.requests), len(second.requests)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "unchanged", run
    assert product.run("plan", "--json").json["plan"][0]["action"] == "none"
    assert (len(first.requests), len(second.requests)) == seen
    assert len(list((product.state / "accounts").iterdir())) == 2


def test_the_next_renewal_begins_with_the_first_again(product, first, second):
    is_down(first)
    assert product.run("apply").code == 0
    first.reset()
    first.window = (50 * DAY, 52 * DAY)
    try:
        product.make_due(NAME)
        run = product.run("apply", "--json")
        assert run.code == 0 and run.result(NAME)["action"] == "renewed", run
        assert record(product)["ca_url"] == first.url
        # It replaces nothing that the first CA knows.
        assert "replaces" not in first.payloads("new-order")[0]
        run = product.run("apply", "--force")
        assert run.code == 0 and "replaces" in first.payloads("new-order")[1], run
    finally:
        first.window = None


def test_with_time_left_the_first_is_waited_for(product, first, second):
    assert product.run("apply").code == 0
    is_down(first)
    product.make_due(NAME)
    for number in range(1, 3):
        run = product.run("apply", "--json")
        assert run.code == 1 and run.result(NAME)["generation"] == 1, run
        assert record(product)["cas"][0]["failures"] == 3 * number
        let_time_pass(product)
    assert second.requests == []
    # A day of it is enough.
    cas = [{**ca, "since": int(time.time()) - DAY - 60} for ca in record(product)["cas"]]
    let_time_pass(product, cas=cas)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "renewed", run
    assert record(product)["ca_url"] == second.url and "cas" not in record(product)
    assert second.count("new-order") == 1 and "replaces" not in second.payloads("new-order")[0]


def test_when_time_runs_out_one_failure_is_enough(product, first, second):
    assert product.run("apply").code == 0
    now = int(time.time())
    change(product, not_before=now - 80 * DAY, renew_at=now - 21 * DAY, not_after=now + 9 * DAY)
    first.cue(Fault("new-order", refuse=(500, "serverInternal", "no")))
    run = product.run("apply", "--json")
    assert run.code == 0 and record(product)["ca_url"] == second.url, run
    assert first.count("new-order") == 2


def test_a_refusal_of_our_names_is_no_failure_of_the_ca(product, first, second):
    first.cue(Fault("new-order", refuse=(400, "rejectedIdentifier", "not this name")))
    for _ in range(4):
        run = product.run("apply", "--json")
        assert run.code == 1, run
        let_time_pass(product)
    assert second.requests == []


def test_a_long_rate_limit_with_nothing_live(product, first, second):
    first.cue(Fault("new-order", refuse=(429, "rateLimited", "too many"), headers={"Retry-After": "604800"}))
    run = product.run("apply", "--json")
    assert run.code == 0 and record(product)["ca_url"] == second.url, run


def test_all_are_down(product, first, second):
    is_down(first)
    is_down(second)
    run = product.run("apply", "--json")
    assert run.code == 1 and "closed for repair" in run.result(NAME)["error"]["detail"], run
    assert first.count("directory") == 3 and second.count("directory") == 3
    # And the back-off holds for both.
    run = product.run("apply", "--json")
    assert run.code == 1 and first.count("directory") == 3 and second.count("directory") == 3, run
    second.reset()
    let_time_pass(product)
    run = product.run("apply", "--json")
    assert run.code == 0 and record(product)["ca_url"] == second.url, run


def test_a_ca_that_left_the_list_is_left(scripted, product, first, second):
    assert product.run("apply").code == 0
    provider = [{"url": second.url, "ca_bundle": str(second.ca_bundle)}]
    product.write_config(scripted.config([NAME], provider=provider))
    run = product.run("apply", "--json")
    assert run.code == 0 and "the CA changed" in run.result(NAME)["reason"], run
    assert record(product)["ca_url"] == second.url


def test_the_command_line_names_one(product, first, second):
    is_down(first)
    run = product.run("apply", "--server", first.url, "--ca-bundle", first.ca_bundle)
    assert run.code == 1 and second.requests == [], run
