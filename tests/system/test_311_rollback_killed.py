# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any moment of a rollback: what is live is whole, here and on the servers, and the next run brings the servers
what is live here, without an order."""

import json
import os
import time

from lab import certificates
from test_50_sigkill_any_moment import kill_after

KILLS = 12
CERT = "undo.ferry.test"


def live(product):
    return int(os.path.basename(os.readlink(product.live(CERT))))


def leaf(product, number):
    return certificates.fingerprint(product.state / "archive" / CERT / str(number) / "cert.pem")


def start(lab, product):
    product.write_config(lab.config([lab.wildcard("*.undo.ferry.test", ["web-1", "web-2"])]))
    for args in ((), ("--force",)):
        run = product.run("apply", *args)
        assert run.code == 0, run


def check_next_run(lab, product, when):
    assert certificates.pair_matches(product.live(CERT)), when
    lab.assert_pairs_match(product)
    number, mark = live(product), lab.ca.mark()
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(CERT)["action"] == "unchanged", f"{when}\n{run}"
    assert live(product) == number and lab.ca.orders(mark) == 0, f"{when}\n{run}"
    (entry,) = product.run("list", CERT, "--json").json["certificates"]
    assert entry["generation"] == number, f"{when}: {entry}"
    assert entry["rolled_back_from"] == (2 if number == 1 else None), f"{when}: {entry}"
    for name in lab.servers:
        assert lab.verified(name, "x.undo.ferry.test") == leaf(product, number), f"{when}: {name}"
    lab.assert_pairs_match(product)
    return number


def test_kill_at_many_moments(lab, product):
    start(lab, product)
    longest = product.run("rollback", CERT).seconds
    killed, seen = 0, set()
    for number in range(KILLS):
        assert product.run("rollback", CERT, "--to-generation", 2).code == 0
        # Half of them while it is at work here, which is soon over.
        part = number // 2 / (KILLS // 2)
        seconds = longest * (part * 0.1 if number % 2 else part)
        killed += kill_after(product, seconds, "rollback", CERT) is None
        seen.add(check_next_run(lab, product, f"killed after {seconds:.3f} s of {longest:.3f} s"))
    # Once more, to its end.
    run = product.run("rollback", CERT, "--json")
    assert run.code == 0 and run.result(CERT)["generation"] == 1, run
    assert check_next_run(lab, product, "done after all") == 1
    assert killed >= KILLS // 2 and seen == {1, 2}, f"{killed} killed, live afterwards were {seen}"


def test_cut_off_between_the_record_and_the_switch_nothing_was_rolled_back(lab, product):
    start(lab, product)
    assert product.run("rollback", CERT).code == 0
    link = product.live(CERT)
    link.unlink()
    link.symlink_to(f"../archive/{CERT}/2")
    assert check_next_run(lab, product, "the record is ahead of the link") == 2
    run = product.run("rollback", CERT, "--json")
    assert run.code == 0 and run.result(CERT)["generation"] == 1, run
    assert check_next_run(lab, product, "again") == 1


def test_where_the_link_is_lost_the_one_gone_back_to_is_meant(lab, product):
    start(lab, product)
    assert product.run("rollback", CERT).code == 0
    product.live(CERT).unlink()
    mark = lab.ca.mark()
    run = product.run("apply", "--json")
    assert run.code == 0 and lab.ca.orders(mark) == 0, run
    assert live(product) == 1
    assert check_next_run(lab, product, "found again") == 1


def test_an_issuance_cut_off_before_its_switch_is_taken_up(lab, product):
    """The certificate that came after the rollback is wanted, although the one before it was not."""
    start(lab, product)
    assert product.run("rollback", CERT).code == 0
    record = product.state / "renewal" / f"{CERT}.json"
    before = record.read_bytes()
    assert product.run("apply", "--force").code == 0
    assert live(product) == 3
    # As it is between the two renames of a commit.
    record.write_bytes(before)
    product.live(CERT).unlink()
    product.live(CERT).symlink_to(f"../archive/{CERT}/1")
    product.make_due(CERT)
    mark = lab.ca.mark()
    run = product.run("apply", "--json")
    assert run.code == 0 and live(product) == 3 and lab.ca.orders(mark) == 0, run
    (entry,) = product.run("list", CERT, "--json").json["certificates"]
    assert entry["generation"] == 3 and entry["rolled_back_from"] is None, entry


def test_a_second_rollback_cut_off_leaves_the_first_one_as_it_was(lab, product):
    start(lab, product)
    assert product.run("apply", "--force").code == 0
    assert product.run("rollback", CERT, "--to-generation", 2).code == 0
    record = product.state / "renewal" / f"{CERT}.json"
    assert product.run("rollback", CERT, "--to-generation", 1).code == 0
    # As it is between the record and the switch.
    product.live(CERT).unlink()
    product.live(CERT).symlink_to(f"../archive/{CERT}/2")
    run = product.run("apply", "--json")
    assert run.code == 0 and live(product) == 2, run
    assert json.loads(record.read_text())["rolled_back_from"] == 3, "3 was rejected, and still is"
    product.make_due(CERT)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(CERT)["action"] == "renewed" and live(product) == 4, run
    lab.assert_pairs_match(product)


def test_a_rollback_while_an_issuance_is_at_its_deploy_hook_stays(lab, product):
    start(lab, product)
    begun, go_on = product.home / "begun", product.home / "go-on"
    hook = f"touch {begun}; while [ ! -e {go_on} ]; do sleep 0.05; done"
    product.write_config(lab.config([lab.wildcard("*.undo.ferry.test", ["web-1"], hooks={"deploy": hook})]))
    process = product.start("apply", "--force")
    end = time.monotonic() + 30
    while not begun.exists():
        assert time.monotonic() < end, "the hook never ran"
        time.sleep(0.05)
    assert live(product) == 3
    product.run("rollback", CERT)
    assert live(product) == 2
    go_on.touch()
    process.communicate()
    (entry,) = product.run("list", CERT, "--json").json["certificates"]
    assert live(product) == entry["generation"] == 2 and entry["rolled_back_from"] == 3, entry
    product.make_due(CERT)
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(CERT)["action"] == "renewed" and live(product) == 4, run
