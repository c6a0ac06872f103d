# SPDX-License-Identifier: Apache-2.0
"""acme-dns: a wildcard with its apex from Pebble, by a CNAME to a name of an account that a client of acme-dns
registered; a CNAME that is missing is explained."""

import json
import urllib.request

import pytest
from lab.processes import Child
from lab.selfhosted import World, addresses, wildcard
from lab.vendor import FAKES

ZONE, AUTH = "ferry-ad.test", "auth.ferry-ad-server.test"


class AcmeDns:
    def __init__(self, folder):
        self.dir, self.child, self.zones = folder, None, [ZONE, AUTH]
        folder.mkdir()
        self.addresses, _ = addresses(1)

    def start(self):
        argv = ["/usr/bin/python3", str(FAKES / "acme_dns.py"), "--zone", ZONE, "--zone", AUTH, "--name-server", self.addresses[0]]
        log = self.dir / "output.log"
        self.child = Child("the acme-dns stand-in", argv, log)
        self.child.wait_ready(lambda: log.read_text().startswith("ready ") and log.read_text().endswith("\n"))
        told = json.loads(log.read_text().split(" ", 1)[1])
        self.url, self.port = f"http://127.0.0.1:{told['port']}", told["dns_port"]
        self.addresses = ["127.0.0.1"]

    def stop(self):
        if self.child:
            self.child.stop()

    def post(self, path, document=None):
        request = urllib.request.Request(self.url + path, data=json.dumps(document or {}).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def alias(self, name, target):
        self.post("/__lab/records", {"zone": ZONE, "type": "CNAME", "name": f"_acme-challenge.{name}", "content": target})


@pytest.fixture(scope="module")
def world(lab):
    world = World(lab, "acme-dns")
    world.server = world.add(AcmeDns(world.dir / "server"))
    yield world
    world.stop()


@pytest.fixture
def registered(world):
    """Account of NAME, in a storage as lego's client of acme-dns writes it, and the config's entry."""

    def make(*names):
        accounts = {name: {**world.server.post("/register"), "server_url": world.server.url} for name in names}
        path = world.dir / f"{names[0]}.json"
        path.write_text(json.dumps(accounts))
        path.chmod(0o600)
        return accounts, {"corp": {"type": "acme-dns", "storage": str(path)}}

    return make


def test_wildcard_and_apex(world, registered):
    name = f"w.{ZONE}"
    accounts, entry = registered(name)
    world.server.alias(name, accounts[name]["fulldomain"])
    product = world.product(entry, [wildcard(name, "corp")])
    for _ in range(2):
        run = product.run("apply", "--force", "--json")
        assert run.code == 0, run
    assert accounts[name]["password"] not in run.text


def test_a_missing_cname_is_explained(world, registered):
    name = f"none.{ZONE}"
    accounts, entry = registered(name)
    run = world.product(entry, [wildcard(name, "corp")]).run("apply")
    assert run.code == 1 and f"_acme-challenge.{name}. CNAME {accounts[name]['fulldomain']}." in run.err, run


def test_a_cname_to_somewhere_else_is_explained(world, registered):
    name = f"old.{ZONE}"
    accounts, entry = registered(name)
    world.server.alias(name, f"no-account.{AUTH}")
    run = world.product(entry).run("dns", "test", "corp", name)
    assert run.code == 1 and f"no-account.{AUTH}" in run.err and accounts[name]["fulldomain"] in run.err, run


def test_the_round_trip(world, registered):
    name = f"t.{ZONE}"
    accounts, entry = registered(name)
    world.server.alias(name, accounts[name]["fulldomain"])
    run = world.product(entry).run("dns", "test", "corp", name, "--json")
    assert run.code == 0 and run.json["record"] == accounts[name]["fulldomain"] and run.json["zone"] == AUTH, run
