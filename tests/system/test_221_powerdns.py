# SPDX-License-Identifier: Apache-2.0
"""A wildcard with its apex from Pebble, validated through a real PowerDNS whose API writes the records and whose two
addresses answer the CA."""

import pytest
from conftest import need
from lab.selfhosted import PowerDNS, World, wildcard

import shutil

ZONE = "ferry-pdns.test"


@pytest.fixture(scope="module")
def world(lab):
    need(shutil.which("pdns_server", path="/usr/sbin:/usr/bin"), "pdns_server (packages pdns-server, pdns-backend-sqlite3)")
    world = World(lab, "powerdns")
    world.pdns = world.add(PowerDNS(world.dir / "pdns", [ZONE, f"sub.{ZONE}", f"not{ZONE}"]))
    yield world
    world.stop()


@pytest.fixture
def entry(world):
    return {"powerdns": {"api_url": world.pdns.url, "api_key": world.pdns.key}}


def test_wildcard_and_apex(world, entry):
    product = world.product(entry, [wildcard(f"w.{ZONE}", "powerdns"), wildcard(f"sub.{ZONE}", "powerdns")])
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert [result["action"] for result in run.json["results"]] == ["issued", "issued"]
    for name in (f"_acme-challenge.w.{ZONE}", f"_acme-challenge.sub.{ZONE}"):
        assert world.txt(world.pdns, name) == []
    assert world.pdns.key not in run.text


def test_the_round_trip_asks_both_servers(world, entry):
    run = world.product(entry).run("dns", "test", "powerdns", f"www.{ZONE}", "--json")
    assert run.code == 0, run
    assert run.json["zone"] == ZONE and all(server["seen"] for server in run.json["servers"])
    if world.pdns.port == 53:
        assert [server["address"].split(":")[0] for server in run.json["servers"]] == world.pdns.addresses


def test_a_wrong_key_is_told(world, entry):
    entry["powerdns"]["api_key"] = "wrong-key"
    run = world.product(entry).run("dns", "test", "powerdns", f"www.{ZONE}")
    assert run.code == 1 and "Unauthorized" in run.err and "check api_key" in run.err and "wrong-key" not in run.text, run
