# SPDX-License-Identifier: Apache-2.0
"""Back-off: what failed is left alone, over restarts and crashes, as long as the CA asks or the table says."""

import json
import os
import signal
import time

import pytest
from fakes.acme_server import Answer, Fault

NAME = "www.ferry.test"
HOUR, DAY = 3600, 86400


@pytest.fixture
def server(scripted):
    scripted.server.reset()
    yield scripted.server
    scripted.server.reset()


def record(product, name=NAME):
    return json.loads((product.state / "renewal" / f"{name}.json").read_text())


def change(product, **members):
    path = product.state / "renewal" / f"{NAME}.json"
    kept = {**json.loads(path.read_text()), **members}
    path.write_text(json.dumps({key: value for key, value in kept.items() if value is not None}))


def let_time_pass(product):
    """As if the wait were over: what our own table and the CA asked for lies in the past."""
    past = int(time.time()) - 1
    kept = record(product)
    cas = [{**ca, "retry_at": 0} for ca in kept.get("cas", [])]
    change(product, retry_at=past, begun_at=past - 2 * DAY, last_failure=past, cas=cas)


def fails(product, *args):
    run = product.run(*(args or ("apply",)), "--json")
    assert run.code == 1, run
    error = run.result(NAME)["error"]
    return run, error


def assert_held(product, server, *args):
    """It is held back: says so, sends nothing, and its exit code is no success."""
    seen = len(server.requests)
    run, error = fails(product, *args)
    assert len(server.requests) == seen, server.requests[seen:]
    assert error["step"] == "back-off" and error["retry_at"], run
    return run, error


LIMITED = "too many certificates already issued, retry after then: see https://ca.example/docs/rate-limits"


@pytest.mark.parametrize("answer", [
    Answer(429, {"Retry-After": "7200", "Content-Type": "application/problem+json"},
           {"type": "urn:ietf:params:acme:error:rateLimited", "detail": LIMITED}),
    Answer(429, {"Retry-After": "7200", "Content-Type": "text/html"}, f"<html>{LIMITED}</html>"),
    Answer(503, {"Retry-After": "7200", "Content-Type": "text/html"}, f"<html>{LIMITED}</html>"),
    Answer(503, {"Retry-After": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 7200)),
                 "Content-Type": "application/problem+json"}, {"detail": LIMITED}),
])  # fmt: skip
def test_the_cas_own_time_is_kept(scripted, server, answer):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", answer=answer))
    _, error = fails(product)
    assert error["retry_at"] is not None
    seen = len(server.requests)
    run, error = assert_held(product, server)
    assert "asked not to be asked again before" in error["detail"] and LIMITED in error["detail"], run
    # What is asked for by hand keeps it too; --force is the operator's own decision.
    args = ("issue", "-d", NAME, "--webroot", scripted.webroot, "--server", server.url, "--ca-bundle", server.ca_bundle)
    by_hand = product.run(*args, "--agree-tos", "--state-dir", product.state, "--json", config=False)
    assert by_hand.code == 1 and "asked not to be asked" in by_hand.text and len(server.requests) == seen, by_hand
    for command in (["plan"], ["list"], ["show", NAME]):
        shown = product.run(*command)
        assert "asked not to be asked again before" in shown.out and LIMITED in shown.out, shown
    planned = product.run("plan", "--json").json["plan"][0]
    assert planned["action"] == "issue" and planned["retry_at"] and planned["failures"] == 1, planned
    listed = product.run("list", "--json").json["certificates"][0]
    assert listed["retry_at"] == planned["retry_at"] and LIMITED in listed["error"]["detail"], listed
    server.reset()
    run = product.run("apply", "--force")
    assert run.code == 0, run
    assert "failures" not in record(product) and "cas" not in record(product), record(product)


def test_the_table_holds_what_the_ca_did_not_ask_for(scripted, server):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", refuse=(500, "serverInternal", "the database is on fire")))
    fails(product)
    run, error = assert_held(product, server)
    assert "after 1 failure in a row" in error["detail"] and "the database is on fire" in error["detail"], run
    assert 30 < record(product)["retry_at"] - time.time() < 75
    for failures, least, most in ((2, 90, 150), (3, 230, 370)):
        let_time_pass(product)
        fails(product)
        assert record(product)["failures"] == failures
        assert least < record(product)["retry_at"] - time.time() < most
    let_time_pass(product)
    server.reset()
    assert product.run("apply").code == 0
    assert "failures" not in record(product)


def test_another_certificate_is_not_held(scripted, server):
    product = scripted.product([NAME])
    config = scripted.config([NAME])
    config["ssl"]["domains"].append({"name": "other.ferry.test", "webroot": str(scripted.webroot)})
    product.write_config(config)
    server.cue(Fault("new-order", times=1, refuse=(500, "serverInternal", "no")))
    run = product.run("apply", "--json")
    assert run.code == 3, run
    run = product.run("apply", "--json")
    assert run.code == 3 and sorted(entry["action"] for entry in run.json["results"]) == ["failed", "unchanged"], run


def kill_in(product, server, step):
    """A run that is killed while the CA lets it wait at STEP."""
    count = server.count(step)
    process = product.start("apply")
    end = time.monotonic() + 20
    while server.count(step) == count:
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_dying_does_not_get_around_it(scripted, server):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", times=1, refuse=(500, "serverInternal", "no")))
    fails(product)
    let_time_pass(product)
    server.cue(Fault("new-order", wire="silence"))
    kill_in(product, server, "new-order")
    run, error = assert_held(product, server)
    assert "came to its end" in error["detail"], run


def test_a_loop_of_crashes_is_stopped(scripted, server):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", wire="silence"))
    for _ in range(5):
        kill_in(product, server, "new-order")
    run, error = assert_held(product, server)
    assert "the last 5 runs were begun" in error["detail"], run
    server.reset()
    assert product.run("apply", "--force").code == 0


PAUSED = ("Your account is temporarily prevented from requesting certificates for www.ferry.test and possibly others. "
          "Please visit: https://portal.ca.example/sfe/v1/unpause?jwt=" + "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." * 40)  # fmt: skip


def test_a_pause_shows_its_link_whole_and_is_tried_daily(scripted, server):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", refuse=(429, "rateLimited", PAUSED)))
    run = product.run("apply")
    assert run.code == 1 and PAUSED in run.text.replace("\n        ", ""), run
    assert DAY - 60 < record(product)["retry_at"] - time.time() < DAY + HOUR + 60
    _, error = assert_held(product, server)
    assert PAUSED in error["detail"]
    for command in (["plan"], ["list"], ["show", NAME]):
        assert PAUSED in product.run(*command).out


def test_a_refusal_waits_a_day_unless_something_changed(scripted, server):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", times=1, refuse=(400, "rejectedIdentifier", "not this name")))
    fails(product)
    assert record(product)["retry_at"] - time.time() > DAY - 60
    assert_held(product, server)
    product.write_config(scripted.config([NAME, "more.ferry.test"]))
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(NAME)["action"] == "issued", run


def test_by_hand_the_table_does_not_hold(scripted, server):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", times=2, refuse=(500, "serverInternal", "no")))
    args = ("issue", "-d", NAME, "--webroot", scripted.webroot, "--server", server.url, "--ca-bundle", server.ca_bundle,
            "--agree-tos", "--state-dir", product.state)  # fmt: skip
    assert [product.run(*args, config=False).code for _ in range(3)] == [1, 1, 0]
    assert server.count("new-order") == 3


def test_ten_orders_a_day(scripted, server):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", times=1, refuse=(500, "serverInternal", "no")))
    fails(product)
    assert record(product)["orders"] == 1
    let_time_pass(product)
    change(product, orders=10, orders_since=int(time.time()) - HOUR)
    run, error = assert_held(product, server)
    assert "10 orders were begun for this certificate since" in error["detail"], run
    change(product, orders_since=int(time.time()) - DAY)
    assert product.run("apply").code == 0
    assert record(product)["orders"] == 1


def test_a_clock_that_was_wrong_holds_nothing(scripted, server):
    product = scripted.product([NAME])
    server.cue(Fault("new-order", times=1, refuse=(500, "serverInternal", "no")))
    fails(product)
    far = int(time.time()) + 5000 * DAY
    change(product, retry_at=far, last_failure=far - HOUR, begun_at=far - HOUR, orders=10, orders_since=far - HOUR)
    run = product.run("apply")
    assert run.code == 0, run


def test_one_run_tries_to_reach_the_ca_more_than_once(scripted, server):
    server.cue(Fault("directory", times=1, refuse=(502, "serverInternal", "a hiccup")))
    product = scripted.product([NAME])
    run = product.run("apply", "-v")
    assert run.code == 0 and "trying again" in run.text, run
    server.reset()
    server.cue(Fault("directory", times=1, refuse=(502, "serverInternal", "a hiccup")))
    product = scripted.product([NAME], renewal={"retry_attempts": 1})
    run = product.run("apply")
    assert run.code == 1 and "a hiccup" in run.text, run
    assert "no effect" not in run.text


def test_no_third_account_a_day_by_itself(scripted, server):
    product = scripted.product([NAME])

    def issue(number):
        return product.run("issue", "-d", f"n{number}.ferry.test", "--webroot", scripted.webroot, "--server", server.url,
                           "--ca-bundle", server.ca_bundle, "--agree-tos", "--email", f"a{number}@ferry.test",
                           "--state-dir", product.state, config=False)  # fmt: skip

    assert [issue(number).code for number in (1, 2)] == [0, 0]
    run = issue(3)
    assert run.code == 1 and "2 accounts were made at" in run.text and "account register" in run.text, run
    assert server.count("new-account") == 2


def test_each_order_is_counted_also_behind_one_that_failed(scripted, server):
    """The record of an order whose validation failed must not let the next ones go uncounted."""
    product = scripted.product([NAME])
    server.validate, kept = (lambda *_: (403, "incorrectResponse", "no")), server.validate
    try:
        for _ in range(3):
            fails(product, "apply", "--force")
    finally:
        server.validate = kept
    assert [request.step for request in server.requests].count("new-order") == 3
    assert record(product)["orders"] == 3, record(product)


def test_failures_end_with_a_certificate_whose_run_was_killed(scripted, server):
    """Killed between the switch and the record: the failures before it hold nobody back any more."""
    product = scripted.product([NAME])
    server.cue(Fault("new-order", times=1, refuse=(500, "serverInternal", "later")))
    fails(product)
    before = record(product)
    assert before["failures"] == 1
    run = product.run("apply", "--force")
    assert run.code == 0, run
    path = product.state / "renewal" / f"{NAME}.json"
    path.write_text(json.dumps(before))
    planned = product.run("plan", "--json").json["plan"][0]
    assert planned["action"] == "none" and not planned.get("failures") and not planned.get("retry_at"), planned


def test_a_ca_that_is_down_is_not_tried_for_each_certificate(scripted, server):
    names = [f"down{i}.ferry.test" for i in range(20)]
    product = scripted.product(names[:1])
    config = scripted.config(names[:1])
    config["ssl"]["domains"] = [{"name": name, "webroot": str(scripted.webroot)} for name in names]
    product.write_config(config)
    server.cue(Fault("directory", status=503, body="down"))
    begin = time.monotonic()
    run = product.run("apply", "--json")
    assert run.code == 1, run
    assert time.monotonic() - begin < 12, "the pauses of one certificate's tries, not of twenty"
    errors = [run.result(name)["error"] for name in names]
    assert all("503" in error["detail"] for error in errors), run
    asked = [request.step for request in server.requests].count("directory")
    assert 3 <= asked <= 8, f"{asked} times for {len(names)} certificates"
    # One alone is tried as often as always, and the next run asks again.
    server.reset()
    server.cue(Fault("directory", times=2, status=503, body="down"))
    run = product.run("apply", "--force", names[0])
    assert run.code == 0, run
