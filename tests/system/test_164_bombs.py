# SPDX-License-Identifier: Apache-2.0
"""A CA that sends too much, too deep, too many or too slowly: it is cut off at the caps of base/limits.h, in time, and
without the memory that it would like to fill.
"""

import json

import pytest

from fakes.acme_server import Fault
from lab.hostile import CERT, case

MIB = 1024 * 1024
WIDE = json.dumps({"status": "pending", "authorizations": ["https://127.0.0.1/x"] * 2000, "finalize": "https://x.test/"})
DEEP = '{"status": "pending", "x": ' + "[" * 5000 + "]" * 5000 + "}"
DEEP_OBJECT = '{"status": "pending", "x": ' + '{"a":' * 100 + "1" + "}" * 100 + "}"
LONG_STRING = json.dumps({"status": "pending", "x": "y" * (100 * 1024)})

# Step of the server -> the step that the error names.
STEPS = {
    "directory": "directory",
    "new-nonce": "nonce",
    "new-order": "new-order",
    "authorization": "authorize",
    "challenge": "challenge",
    "order": "validate",
    "finalize": "finalize",
    "certificate": "download",
}
# After these the order itself tells how far things are, whatever the answer was worth.
SURVIVED = ("challenge", "finalize")
WITH_BODY = [step for step in STEPS if step != "new-nonce" and step not in SURVIVED]


def at(step, name, *says, timeout=20, **fault):
    return case(f"{step}: {name}", Fault(step, **fault), step=STEPS[step], says=says, timeout=timeout)


def headers(count, size):
    return {f"X-Bomb-{number}": "x" * size for number in range(count)}


CASES = [
    *[at(step, "10 MiB, announced", body=b" " * (10 * MIB)) for step in WITH_BODY],
    *[at(step, "10 MiB, not announced", body=b" " * (10 * MIB), wire="bomb") for step in ("directory", "new-order")],
    *[at(step, "a body without end", wire="endless") for step in WITH_BODY],
    *[at(step, "a header without end", wire="endless-header") for step in STEPS if step not in SURVIVED],
    at("new-order", "one huge header", headers={"X-Bomb": "x" * 60000}),
    at("new-order", "a huge Replay-Nonce", headers={"Replay-Nonce": "x" * 17000}),
    at("new-order", "two hundred headers", headers=headers(200, 10)),
    at("directory", "headers of 80 KiB", headers=headers(80, 1000)),
    at("new-order", "an array of 2000", body=WIDE),
    at("new-order", "5000 levels of arrays", body=DEEP),
    at("order", "100 levels of objects", body=DEEP_OBJECT),
    at("new-order", "a string of 100 KiB", body=LONG_STRING),
    at("directory", "gzip", headers={"Content-Encoding": "gzip"}),
    at("new-order", "gzip", "Content-Encoding", headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b" + b"\0" * 100),
    at("certificate", "deflate", "Content-Encoding", headers={"Content-Encoding": "deflate"}),
    at("order", "an encoding nobody knows", headers={"Content-Encoding": "x\x1b[31m"}),
    at("new-order", "a problem of 1 MiB", refuse=(400, "malformed", "x" * MIB)),
    at("new-order", "a problem with 3000 subproblems", status=400,
       headers={"Content-Type": "application/problem+json"},
       body=json.dumps({"type": "urn:ietf:params:acme:error:compound", "subproblems": [{"detail": "x"}] * 3000})),
    at("new-order", "a huge Content-Length", timeout=2, headers={"Content-Length": "99999999999999999999"}),
    at("new-order", "a negative Content-Length", headers={"Content-Length": "-5"}, wire="bomb"),
]  # fmt: skip


@pytest.mark.parametrize("one", CASES, ids=str)
def test_it_is_cut_off(hostile, one):
    run = hostile.play(one)
    assert len(run.text) < 40000, "the bomb went on to the user"


@pytest.mark.parametrize("step", SURVIVED)
@pytest.mark.parametrize("how", [{"body": b" " * (10 * MIB)}, {"wire": "endless"}, {"wire": "endless-header"},
                                 {"headers": {"Content-Encoding": "br"}}], ids=str)  # fmt: skip
def test_an_answer_that_nobody_needs(hostile, step, how):
    """The challenge was answered and the CSR has arrived: the order is looked at instead, and the renewal succeeds."""
    product = hostile.prepare()
    hostile.server.cue(Fault(step, **how))
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0 and run.result(CERT)["action"] == "renewed", run
    assert hostile.server.violations == [] and hostile.lab.challenge_files() == []
    assert hostile.server.count("new-order") == hostile.server.count("finalize") == 1


def peak_kib(process):
    """The most memory that PROCESS ever had, watched to its end."""
    peak = 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as file:
                found = [int(line.split()[1]) for line in file if line.startswith("VmHWM:")]
        except OSError:
            continue
        peak = max([peak, *found])
    return peak


@pytest.mark.parametrize("fault", [Fault("new-order", wire="endless"), Fault("certificate", body=b" " * (100 * MIB)),
                                   Fault("new-order", body=DEEP)], ids=["endless", "100 MiB", "deep"])  # fmt: skip
def test_the_memory_stays_small(hostile, fault):
    product = hostile.prepare()
    hostile.server.cue(fault)
    process = product.start("apply", "--timeout", "20", together=True)
    peak = peak_kib(process)
    assert process.wait() == 1, process.stdout.read()
    process.stdout.close()
    # The sanitizers keep what was freed for a while, but not a hundred MiB of it.
    most = 80 if "ASAN_OPTIONS" in product.env() else 40
    assert 1024 < peak < most * 1024, f"{peak} KiB"


def test_many_alternate_chains(hostile):
    """A preferred chain that is never there, and a thousand links: a few are looked at."""
    product = hostile.prepare()
    config = hostile.lab.config(["www.ferry.test", "ferry.test"])
    config["ssl"]["provider"]["preferred_chain"] = "Nobody Has This Root"
    product.write_config(config)
    server = hostile.server
    links = [f'<{server.base}/alternate/1/{number % 2}?n={number}>;rel="alternate"' for number in range(60)]
    server.cue(Fault("certificate", headers={"Link": links}))
    run = product.run("apply", "--json", "--timeout", "20")
    assert run.code == 0, run
    assert server.count("alternate") <= 8, server.requests
    assert "Nobody Has This Root" in run.text, run
