# SPDX-License-Identifier: Apache-2.0
"""Renewal information (RFC 9773): asked for when its time has come and not before, obeyed, explained, and told back."""

import json
import time

import pytest
from fakes.acme_server import Fault, rfc3339

DAY = 86400
NAME = "www.ferry.test"


@pytest.fixture
def server(scripted):
    scripted.server.reset()
    scripted.server.window = (50 * DAY, 52 * DAY)
    yield scripted.server
    scripted.server.window = None


def record(product, name=NAME):
    return json.loads((product.state / "renewal" / f"{name}.json").read_text())


def change(product, name=NAME, **members):
    path = product.state / "renewal" / f"{name}.json"
    kept = json.loads(path.read_text())
    kept.update(members)
    path.write_text(json.dumps({key: value for key, value in kept.items() if value is not None}))


def issued(scripted, names=(NAME,)):
    product = scripted.product(names)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "issued", run
    return product


def listed(product):
    return product.run("list", "--json").json["certificates"][0]


def window(start, end, **more):
    now = time.time()
    return {"suggestedWindow": {"start": rfc3339(now + start), "end": rfc3339(now + end)}, **more}


def test_asked_once_after_issuance_and_then_not_before_the_time(scripted, server):
    product = issued(scripted)
    assert server.count("renewal-info") == 1
    entry = listed(product)
    assert entry["ari"]["start"] <= entry["renew_at"] <= entry["ari"]["end"], entry
    seen = len(server.requests)
    for command in ("apply", "renew", "plan", "list"):
        assert product.run(command).code == 0
    assert len(server.requests) == seen, server.requests[seen:]
    # Its time has come: one directory and one question, no account, no nonce.
    change(product, ari_next=int(time.time()) - 1)
    assert product.run("plan").code == 0 and len(server.requests) == seen, "plan asks nobody"
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "unchanged", run
    assert [request.step for request in server.requests[seen:]] == ["directory", "renewal-info"]
    assert server.violations == []


def test_the_point_is_kept_while_the_window_is(scripted, server):
    fixed = window(50 * DAY, 52 * DAY)
    server.cue(Fault("renewal-info", json=fixed))
    product = issued(scripted)
    first = listed(product)["renew_at"]
    for _ in range(3):
        change(product, ari_next=None)
        assert product.run("apply").code == 0
        assert listed(product)["renew_at"] == first
    server.reset()
    server.cue(Fault("renewal-info", json=window(20 * DAY, 21 * DAY)))
    change(product, ari_next=None)
    assert product.run("apply").code == 0
    assert listed(product)["renew_at"] < first


def test_a_past_window_renews_now_says_why_and_names_what_it_replaces(scripted, server):
    product = issued(scripted)
    old = record(product)
    why = "https://ca.example/docs/\x1b[31mincident"
    server.cue(Fault("renewal-info", times=1, json=window(-7200, -5400, explanationURL=why)))
    change(product, ari_next=None)
    seen = len(server.requests)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "renewed", run
    assert "the CA suggests between" in run.result(NAME)["reason"], run
    assert any("https://ca.example/docs/" in note for note in run.result(NAME)["notes"]), run
    assert "\x1b" not in run.text
    orders = [request for request in server.requests[seen:] if request.step == "new-order"]
    assert [order.payload.get("replaces") for order in orders] == [old["ari_id"]]
    assert record(product)["ari_id"] != old["ari_id"]
    assert product.run("apply", "--json").result(NAME)["action"] == "unchanged"


def test_plan_list_and_show_tell_the_reason(scripted, server):
    server.cue(Fault("renewal-info", json=window(-100, 100 * DAY, explanationURL="https://ca.example/why")))
    product = issued(scripted)
    for command in (["plan"], ["list"], ["show", NAME]):
        run = product.run(*command)
        assert run.code == 0 and "because" in run.out and "https://ca.example/why" in run.out, run
    entry = product.run("plan", "--json").json["plan"][0]
    assert entry["ari"]["explanation_url"] == "https://ca.example/why", entry
    assert entry["renew_at"] == listed(product)["renew_at"]


def test_a_late_window_does_not_outlast_the_certificate(scripted, server):
    server.window = (400 * DAY, 500 * DAY)
    product = issued(scripted)
    kept = record(product)
    assert kept["not_after"] - kept["renew_at"] >= (kept["not_after"] - kept["not_before"]) // 6 - 1


@pytest.mark.parametrize("fault", [
    Fault("renewal-info", refuse=(404, "malformed", "unknown serial")),
    Fault("renewal-info", refuse=(500, "serverInternal", "try later")),
    Fault("renewal-info", status=200, body="<html>hello</html>"),
    Fault("renewal-info", json={"suggestedWindow": {"start": "2027-01-02T00:00:00Z", "end": "2027-01-01T00:00:00Z"}}),
    Fault("renewal-info", wire="close"),
    Fault("renewal-info", wire="garbage"),
])  # fmt: skip
def test_no_answer_is_no_failure(scripted, server, fault):
    server.cue(fault)
    product = issued(scripted)
    kept = record(product)
    assert "ari_start" not in kept and kept["ari_next"] >= time.time() + 500, kept
    seen = len(server.requests)
    run = product.run("apply")
    assert run.code == 0 and len(server.requests) == seen, "asked again before its time"


def test_expired_is_not_asked_about(scripted, server):
    product = issued(scripted)
    change(product, not_after=int(time.time()) - 10, ari_next=None)
    seen = len(server.requests)
    assert product.run("apply", "--json").result(NAME)["action"] == "renewed"
    steps = [request.step for request in server.requests[seen:]]
    assert steps.count("renewal-info") == 1 and steps.index("renewal-info") > steps.index("finalize"), steps


def test_many_are_asked_about_over_few_connections_and_one_directory(scripted, server):
    product = issued(scripted)
    kept = record(product)
    names = [f"n{number}.ferry.test" for number in range(60)]
    for name in names:
        (product.state / "archive" / name).mkdir()
        (product.state / "archive" / name / "1").symlink_to(product.state / "archive" / NAME / "1")
        (product.state / "live" / name).symlink_to(f"../archive/{name}/1")
        path = product.state / "renewal" / f"{name}.json"
        path.write_text(json.dumps({**kept, "ari_next": 0, "from_config": False}))
    seen, connections = len(server.requests), server.connections
    run = product.run("renew", "--json")
    assert run.code == 0 and len(run.json["results"]) == 61, run
    steps = [request.step for request in server.requests[seen:]]
    assert sorted(steps) == ["directory"] + 60 * ["renewal-info"], steps
    assert server.connections - connections <= 8
    assert all(record(product, name)["ari_next"] > time.time() for name in names)


def test_a_ca_that_hangs_is_asked_once(scripted, server):
    product = issued(scripted)
    kept = record(product)
    names = [f"h{number}.ferry.test" for number in range(30)]
    for name in names:
        (product.state / "archive" / name).mkdir()
        (product.state / "archive" / name / "1").symlink_to(product.state / "archive" / NAME / "1")
        (product.state / "live" / name).symlink_to(f"../archive/{name}/1")
        path = product.state / "renewal" / f"{name}.json"
        path.write_text(json.dumps({**kept, "ari_next": 0, "from_config": False}))
    server.cue(Fault("renewal-info", refuse=(503, "serverInternal", "busy")))
    seen = len(server.requests)
    run = product.run("renew", "--json")
    assert run.code == 0, run
    asked = [request.step for request in server.requests[seen:]].count("renewal-info")
    assert asked <= 8, asked
    assert all(record(product, name)["ari_next"] > time.time() for name in names)


def test_another_account_or_ca_is_not_told_what_is_replaced(scripted, server):
    product = issued(scripted)
    change(product, account="https://other.example/account/1")
    seen = len(server.requests)
    assert product.run("apply", "--force").code == 0
    order = next(request for request in server.requests[seen:] if request.step == "new-order")
    assert "replaces" not in order.payload
    change(product, ca_url="https://other.example/directory", ca_name="other")
    seen = len(server.requests)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "renewed", run
    order = next(request for request in server.requests[seen:] if request.step == "new-order")
    assert "replaces" not in order.payload


def test_a_replacement_that_is_refused_is_ordered_without(scripted, server):
    product = issued(scripted)
    server.cue(Fault("new-order", times=1, refuse=(409, "alreadyReplaced", "replaced by another order")))
    seen = len(server.requests)
    run = product.run("apply", "--force", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "renewed", run
    orders = [request.payload for request in server.requests[seen:] if request.step == "new-order"]
    assert ["replaces" in order for order in orders] == [True, False]


def test_the_clock_is_off(scripted, server):
    product = issued(scripted)
    off = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 3 * 3600))
    server.cue(Fault("new-order", refuse=(400, "rejectedIdentifier", "no"), headers={"Date": off}))
    server.cue(Fault("new-nonce", headers={"Date": off}))
    server.cue(Fault("directory", headers={"Date": off}))
    run = product.run("apply", "--force")
    assert run.code == 1, run
    assert "clock is 3 hours and 0 minutes ahead" in run.text or "clock is 2 hours and 59" in run.text, run


def test_the_newest_pebble(lab, newest, product):
    """Its own windows; then one in the past, set for this certificate through its management interface."""
    name = "ari.ferry.test"
    product.write_config(lab.config([lab.domain(name)], provider=lab.provider(newest)))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    entry = listed(product)
    assert entry["ari"]["start"] <= entry["renew_at"] <= entry["ari"]["end"], entry
    answer = json.dumps(window(-7200, -3600, explanationURL="https://ca.example/incident"))
    newest.set_renewal_info((product.live(name) / "cert.pem").read_text(), answer)
    change(product, name, ari_next=None)
    mark = newest.mark()
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(name)["action"] == "renewed", run
    assert "is a replacement of" in newest.since(mark), newest.since(mark)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(name)["action"] == "unchanged", run
