# SPDX-License-Identifier: Apache-2.0
"""Profiles: chosen, echoed, not offered, changed, ignored, and chosen by certferry itself for an address."""

import json

import pytest

DAY = 86400
PROFILES = {
    "classic": {"description": "The profile you know and love", "validityPeriod": 90 * DAY},
    "shortlived": {"description": "Six days, for addresses too", "validityPeriod": 6 * DAY},
}


@pytest.fixture(scope="module")
def ca(lab, newest_program):
    return lab.another_ca(program=newest_program, retry_after=(1, 1), profiles=PROFILES)


def days(product, name):
    record = json.loads((product.state / "renewal" / f"{name}.json").read_text())
    return round((record["not_after"] - record["not_before"]) / DAY)


def listed(product, name):
    return next(entry for entry in product.run("list", "--json").json["certificates"] if entry["name"] == name)


def test_chosen_in_the_config_kept_and_changed(lab, ca, product):
    name = "profile.ferry.test"
    product.write_config(lab.config([lab.domain(name, profile="shortlived")], provider=lab.provider(ca)))
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(name)["notes"] == [], run
    assert days(product, name) == 6
    assert listed(product, name)["profile"] == "shortlived"
    assert product.run("apply", "--json").result(name)["action"] == "unchanged"
    # A change renews, and a certificate that lasts longer or shorter is then what was asked for.
    for profile, lifetime in (("classic", 90), ("shortlived", 6)):
        product.write_config(lab.config([lab.domain(name)], provider=lab.provider(ca, profile=profile)))
        run = product.run("apply", "--json")
        assert run.result(name)["action"] == "renewed" and "profile changed" in run.result(name)["reason"], run
        assert days(product, name) == lifetime


def test_one_that_is_not_offered(lab, ca, product):
    mark = ca.mark()
    product.write_config(lab.config([lab.domain("odd.ferry.test", profile="longlived")], provider=lab.provider(ca)))
    run = product.run("apply", "--json")
    assert run.code == 1, run
    error = run.result("odd.ferry.test")["error"]
    assert 'does not offer the profile "longlived"' in error["detail"], run
    assert "shortlived (Six days, for addresses too)" in error["hint"] and "classic" in error["hint"], run
    assert ca.orders(mark) == 0


def test_a_ca_without_profiles_passes_it_over(lab, product):
    """Debian's Pebble knows no profiles."""
    name = "ignored.ferry.test"
    run = product.run("issue", "-d", name, "--webroot", lab.webroot, "--server", lab.ca.url, "--ca-bundle",
                      lab.ca.ca_bundle, "--state-dir", product.state, "--agree-tos", "--profile", "shortlived", "--json",
                      config=False)  # fmt: skip
    assert run.code == 0, run
    assert any("passed the profile" in note for note in run.result(name)["notes"]), run
    assert 'passed the profile "shortlived" over' in run.err, run


def test_an_address_chooses_the_short_lived_one(lab, ca, product):
    """Once: what was chosen by itself is no change in the next run, nor is writing it down."""
    args = ["issue", "-d", "127.0.0.1", "--webroot", lab.webroot, "--server", ca.url, "--ca-bundle", ca.ca_bundle,
            "--state-dir", product.state, "--agree-tos", "--json"]  # fmt: skip
    run = product.run(*args, config=False)
    assert run.code == 0, run
    assert any('"shortlived" was chosen because of the IP address 127.0.0.1' in note
               for note in run.result("127.0.0.1")["notes"]), run  # fmt: skip
    assert "was chosen because of the IP address" in run.err, run
    assert days(product, "127.0.0.1") == 6
    for more in ([], ["--profile", "shortlived"]):
        run = product.run(*args, *more, config=False)
        assert run.result("127.0.0.1")["action"] == "unchanged", run
    run = product.run(*args, "--profile", "classic", config=False)
    assert run.result("127.0.0.1")["action"] == "renewed", run
    assert days(product, "127.0.0.1") == 90
