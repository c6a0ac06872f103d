# SPDX-License-Identifier: Apache-2.0
"""A CA whose objects are not what RFC 8555 says: states that never end, members that are missing, of another type, twice
or unknown, tokens that are paths."""

import pytest

from fakes.acme_server import Answer, Fault
from fakes.acme_faults import GONE
from lab.hostile import CERT, NAMES, Case, case

JSON = {"Content-Type": "application/json"}


def challenges(change):
    """CHANGE(the list of challenges) at every look at an authorization."""

    def edit(answer, _request):
        answer.body["challenges"] = change(answer.body["challenges"])

    return Fault("authorization", edit=edit)


def each(**members):
    return challenges(lambda found: [{**challenge, **members} for challenge in found])


def without(member):
    return challenges(lambda found: [{k: v for k, v in challenge.items() if k != member} for challenge in found])


def raw(step, text, **more):
    return Fault(step, body=text, **more)


ORDER_STEPS = ("validate", "finalize")
CASES = [
    # Orders that never come to an end.
    case("processing for ever", Fault("finalize", json={"status": "processing"}),
         Fault("order", skip=1, json={"status": "processing"}), step="finalize", timeout=2),
    case("pending for ever", Fault("order", json={"status": "pending"}), step="validate", timeout=2),
    case("an unknown status for ever", Fault("order", json={"status": "thinking"}), step=ORDER_STEPS, timeout=2),
    case("valid, but no certificate URL", Fault("finalize", json={"certificate": GONE}),
         Fault("order", skip=1, json={"certificate": GONE}), step="finalize", timeout=2),
    case("valid, but a certificate URL of null", Fault("finalize", json={"certificate": None}),
         Fault("order", skip=1, json={"certificate": None}), step="finalize", timeout=2),
    case("ready again after finalize", Fault("finalize", json={"status": "ready"}),
         Fault("order", skip=1, json={"status": "ready"}), step="finalize", timeout=3),
    case("invalid without a reason", Fault("order", json={"status": "invalid"}), step=("finalize", "validate"),
         says="gave the order up"),
    case("invalid with a reason", Fault("order", json={"status": "invalid", "error": {
             "type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids it"}}),
         step=("finalize", "validate"), says=("CAA forbids it", "caa")),
    case("orderNotReady for ever", Fault("finalize", refuse=(403, "orderNotReady", "not yet")),
         step="finalize", says="not yet"),
    case("badCSR for ever", Fault("finalize", refuse=(400, "badCSR", "I do not like it")), step="finalize",
         says=("I do not like it", "badCSR")),
    # Orders that are no orders.
    case("a new order without Location", Fault("new-order", headers={"Location": None}), step="new-order",
         says="no order URL"),
    case("a new order without status", Fault("new-order", json={"status": GONE}), step="new-order", says="status"),
    case("a status that is a number", Fault("new-order", json={"status": 7}), step="new-order", says="status"),
    case("authorizations of null", Fault("new-order", json={"authorizations": None}), step="authorize",
         says="no authorizations"),
    case("no authorizations", Fault("new-order", json={"authorizations": []}), step="authorize",
         says="no authorizations"),
    case("authorizations that are objects", Fault("new-order", json={"authorizations": [{}, {}]}), step="new-order",
         says="authorization"),
    case("authorizations that are a string", Fault("new-order", json={"authorizations": "all"}), step="new-order",
         says="authorizations"),
    case("ready without finalize", Fault("order", json={"status": "ready", "finalize": GONE}), step="finalize",
         says="finalize URL"),
    case("finalize that is a number", Fault("new-order", json={"finalize": 12}), step="new-order", says="finalize"),
    case("an order that is a list", raw("new-order", "[]"), step="new-order"),
    case("an order that is empty", raw("new-order", ""), step="new-order"),
    case("an order that is cut off", raw("new-order", '{"status": "pending", "authorizations": ['), step="new-order"),
    case("an order with text behind it", raw("new-order", '{"status": "pending"} true'), step="new-order"),
    case("a member twice", raw("new-order", '{"status": "pending", "status": "ready", "finalize": "x"}'),
         step="new-order"),
    case("bytes that are no UTF-8", raw("new-order", b'{"status": "pend\xffing"}'), step="new-order"),
    case("a NUL in a string", raw("new-order", r'{"status": "pending\u0000"}'), step="new-order"),
    case("HTML with status 201", raw("new-order", "<html>hello</html>", headers={"Content-Type": "text/html"}),
         step="new-order"),
    # Authorizations and challenges.
    case("an authorization for another name", Fault("authorization", json={
             "identifier": {"type": "dns", "value": "evil.test"}}), step="authorize", says="evil.test"),
    case("an authorization without identifier", Fault("authorization", json={"identifier": GONE}), step="authorize",
         says="identifier"),
    case("an authorization for an address", Fault("authorization", json={
             "identifier": {"type": "dns", "value": "../../etc/passwd"}}), step="authorize"),
    case("an authorization that is expired", Fault("authorization", json={"status": "expired"}), step="authorize",
         says="expired"),
    case("an authorization that was revoked", Fault("authorization", json={"status": "revoked"}), step="authorize",
         says="revoked"),
    case("challenges of null", Fault("authorization", json={"challenges": None}), step="authorize"),
    case("no challenges", challenges(lambda _: []), step="authorize"),
    case("only challenges nobody knows", each(type="telepathy-01"), step="authorize", says="telepathy-01"),
    case("only challenges for other means", challenges(lambda found: [c for c in found if c["type"] == "dns-01"]),
         step="authorize", says="dns-01"),
    case("a challenge without a token", without("token"), step="authorize", says="token"),
    case("a challenge without a URL", without("url"), step="authorize"),
    case("a token that is a path", each(token="../../../../tmp/certferry-was-here"), step="authorize", says="token"),
    case("a token that is absolute", each(token="/tmp/certferry-was-here-0123456789"), step="authorize", says="token"),
    case("a token with a line break", each(token="abcdefghijklmnop\nabcdefghijklmnop"), step="authorize", says="token"),
    case("a token with a NUL", each(token="abcdefghijklmnop\0abcdefghijklmnop"), step="authorize"),
    case("a short token", each(token="abc"), step="authorize", says="token"),
    case("a token of 1000 characters", each(token="a" * 1000), step="authorize", says="token"),
    case("a token of dots", each(token="." * 32), step="authorize", says="token"),
    case("a token for the shell", each(token="$(touch${IFS}/tmp/certferry-was-here)"), step="authorize", says="token"),
    case("a token that is a number", each(token=1234567890), step="authorize", says="token"),
    case("a number that no machine holds", each(token=123456789012345678901), step="authorize", says="too big"),
    case("a challenge without a type", challenges(lambda found: [{"status": "pending"}, *found]), step="authorize",
         says="type"),
    # Directories.
    case("a directory of null", raw("directory", "null"), step="directory"),
    case("a directory that is a web page", raw("directory", "<html>It works!</html>",
                                               headers={"Content-Type": "text/html"}), step="directory"),
    case("a directory without newOrder", Fault("directory", json={"newOrder": GONE}), step="directory", says="newOrder"),
    case("a directory with newNonce of null", Fault("directory", json={"newNonce": None}), step="directory",
         says="newNonce"),
    case("a directory with a number for a URL", Fault("directory", json={"newAccount": 1}), step="directory",
         says="newAccount"),
]  # fmt: skip


def failing_challenge(server):
    """The challenge fails a moment after it was answered, as at a real CA."""

    def edit(_answer, request):
        challenge = server.challenges[request.ids[0]]
        challenge["status"] = server.authorizations[challenge["authorization"]]["status"] = "invalid"
        challenge["error"] = {"type": "urn:ietf:params:acme:error:connection", "detail": "10.0.0.1 refused"}

    return [Fault("challenge", edit=edit)]


CASES.append(Case("a challenge that fails", failing_challenge, "validate", ("10.0.0.1 refused", "connection", NAMES[1])))


@pytest.mark.parametrize("one", CASES, ids=str)
def test_it_fails_with_the_reason(hostile, one):
    hostile.play(one)


HARMLESS = {
    "unknown challenge types beside ours": [challenges(lambda found: [
        {"type": "telepathy-01", "status": "pending", "url": "https://elsewhere.test/x", "thought": {"deep": [1, 2]}},
        *found])],
    "a challenge type twice": [challenges(lambda found: [*found, *found])],
    "challenges in another order": [challenges(lambda found: found[::-1])],
    "members that nobody knows": [
        Fault(step, json={"x-new": {"a": [None, True, 1.5]}, "auto-renewal": None})
        for step in ("directory", "new-order", "order", "authorization", "finalize")],
    "optional members of null": [
        Fault("directory", json={"meta": None, "newAuthz": None, "renewalInfo": None}),
        Fault("new-order", json={"expires": None, "error": None, "certificate": None, "notBefore": None}),
        Fault("order", json={"expires": None, "error": None}), Fault("authorization", json={"expires": None})],
    "meta with null inside": [Fault("directory", json={"meta": {
        "termsOfService": None, "website": None, "caaIdentities": None, "profiles": None,
        "externalAccountRequired": None}})],
    "an order without identifiers": [
        Fault("new-order", json={"identifiers": GONE}), Fault("order", json={"identifiers": GONE})],
    "authorizations and identifiers in another order": [
        Fault("new-order", edit=lambda answer, _: (answer.body["authorizations"].reverse(),
                                                   answer.body["identifiers"].reverse()))],
    "the same authorization twice": [
        Fault("new-order", edit=lambda answer, _: answer.body["authorizations"].append(
            answer.body["authorizations"][0]))],
    "types with parameters and in capitals": [
        Fault(step, headers={"Content-Type": "Application/JSON; Charset=UTF-8"})
        for step in ("directory", "new-order", "order", "authorization", "finalize", "challenge")] + [
        Fault("certificate", headers={"Content-Type": "application/PEM-certificate-chain; charset=utf-8"})],
    "a finalize answer that says nothing": [Fault("finalize", body="")],
    "a certificate with blank lines and CRLF": [
        Fault("certificate", edit=lambda answer, _: setattr(answer, "body",
              "\r\n\r\n" + answer.body.replace("\n", "\r\n") + "\r\n"))],
    "a certificate without a last line break": [
        Fault("certificate", edit=lambda answer, _: setattr(answer, "body", answer.body.rstrip()))],
    "the certificate a moment later": [Fault("certificate", times=1, answer=Answer(404, JSON, {
        "type": "urn:ietf:params:acme:error:malformed", "detail": "not yet"}))],
    "valid a moment before it has a URL": [Fault("finalize", json={"certificate": GONE})],
    "orderNotReady once": [Fault("finalize", times=1, refuse=(403, "orderNotReady", "not yet"))],
    "finalize fails once with 500": [Fault("finalize", times=1, refuse=(500, "serverInternal", "oops"))],
    "the order cannot be read once": [Fault("order", times=1, refuse=(500, "serverInternal", "oops"))],
    "header names in capitals": [Fault("new-order", edit=lambda answer, _: answer.headers.update(
        {name.upper(): answer.headers.pop(name) for name in list(answer.headers)}))],
}  # fmt: skip


@pytest.mark.parametrize("what", HARMLESS)
def test_it_does_no_harm(hostile, what):
    product = hostile.prepare()
    for fault in HARMLESS[what]:
        fault.seen = fault.used = 0
        hostile.server.cue(fault)
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0 and run.result(CERT)["action"] == "renewed", f"{run}\n{hostile.server.requests}"
    assert all(fault.used for fault in HARMLESS[what]), HARMLESS[what]
    assert hostile.server.violations == []
    assert hostile.server.count("new-order") == 1
    assert hostile.lab.challenge_files() == []


def test_an_order_that_is_ready_at_once(hostile):
    """Authorizations that are valid already: no challenge is touched."""
    product = hostile.prepare()

    def ready(answer, request):
        for number in list(hostile.server.authorizations)[-len(NAMES):]:
            hostile.server.authorizations[number]["status"] = "valid"
        newest = list(hostile.server.orders)[-1]
        hostile.server.refresh(newest)
        answer.body["status"] = hostile.server.orders[newest]["status"]

    hostile.server.cue(Fault("new-order", edit=ready))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert hostile.server.count("challenge") == 0 and hostile.server.count("authorization") == 0
    assert hostile.server.violations == []
