# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any moment of apply: no half-made pair anywhere, and the next run finishes without a second order."""

import os
import signal
import time

from lab import certificates

KILLS = 28
WILDCARD, WEB = "kill.ferry.test", "kill-www.ferry.test"


def session_members(session):
    """The processes that a killed run left behind: its couriers lead no session of their own."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry))
    return found


def wait_alone(session, seconds=15):
    end = time.monotonic() + seconds
    while members := session_members(session):
        assert time.monotonic() < end, f"processes {members} outlive the run that was killed"
        time.sleep(0.02)


def kill_after(product, seconds, *args):
    """A run killed after SECONDS; its exit status, None where it was faster."""
    process = product.start(*args)
    try:
        process.communicate(timeout=seconds)
        return process.returncode
    except Exception:  # subprocess.TimeoutExpired
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        wait_alone(process.pid)
        return None


def orders_allowed(product):
    """How many orders the next run may place: none where one is on record, or where a certificate is live."""
    allowed = 0
    for name in (WILDCARD, WEB):
        order = product.order(name) or {}
        allowed += not order.get("url") and not product.live(name).exists()
    return allowed


def check_recovery(lab, product, when):
    live = product.state / "live"
    for folder in live.iterdir() if live.exists() else ():
        assert certificates.pair_matches(folder), f"{when}: {folder}"
    lab.assert_pairs_match(product)
    allowed, orders = orders_allowed(product), [product.order(name) for name in (WILDCARD, WEB)]
    mark = lab.ca.mark()
    run = product.run("apply")
    assert run.code == 0, f"{when}, orders {orders}\n{run}"
    placed = lab.ca.orders(mark)
    assert placed <= allowed, f"{when}: {placed} orders placed, {allowed} allowed; on record were {orders}\n{run}"
    wanted = certificates.fingerprint(product.live(WILDCARD) / "cert.pem")
    for name in lab.servers:
        assert lab.verified(name, "x.kill.ferry.test") == wanted, f"{when}: {name} does not serve what is stored"
    assert certificates.pair_matches(product.live(WEB)), when
    lab.assert_pairs_match(product)


def test_kill_at_many_moments(lab, product):
    domains = [lab.wildcard("*.kill.ferry.test", ["web-1", "web-2"]), lab.domain(WEB)]
    product.write_config(lab.config(domains))
    first = product.run("apply")
    assert first.code == 0, first
    again = product.run("apply", "--force")
    assert again.code == 0, again
    longest = {"renewal": again.seconds, "first issuance": first.seconds}

    killed = 0
    for number in range(KILLS):
        kind = "renewal" if number % 2 == 0 else "first issuance"
        if kind == "first issuance":
            product = lab.product()
            product.write_config(lab.config(domains))
        # Spread over the whole run, its first and its last moments too.
        seconds = longest[kind] * (number + 0.5) / KILLS
        status = kill_after(product, seconds, "apply", *(["--force"] if kind == "renewal" else []))
        killed += status is None
        check_recovery(lab, product, f"{kind} killed after {seconds:.3f} s (number {number})")
    assert killed >= KILLS * 3 // 4, f"only {killed} of {KILLS} runs were still alive to be killed"


def test_killed_twice_in_a_row(lab, product):
    """The run that recovers is killed as well."""
    product.write_config(lab.config([lab.wildcard("*.kill.ferry.test", ["web-1", "web-2"]), lab.domain(WEB)]))
    for seconds in (0.15, 0.3, 0.45, 0.6):
        kill_after(product, seconds, "apply")
    check_recovery(lab, product, "after four kills in a row")


def test_killed_once_the_order_is_placed_the_next_run_takes_it_up(lab, product):
    """Counted at the CA, whatever the product has on record."""
    product.write_config(lab.config([lab.wildcard("*.kill.ferry.test")]))
    lab.cloudflare.lag(600)  # the record is published, and the wait for it goes on until the end
    process = product.start("apply")
    end = time.monotonic() + 30
    while not lab.cloudflare.records("_acme-challenge.kill.ferry.test"):
        assert time.monotonic() < end, "no challenge was published"
        time.sleep(0.01)
    process.kill()
    process.communicate()
    lab.cloudflare.lag(0)
    mark = lab.ca.mark()
    run = product.run("apply")
    assert run.code == 0, run
    assert lab.ca.orders(mark) == 0, f"the order of the killed run was not taken up\n{run}"
