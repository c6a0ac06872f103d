# SPDX-License-Identifier: Apache-2.0
"""What a run that was killed left in DNS is removed by the next one: exactly that, whatever became of the certificate."""

import json
import os
import signal
import time

from fakes.acme_server import AcmeServer

from lab.wait import until

NAME = "_acme-challenge.left.ferry.test"


def leave_behind(lab, product):
    """Two values of a killed run, and one of somebody else."""
    lab.cloudflare.add("ferry.test", NAME, '"somebody-else"')
    lab.cloudflare.lag(60)
    product.write_config(lab.config([lab.wildcard("*.left.ferry.test")]))
    process = product.start("apply")
    until(lambda: len(lab.cloudflare.records(NAME)) == 3, "both values at the vendor")
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    lab.cloudflare.lag(0)
    assert len(lab.cloudflare.records(NAME)) == 3
    return product.state / "published" / "left.ferry.test.json"


def contents(lab):
    return [record["content"] for record in lab.cloudflare.records()]


def test_the_next_run_removes_them_and_issues(lab, product):
    journal = leave_behind(lab, product)
    assert len(json.loads(journal.read_text())["values"]) == 2 and journal.stat().st_mode & 0o777 == 0o600
    assert lab.cloudflare.token not in journal.read_text()
    run = product.run("apply")
    assert run.code == 0 and "left behind" in run.err, run
    assert contents(lab) == ['"somebody-else"'] and not journal.exists()


def test_also_when_the_certificate_is_not_wanted_any_more(lab, product):
    journal = leave_behind(lab, product)
    product.write_config(lab.config([lab.domain("left-www.ferry.test")]))
    run = product.run("apply")
    assert run.code == 0, run
    assert contents(lab) == ['"somebody-else"'] and not journal.exists()


def test_also_when_the_run_was_killed_before_the_vendors_answer(lab, product):
    product.write_config(lab.config([lab.wildcard("*.left.ferry.test")]))
    lab.cloudflare.fault("slow", method="POST", path="dns_records", seconds=30)
    process = product.start("apply")
    until(lambda: lab.cloudflare.records(NAME), "the first value at the vendor")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    product.write_config(lab.config([lab.domain("left-www.ferry.test")]))
    run = product.run("apply")
    assert run.code == 0 and lab.cloudflare.records() == [], run


def test_a_vendor_that_refuses_is_told_and_asked_again(lab, product):
    journal = leave_behind(lab, product)
    product.write_config(lab.config([lab.domain("left-www.ferry.test")]))
    lab.cloudflare.fault("status", method="DELETE", status=403, code=10000, message="Authentication error", count=2)
    run = product.run("apply")
    assert run.code == 0 and "left behind" in run.err and "Authentication error" in run.err and NAME in run.err, run
    assert len(contents(lab)) == 3 and journal.exists()
    run = product.run("apply")
    assert run.code == 0 and contents(lab) == ['"somebody-else"'] and not journal.exists(), run


def test_a_run_at_work_is_left_alone(lab, product):
    lab.cloudflare.lag(60)
    product.write_config(lab.config([lab.wildcard("*.left.ferry.test")]))
    process = product.start("apply")
    until(lambda: len(lab.cloudflare.records(NAME)) == 2, "both values at the vendor")
    run = product.run("renew", "--lock-timeout", "1")
    assert len(lab.cloudflare.records(NAME)) == 2, run
    lab.cloudflare.lag(0)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and lab.cloudflare.records() == [], out + err
    assert not (product.state / "published" / "left.ferry.test.json").exists()


def test_a_program_that_prints_what_is_no_text(lab, product):
    """Its output is its handle for the value, and goes back to it; on record it cannot be."""
    script = product.dir / "hook"
    script.write_text(f"#!/bin/sh\nprintf '%s %s\\n' $1 \"$CERTFERRY_OUTPUT\" >>{product.dir}/done\nprintf '\\377\\376'\n")
    script.chmod(0o755)
    server = AcmeServer(lab.dir / "bytes")
    server.start()
    try:
        entry = {"name": "*.bytes.ferry.test", "type": "wildcard", "dns_provider": "hook", "include_base": False}
        hook = {"type": "exec", "program": str(script), "propagation": "none"}
        product.write_config(lab.config([entry], provider=lab.provider(server), dns_providers={"hook": hook}))
        run = product.run("apply")
        assert run.code == 0, run
        assert (product.dir / "done").read_bytes() == b"add \nremove \xff\xfe\n"
    finally:
        server.stop()
