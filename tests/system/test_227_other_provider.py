# SPDX-License-Identifier: Apache-2.0
"""`_acme-challenge` is a CNAME into a zone at another DNS provider: whoever has the zone gets the value, and is asked to
remove it again, by the next run too. Cloudflare's stand-in, a real BIND and a real PowerDNS."""

import base64
import json
import os
import shutil
import signal
import time

import pytest
from conftest import need
from lab import certificates
from lab.selfhosted import Bind, PowerDNS, World
from lab.wait import until

KEY, SECRET = "far.lab", base64.b64encode(os.urandom(32)).decode()
OURS, AT_BIND, AT_PDNS = "ferry.test", "far-bind.test", "far-pdns.test"


@pytest.fixture(scope="module")
def world(lab):
    need(shutil.which("named", path="/usr/sbin:/usr/bin"), "named (package bind9)")
    need(shutil.which("pdns_server", path="/usr/sbin:/usr/bin"), "pdns_server (packages pdns-server, pdns-backend-sqlite3)")
    world = World(lab, "far")
    world.bind = world.add(Bind(world.dir / "bind", [AT_BIND], {KEY: ("hmac-sha256", SECRET)}))
    world.pdns = world.add(PowerDNS(world.dir / "pdns", [AT_PDNS]))
    servers = [(address, 53) for address in lab.cloudflare.name_servers]
    for zone in (OURS, "sub.ferry.test"):
        world.resolver.zones[zone] = (servers or [("127.0.0.1", lab.cloudflare.dns_port)])[0]
    yield world
    world.stop()


@pytest.fixture
def vendor(lab):
    """The stand-in, where two names are CNAMEs to the other providers' zones."""
    lab.cloudflare.reset()
    lab.cloudflare.add(OURS, f"_acme-challenge.bind.{OURS}", f"bind.{AT_BIND}", kind="CNAME")
    lab.cloudflare.add(OURS, f"_acme-challenge.pdns.{OURS}", f"pdns.{AT_PDNS}", kind="CNAME")
    return lab.cloudflare


def providers(world, *names):
    known = {
        # One that cannot be used is passed over.
        "broken": {"type": "digitalocean"},
        "cloudflare": world.lab.cloudflare.settings(),
        "corp": {"type": "rfc2136", "server": "{}:{}".format(*world.bind.direct), "tsig_key": KEY, "tsig_secret": SECRET},
        "pdns": {"type": "powerdns", "api_url": world.pdns.url, "api_key": world.pdns.key},
    }
    return {name: known[name] for name in names}


def entry(*names):
    return {"name": names[0], "aliases": list(names[1:]), "dns_provider": "cloudflare"}


def values(vendor):
    return [record["name"] for record in vendor.records() if record["type"] == "TXT"]


def written(vendor):
    """The names at which the stand-in was told to make a record."""
    return [json.loads(r["body"])["name"] for r in vendor.requests() if r["method"] == "POST"]


def far(world):
    return world.txt(world.bind, f"bind.{AT_BIND}") + world.txt(world.pdns, f"pdns.{AT_PDNS}")


def test_one_certificate_through_three_providers(world, vendor):
    names = [f"near.{OURS}", f"bind.{OURS}", f"pdns.{OURS}", f"*.bind.{OURS}"]
    product = world.product(providers(world, "broken", "cloudflare", "corp", "pdns"), [entry(*names)])
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert sorted(certificates.names(product.live(names[0]) / "cert.pem")) == sorted(names)
    assert written(vendor) == [f"_acme-challenge.near.{OURS}"], "nothing is put beside a CNAME, or in a zone of others"
    assert not values(vendor) and not far(world) and len(vendor.records()) == 2, "the values are gone, the CNAMEs stay"
    assert SECRET not in run.text and world.pdns.key not in run.text


def test_what_a_killed_run_left_is_removed_where_it_is(world, vendor):
    names = [f"near.{OURS}", f"bind.{OURS}", f"pdns.{OURS}"]
    product = world.product(providers(world, "cloudflare", "corp", "pdns"), [entry(*names)])
    vendor.lag(60)
    process = product.start("apply")
    until(lambda: len(values(vendor)) == 1 and len(far(world)) == 2, "a value at each provider")
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    vendor.lag(0)
    journal = product.state / "published" / f"{names[0]}.json"
    assert {value["provider"] for value in json.loads(journal.read_text())["values"]} == {"cloudflare", "corp", "pdns"}
    assert SECRET not in journal.read_text() and world.pdns.key not in journal.read_text()
    run = product.run("apply")
    assert run.code == 0 and run.err.count("left behind") == 3, run
    assert not values(vendor) and not far(world) and not journal.exists()


def test_a_zone_that_no_provider_has(world, vendor):
    product = world.product(providers(world, "broken", "cloudflare", "pdns"), [entry(f"bind.{OURS}")])
    run = product.run("apply", "--json")
    assert run.code == 1, run
    error = run.result(f"bind.{OURS}")["error"]
    for part in (f"bind.{AT_BIND}", "Cloudflare", "asked too: broken (", "pdns"):
        assert part in error["detail"], error
    for part in (f"_acme-challenge.bind.{OURS}", f"the zone {AT_BIND}", "dns_providers"):
        assert part in error["hint"], error
    assert not written(vendor) and not far(world) and not list((product.state / "published").glob("*.json"))


def test_a_wildcard_cname_gives_way(world, vendor):
    """`*.hosted` leads to whoever has the web sites; so does `_acme-challenge` there, until something stands at it."""
    names = [f"hosted.{AT_BIND}", f"*.hosted.{AT_BIND}", f"deep.hosted.{AT_BIND}"]
    product = world.product(providers(world, "cloudflare", "corp"), [{**entry(*names), "dns_provider": "corp"}])
    run = product.run("apply")
    assert run.code == 0, run
    assert certificates.names(product.live(names[0]) / "cert.pem") == sorted(names)
    assert not world.txt(world.bind, f"_acme-challenge.hosted.{AT_BIND}") and not written(vendor)
    run = product.run("dns", "test", "corp", names[0], "--json")
    assert run.code == 0 and run.json["record"] == f"_acme-challenge.{names[0]}", run
    assert not world.txt(world.bind, f"_acme-challenge.hosted.{AT_BIND}")


def test_many_values_side_by_side_at_real_servers(world, vendor):
    """Two at each name: PowerDNS has no conditional write, so within a run they queue."""
    for zone, provider in ((AT_BIND, "corp"), (AT_PDNS, "pdns")):
        names = [name for number in range(6) for name in (f"s{number}.{zone}", f"*.s{number}.{zone}")]
        product = world.product(providers(world, provider), [{**entry(*names), "dns_provider": provider}])
        run = product.run("apply")
        assert run.code == 0, run
        server = world.bind if provider == "corp" else world.pdns
        assert all(not world.txt(server, f"_acme-challenge.s{number}.{zone}") for number in range(6))


def test_without_a_config_there_is_one_provider(world, vendor):
    product = world.product()
    run = product.run("issue", "-d", f"bind.{OURS}", "--dns", "cloudflare", "--server", world.ca.url, "--ca-bundle",
                      world.ca.ca_bundle, "--state-dir", product.state, "--agree-tos", "--email", "admin@ferry.test",
                      config=False,
                      env={"CLOUDFLARE_API_URL": vendor.url, "CLOUDFLARE_API_TOKEN": vendor.token})  # fmt: skip
    assert run.code == 1, run
    assert "Cloudflare" in run.err and f"the zone {AT_BIND}" in run.err and "dns_providers of a config" in run.err, run


def test_zones_are_asked_for_once(world, vendor):
    names = [f"n{number}.{OURS}" for number in range(8)]
    product = world.product(providers(world, "cloudflare", "corp"), [entry(*names)])
    run = product.run("apply")
    assert run.code == 0, run
    assert sum(request["path"].endswith("/zones") for request in vendor.requests()) == 1
    assert len(written(vendor)) == 8 and not values(vendor)


def test_a_zone_given_by_its_id_takes_no_names_of_others(world, vendor):
    """Nobody asks Cloudflare for its zone then, and it would make a record for any name in it."""
    settings = providers(world, "cloudflare", "corp")
    settings["cloudflare"]["zone_id"] = vendor.zones[OURS]
    product = world.product(settings, [entry(f"near.{OURS}", f"bind.{OURS}")])
    run = product.run("apply")
    assert run.code == 0, run
    assert written(vendor) == [f"_acme-challenge.near.{OURS}"]
    assert not values(vendor) and not far(world)
