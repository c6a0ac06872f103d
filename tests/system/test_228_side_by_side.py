# SPDX-License-Identifier: Apache-2.0
"""Values of one certificate are put and removed side by side: as many at once as the vendor bears, with few calls, slowed
down together, and with nothing left behind however it ends."""

import json
import os
import signal
import time

import pytest
from lab import certificates
from lab.vendor import VENDORS
from lab.wait import until

# The most requests at once that docs/dns-providers.md promises.
LIMITS = {"azure": 4, "cloudflare": 4, "digitalocean": 4, "google": 4, "route53": 2}
ZONE = "ferry.test"


def entry(names, provider="cloudflare", **more):
    return {"name": names[0], "aliases": names[1:], "dns_provider": provider, **more}


def many(count, prefix="n"):
    return [f"{prefix}{number:02d}.{ZONE}" for number in range(count)]


def records_made(vendor):
    return [r for r in vendor.requests() if r["method"] == "POST" and r["status"] == 200]


def journal(product, name):
    path = product.state / "published" / f"{name}.json"
    return json.loads(path.read_text())["values"] if path.exists() else []


def test_several_at_once_and_no_call_too_many(lab, product):
    names = [*many(22), f"*.n00.{ZONE}"]
    lab.cloudflare.delay(0.1)
    product.write_config(lab.config([entry(names)]))
    run = product.run("apply")
    assert run.code == 0, run
    assert certificates.names(product.live(names[0]) / "cert.pem") == sorted(names)
    calls = [request["method"] for request in lab.cloudflare.requests()]
    assert (calls.count("GET"), calls.count("POST"), calls.count("DELETE")) == (1, 23, 23), "one zone, and each value"
    assert lab.cloudflare.most_at_once() == LIMITS["cloudflare"]
    assert lab.cloudflare.records() == [] and not journal(product, names[0])


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_every_vendor_within_its_limit(lab, product, name):
    """Two values at each of several names: none is lost where several are written at once."""
    vendor = lab.another_vendor(name, [ZONE, f"sub.{ZONE}"])
    ca = lab.another_ca(resolver=vendor.resolver)
    product.resolver = vendor.resolver
    vendor.add(f"sub.{ZONE}", f"_acme-challenge.sub.{ZONE}", "somebody-elses")
    vendor.delay(0.05)
    names = [name for base in [f"sub.{ZONE}", *many(4)] for name in (base, f"*.{base}")]
    product.write_config(lab.config([entry(names, name)], servers={}, provider=lab.provider(ca),
                                    dns_providers={name: vendor.settings()}))  # fmt: skip
    run = product.run("apply")
    assert run.code == 0, run
    assert certificates.names(product.live(names[0]) / "cert.pem") == sorted(names)
    assert [record["content"].strip('"') for record in vendor.records()] == ["somebody-elses"]
    assert 2 <= vendor.most_at_once() <= LIMITS[name]


def test_the_certificates_of_a_run_share_the_limit(lab, product):
    lab.cloudflare.delay(0.05)
    domains = [entry(many(3, prefix=letter)) for letter in "abcdef"]
    product.write_config(lab.config(domains))
    run = product.run("apply")
    assert run.code == 0, run
    assert lab.cloudflare.most_at_once() == LIMITS["cloudflare"]
    assert len(records_made(lab.cloudflare)) == 18 and lab.cloudflare.records() == []


def test_who_is_told_to_wait_has_all_others_wait(lab, product):
    names = many(16)
    lab.cloudflare.delay(0.05)
    lab.cloudflare.fault("status", method="POST", path="dns_records", status=429, retry_after=2, skip=5)
    product.write_config(lab.config([entry(names)]))
    run = product.run("apply")
    assert run.code == 0, run
    requests = lab.cloudflare.requests()
    told = next(request["end"] for request in requests if request["status"] == 429)
    # What was under way when the answer came is no concern of it.
    early = [r for r in requests if told + 0.3 < r["begin"] < told + 1.9]
    assert not early, early
    assert sum(request["status"] == 429 for request in requests) == 1, "nobody else had to be told"
    assert len(records_made(lab.cloudflare)) == 16 and lab.cloudflare.records() == []


def test_a_wait_that_is_too_long_ends_the_run_soon(lab, product):
    names = many(12)
    lab.cloudflare.fault("status", method="POST", path="dns_records", status=429, retry_after=3600, skip=3, count=99)
    product.write_config(lab.config([entry(names)]))
    run = product.run("apply", "--timeout", "60", "--json")
    assert run.code == 1 and run.seconds < 30, run
    assert "retry" in run.err and "Cloudflare" in run.result(names[0])["error"]["detail"], run


def test_a_refusal_in_the_middle_ends_it_and_leaves_nothing(lab, product):
    names = many(20)
    lab.cloudflare.delay(0.05)
    lab.cloudflare.fault("status", method="POST", path="dns_records", status=403, code=10000,
                         message="Authentication error", skip=6)  # fmt: skip
    product.write_config(lab.config([entry(names)]))
    run = product.run("apply", "--json")
    assert run.code == 1 and "Authentication error" in run.err, run
    posts = [r for r in lab.cloudflare.requests() if r["method"] == "POST"]
    told = next(request["end"] for request in posts if request["status"] == 403)
    assert not [r for r in posts if r["begin"] > told + 0.3] and len(posts) < len(names), "none is begun after that"
    assert lab.cloudflare.records() == [] and not journal(product, names[0])


def test_what_cannot_be_removed_is_told_and_the_rest_is(lab, product):
    names = many(8)
    lab.cloudflare.fault("status", method="DELETE", status=403, code=10000, message="Authentication error", skip=3)
    product.write_config(lab.config([entry(names)]))
    run = product.run("apply")
    left = lab.cloudflare.records()
    assert len(left) == 1 and "is left behind" in run.err and left[0]["name"] in run.err, run
    assert [value["name"] for value in journal(product, names[0])] == [left[0]["name"]]
    run = product.run("apply")
    assert run.code == 0 and lab.cloudflare.records() == [] and not journal(product, names[0]), run


@pytest.mark.parametrize("made", [0, 3, 9, 12])
def test_a_kill_in_the_middle(lab, product, made):
    names = many(12)
    lab.cloudflare.delay(0.05)
    lab.cloudflare.lag(60)
    product.write_config(lab.config([entry(names)]))
    process = product.start("apply")
    if made == 0:
        until(lambda: journal(product, names[0]), "the journal")
    else:
        until(lambda: len(lab.cloudflare.records()) >= made, "values at the vendor")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(journal(product, names[0])) == 12, "all that might have been put are listed"
    lab.cloudflare.lag(0)
    time.sleep(0.2)  # what was on its way arrives
    product.write_config(lab.config([lab.domain(f"other-{made}.{ZONE}")]))
    run = product.run("apply")
    assert run.code == 0 and lab.cloudflare.records() == [] and not journal(product, names[0]), run
    assert lab.cloudflare.most_at_once() <= LIMITS["cloudflare"]


def test_what_was_under_way_at_ctrl_c_is_looked_for_again(lab, product):
    """The vendor does it after nobody waits for it any more, and after the clean-up found nothing."""
    names = many(9)
    lab.cloudflare.fault("late", method="POST", path="dns_records", seconds=1.5, count=4)
    product.write_config(lab.config([entry(names)]))
    process = product.start("apply")
    until(lambda: lab.cloudflare.most_at_once() == 4, "four at once")
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    until(lambda: len(lab.cloudflare.records()) == 4, "what was under way")
    assert len(journal(product, names[0])) == 4
    product.write_config(lab.config([lab.domain(f"other-late.{ZONE}")]))
    run = product.run("apply")
    assert run.code == 0 and lab.cloudflare.records() == [] and not journal(product, names[0]), run


def test_what_may_be_put_is_on_record_once(lab, product):
    """A program sees the record as it is when each value is put: all of them in it, and not written again meanwhile. As
    programs are not made for more, they run one after the other, and learn how many follow."""
    names = many(6)
    published = product.state / "published" / f"{names[0]}.json"
    script = product.dir / "hook"
    script.write_text("#!/bin/sh\nset -e\nmkdir lock\n"
                      f'echo "$CERTFERRY_ACTION $(grep -c zone_id {published}) '
                      f'$(stat -c %i {published}) $CERTBOT_REMAINING_CHALLENGES" >>{product.dir}/seen\nrmdir lock\n')  # fmt: skip
    script.chmod(0o755)
    product.write_config(lab.config([entry(names, "hook")],
                                    dns_providers={"hook": {"type": "exec", "convention": "certbot", "add": str(script),
                                                            "remove": str(script), "propagation": "none"}}))  # fmt: skip
    run = product.run("apply")
    seen = [line.split() for line in (product.dir / "seen").read_text().splitlines()]
    added = [line for line in seen if line[0] == "add"]
    assert [line[1] for line in added] == ["6"] * 6 and len({line[2] for line in added}) == 1, (seen, run)
    assert [line[3] for line in added] == ["5", "4", "3", "2", "1", "0"], seen
    removed = [line for line in seen if line[0] == "remove"]
    assert [line[1] for line in removed] == ["6"] * 6 and len({line[2] for line in removed}) == 1, seen


def test_dns_test_that_is_killed_leaves_it_to_the_next_run(lab, product):
    name = f"_acme-challenge.tried.{ZONE}"
    lab.cloudflare.add(ZONE, name, '"somebody-else"')
    product.write_config(lab.config([lab.domain(f"tried-www.{ZONE}")]))
    for following in (["dns", "test", "cloudflare", f"other.{ZONE}"], ["apply"]):
        lab.cloudflare.lag(60)
        process = product.start("dns", "test", "cloudflare", f"tried.{ZONE}")
        until(lambda: len(lab.cloudflare.records(name)) == 2, "the value at the vendor")
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        lab.cloudflare.lag(0)
        assert journal(product, "dns-test-1")[0]["name"] == name
        run = product.run(*following)
        assert run.code == 0 and "left behind" in run.err and name in run.err, run
        assert [record["content"] for record in lab.cloudflare.records()] == ['"somebody-else"']
        assert not list((product.state / "published").glob("*.json"))


def test_dns_test_by_a_credentials_file(lab, product):
    """The next run finds the file, wherever it is started."""
    credentials = product.dir / "cloudflare.ini"
    credentials.write_text(f"dns_cloudflare_api_token = {lab.cloudflare.token}\napi_url = {lab.cloudflare.url}\n")
    credentials.chmod(0o600)
    lab.cloudflare.lag(60)
    trial = ["dns", "test", "cloudflare", f"filed.{ZONE}", "--credentials", "cloudflare.ini", "--state-dir", "state"]
    process = product.start(*trial, config=False)
    until(lambda: lab.cloudflare.records(), "the value at the vendor")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    lab.cloudflare.lag(0)
    assert journal(product, "dns-test-1")[0]["credentials"] == str(credentials.resolve())
    run = product.run(*trial, config=False)
    assert run.code == 0 and "left behind" in run.err and lab.cloudflare.records() == [], run


def test_dns_test_where_nothing_can_be_written(lab, product):
    """It needs no state, and says what that costs."""
    product.write_config(lab.config([]))
    run = product.run("dns", "test", "cloudflare", f"tried.{ZONE}", "--state-dir", "/proc/certferry")
    assert run.code == 0 and "is on no record" in run.err, run
    assert lab.cloudflare.records() == []
