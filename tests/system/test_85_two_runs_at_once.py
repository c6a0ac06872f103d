# SPDX-License-Identifier: Apache-2.0
"""Two runs at once: one waits for the other's lock, and each certificate is ordered once."""

import json
import time


def wait_for_records(lab, count):
    end = time.monotonic() + 20
    while len(lab.cloudflare.records()) < count:
        assert time.monotonic() < end, "the first run does not get that far"
        time.sleep(0.02)


def test_a_second_run_gives_up_after_its_lock_timeout(lab, product):
    product.write_config(lab.config([lab.wildcard("*.lock.ferry.test")]))
    lab.cloudflare.lag(60)
    first = product.start("apply")
    wait_for_records(lab, 2)
    run = product.run("--lock-timeout", "1", "apply")
    assert run.code == 4, run
    assert 0.9 < run.seconds < 15, run
    lab.cloudflare.lag(0)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err


def test_a_second_run_waits_and_finds_nothing_to_do(lab, product):
    product.write_config(lab.config([lab.wildcard("*.wait.ferry.test")]))
    lab.cloudflare.lag(2)
    mark = lab.ca.mark()
    first = product.start("apply")
    wait_for_records(lab, 2)
    run = product.run("apply", "--json")
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err
    assert run.code == 0 and run.result("wait.ferry.test")["action"] == "unchanged", run
    assert lab.ca.orders(mark) == 1


def test_a_server_is_deployed_to_by_one_run_at_a_time(lab, product):
    """Whatever the server's own commands do, they never run twice at once for us."""
    log = lab.dir / "commands.log"
    server = lab.servers["web-1"]
    entry = lab.server_entry(server, test_command=f"echo begin >> {log}; sleep 0.5; {server.test_command} && echo end >> {log}")
    product.write_config(lab.config([lab.wildcard("*.turns.ferry.test", ["web-1"])], servers={"web-1": entry}))
    assert product.run("apply").code == 0
    log.unlink()
    runs = [product.start("deploy", "--force", together=True) for _ in range(3)]
    for process in runs:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, out
    assert log.read_text().split() == ["begin", "end"] * 3


def test_what_another_run_did_meanwhile_is_no_surprise(lab, product):
    """One issues for as long as it is held; the other renews and deploys what the first has left alone."""
    quick, slow = "quick-85.ferry.test", "slow-85.ferry.test"
    began, go = product.dir / "began", product.dir / "go"
    hold = f"touch {began}; until [ -e {go} ]; do sleep 0.05; done"
    product.write_config(lab.config([lab.wildcard(f"*.{quick}", ["web-1"]), lab.wildcard(f"*.{slow}", hooks={"pre": hold})]))
    assert product.run("apply", quick).code == 0
    first = product.start("apply", "--json")
    try:
        end = time.monotonic() + 60
        while not began.exists():
            assert first.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        run = product.run("renew", "--force", quick)
        assert run.code == 0, run
    finally:
        go.touch()
        out, err = first.communicate(timeout=120)
    assert first.returncode == 0, out + err
    result = {entry["name"]: entry for entry in json.loads(out)["results"]}[quick]
    assert result["generation"] == 2 and result["action"] == "unchanged" and result["notes"] == [], result
    assert result["deployed"][0]["result"] == "unchanged" and "serves another certificate" not in err, (result, err)
