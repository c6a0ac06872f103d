# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: exit 130, nothing of ours left at the vendor or in the web root, and the next run works."""

import signal
import time

import pytest

from lab.wait import until


def interrupt(process, number=signal.SIGINT):
    begin = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=40)
    return process.returncode, out + err, time.monotonic() - begin


def test_while_waiting_for_dns_the_records_are_taken_away(lab, product):
    product.write_config(lab.config([lab.wildcard("*.ctrlc.ferry.test", ["web-1"])]))
    tree = lab.servers["web-1"].tree()
    lab.cloudflare.lag(60)
    process = product.start("apply")
    until(lambda: len(lab.cloudflare.records()) == 2, "both records at the vendor")
    time.sleep(0.3)  # it is waiting for the name servers now
    code, text, seconds = interrupt(process)
    assert code == 130, text
    assert lab.cloudflare.records() == [], f"records are left\n{text}"
    assert seconds < 10, f"it took {seconds:.1f} s to stop"
    assert lab.servers["web-1"].tree() == tree

    lab.cloudflare.lag(0)
    run = product.run("apply")
    assert run.code == 0, run
    assert lab.cloudflare.records() == []
    lab.assert_pairs_match(product)


@pytest.mark.parametrize("part", [0.1, 0.25, 0.4, 0.55, 0.7, 0.85])
def test_at_any_moment_it_leaves_nothing_behind(lab, product, part):
    domains = [lab.wildcard("*.ctrlc.ferry.test", ["web-1", "web-2"]), lab.domain("ctrlc-www.ferry.test")]
    product.write_config(lab.config(domains))
    run = product.run("apply")
    assert run.code == 0, run
    process = product.start("apply", "--force")
    time.sleep(run.seconds * part)
    code, text, _ = interrupt(process)
    assert code in (0, 130), text
    assert lab.cloudflare.records() == [], f"records are left\n{text}"
    assert not list(lab.webroot.glob(".well-known/acme-challenge/*")), f"files are left\n{text}"
    lab.assert_pairs_match(product)
    run = product.run("apply")
    assert run.code == 0, run
    for name in lab.servers:
        lab.verified(name, "ctrlc.ferry.test")


def test_sigterm_is_as_good(lab, product):
    product.write_config(lab.config([lab.wildcard("*.term.ferry.test")]))
    lab.cloudflare.lag(60)
    process = product.start("apply")
    until(lambda: len(lab.cloudflare.records()) == 2, "both records at the vendor")
    code, text, _ = interrupt(process, signal.SIGTERM)
    assert code == 130 and lab.cloudflare.records() == [], text


def test_a_command_that_hangs_is_given_up_and_nothing_is_held_against_the_server(lab, product):
    """What was there before is there again, and the next run brings the new certificate."""
    domain, server = lab.domain("hangs.ferry.test", ["web-1"]), lab.servers["web-1"]
    there = product.dir / "there"
    product.write_config(lab.config([domain]))
    run = product.run("apply")
    assert run.code == 0, run
    before = server.fingerprint("hangs.ferry.test")
    hanging = lab.server_entry(server, test_command=f"touch {there}; sleep 60")
    product.write_config(lab.config([domain], servers={"web-1": hanging}))
    process = product.start("apply", "--force")
    until(there.exists, "the test command runs")
    code, text, _ = interrupt(process, signal.SIGTERM)
    assert code == 130 and "test: interrupted" in text and "retry: not before" not in text, text
    assert "the previous files are live again" in text and server.fingerprint("hangs.ferry.test") == before, text
    lab.assert_pairs_match(product)
    product.write_config(lab.config([domain]))
    run = product.run("apply")
    assert run.code == 0 and lab.verified("web-1", "hangs.ferry.test"), run
    assert server.fingerprint("hangs.ferry.test") != before
