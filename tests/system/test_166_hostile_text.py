# SPDX-License-Identifier: Apache-2.0
"""A CA whose words are aimed at the terminal, the log or the reader: shown whole where they help, harmless everywhere."""

import json

import pytest

from fakes.acme_server import Answer, Fault
from fakes.acme_faults import problem
from lab.hostile import CERT, case, dangerous

EVIL = {
    "colours": "\x1b[31mred\x1b[0m",
    "a cleared screen": "\x1b[2J\x1b[Hall is well",
    "a window title": "\x1b]0;owned\x07",
    "a clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "a C1 control": "\u009b31m",
    "a bell": "\x07\x07",
    "backspaces": "failed\x08\x08\x08\x08\x08\x08issued",
    "a carriage return": "an error\rwww.ferry.test: issued",
    "a line break": "an error\nwww.ferry.test: issued\nerror: none",
    "a line separator": "one\u2028two\u2029three",
    "right to left": "\u202egnp.exe\u202c",
    "isolates": "\u2066hidden\u2069",
    "marks": "\u200e\u200f\u061c",
    "zero width": "pass\u200bword\ufeff",
    "a format string": "%s%s%s%n%x %p",
    "a tag": "<script>alert(1)</script>",
    "quotes": "\"}],\"error\":null}",
    "a private key": "-----BEGIN PRIVATE KEY----- \x1b[8m",
}

WHERE = {
    "detail": lambda text: [Fault("new-order", refuse=(400, "malformed", text))],
    "type": lambda text: [Fault("new-order", answer=problem(400, f"urn:{text}", "a detail"))],
    "title": lambda text: [Fault("new-order", answer=Answer(400, {"Content-Type": "application/problem+json"}, {"title": text}))],
    "a subproblem": lambda text: [Fault("new-order", answer=problem(400, "compound", "several", subproblems=[
        {"type": text, "detail": text, "identifier": {"type": "dns", "value": text}}]))],
    "instance": lambda text: [Fault("new-order", answer=problem(403, "userActionRequired", "act", instance=text))],
    "an HTML error": lambda text: [Fault("new-order", answer=Answer(502, {"Content-Type": "text/html"}, f"<h1>{text}</h1>"))],
    "the challenge's error": lambda text: [Fault("order", json={"status": "invalid"}), Fault("authorization", skip=2, edit=(
        lambda answer, _: answer.body["challenges"][0].update(
            status="invalid", error={"type": "urn:ietf:params:acme:error:dns", "detail": text})))],
    "the order's error": lambda text: [Fault("order", json={"status": "invalid", "error": {"type": text, "detail": text}})],
    "a status": lambda text: [Fault("new-order", json={"status": text}), Fault("order", json={"status": text})],
    "a challenge type": lambda text: [Fault("authorization", edit=(
        lambda answer, _: [challenge.update(type=text) for challenge in answer.body["challenges"]]))],
    "an identifier": lambda text: [Fault("authorization", json={"identifier": {"type": "dns", "value": text}})],
    "a URL": lambda text: [Fault("new-order", json={"finalize": f"https://127.0.0.1/{text}"})],
}  # fmt: skip
STEPS = ("new-order", "authorize", "challenge", "validate", "finalize")


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("what", ["colours", "right to left", "a line break", "a format string"])
def test_wherever_it_stands(hostile, where, what):
    hostile.play(case(f"{what} as {where}", *WHERE[where](EVIL[what]), step=STEPS, timeout=3))


@pytest.mark.parametrize("what", [name for name in EVIL if name != "a private key"])
def test_in_a_detail(hostile, what):
    text = f"begin {EVIL[what]} end"
    run = hostile.play(case(what, *WHERE["detail"](text), step="new-order", says=("begin", "end")))
    lines = [line for line in run.err.splitlines() if line.startswith("www.ferry.test")]
    assert all("issued" not in line or "failed" in line for line in lines), f"a forged line\n{run}"


def test_verbose_shows_it_as_harmless(hostile):
    """What -vv prints of requests and answers goes to a terminal too, and holds no secret."""
    product = hostile.prepare()
    hostile.server.cue(*WHERE["detail"](EVIL["colours"] + EVIL["right to left"]))
    run = product.run("-vv", "apply", "--json")
    assert run.code == 1, run
    assert not dangerous(run.text), f"{dangerous(run.text)}\n{run}"
    for secret in hostile.secrets(product):
        assert secret not in run.text, run
    json.loads(run.out)


def test_what_is_stored_is_shown_as_harmless(hostile):
    """The failure is remembered, and list and show print it again."""
    product, _ = hostile.run(case("kept", *WHERE["detail"](EVIL["colours"] + EVIL["a line break"]), step="new-order"))
    for args in (["list"], ["list", "--json"], ["show", CERT], ["plan"], ["plan", "--json"]):
        run = product.run(*args)
        assert run.code == 0, run
        assert not dangerous(run.text), f"{dangerous(run.text)}\n{run}"


def test_terms_of_service_are_shown_as_harmless(scripted):
    """The first run at a CA prints where its terms are."""
    scripted.server.reset()
    scripted.server.cue(Fault("directory", json={"meta": {"termsOfService": f"https://x.test/{EVIL['colours']}\n{EVIL['marks']}",
                                                          "website": EVIL["a bell"]}}))  # fmt: skip
    product = scripted.product(["terms.ferry.test"], email="terms@ferry.test")
    run = product.run("apply")
    assert not dangerous(run.text), f"{dangerous(run.text)}\n{run}"


def test_a_long_link_is_shown_whole(hostile):
    """A CA's self-service link helps only if nothing is missing."""
    link = "https://portal.ca.test/unpause?jwt=" + "eyJhbGciOiJIUzI1NiJ9." * 40
    run = hostile.play(case("a link", Fault("new-order", refuse=(429, "rateLimited", f"Your account is paused. Visit {link}")),
                            step="new-order", says=link))  # fmt: skip
    assert link in run.err, run
