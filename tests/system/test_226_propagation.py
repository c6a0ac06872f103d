# SPDX-License-Identifier: Apache-2.0
"""The wait for publication on real authoritative servers: a BIND, a Knot that lags behind it, and beside them one that is
lame, one without UDP, one that is not there and one that never answers."""

import base64
import os
import re
import shutil
import socket
import time

import pytest
from conftest import need
from lab.selfhosted import Bind, Front, Resolver, Secondary, World, addresses, wildcard

KEY, SECRET = "wait.lab", base64.b64encode(os.urandom(32)).decode()
REFRESH = 4  # seconds until the secondary looks


class Silent:
    """Takes datagrams and connections and says nothing."""

    def __init__(self, address):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket()
        self.udp.bind((address, 53))
        self.tcp.bind((address, 53))
        self.tcp.listen()


@pytest.fixture(scope="module")
def world(lab):
    need(os.geteuid() == 0, "port 53, which takes root")
    need(shutil.which("named", path="/usr/sbin") and shutil.which("knotd", path="/usr/sbin"), "named and knotd")
    world = World(lab, "wait")
    (main, lagging, lame, without_udp, absent, silent, helpful), _ = addresses(7)
    world.hosts = {
        "lag.test": [main, lagging],
        "lame.test": [main, lame],
        "tcp.test": [main, without_udp],
        "absent.test": [main, absent],
        "silent.test": [main, silent],
        "helpful.test": [main, helpful],
        "everything.test": [lagging, lame, without_udp, absent, main],
        "nobody.test": [absent],
    }
    world.server = world.add(
        Bind(world.dir / "server", list(world.hosts), {KEY: ("hmac-sha256", SECRET)}, hosts=world.hosts, refresh=REFRESH)
    )
    Front(main, 53, world.server.direct)
    Front(without_udp, 53, world.server.direct, without_udp=True)
    world.parts += [Secondary(world.dir / "lagging", ["lag.test", "everything.test"], world.server.direct, lagging)]
    world.parts[-1].start()
    # Lame as most are: a real server that was never told of the zone.
    world.parts += [Secondary(world.dir / "lame", ["lag.test"], world.server.direct, lame)]
    world.parts[-1].start()
    world.silent = Silent(silent)
    # A resolver in the place of a name server: what it says, it says without authority.
    world.helpful = Resolver()
    Front(helpful, 53, ("127.0.0.1", world.helpful.start().port))
    for zone in world.hosts:
        world.resolver.zones[zone] = world.server.direct
    yield world
    world.stop()


def settings(world):
    return {"corp": {"type": "rfc2136", "server": "{}:{}".format(*world.server.direct), "tsig_key": KEY, "tsig_secret": SECRET}}


def trial(world, zone, *args):
    """The run, and its servers by address."""
    run = world.product(settings(world)).run("dns", "test", "corp", f"{time.monotonic_ns()}.{zone}", "--json", *args)
    # One that never answered has no address that is known: by its name.
    hosts = {f"ns{i}.{zone}": address for i, address in enumerate(world.hosts[zone], start=1)}
    return run, {hosts.get(server["server"], server["server"]): server for server in run.json["servers"]}


def test_one_that_lags_is_waited_for(world):
    run, servers = trial(world, "lag.test")
    main, lagging = (servers[address] for address in world.hosts["lag.test"])
    assert run.code == 0 and main["seen"] and lagging["seen"], run
    assert main["seconds"] < 3 and lagging["seconds"] <= REFRESH + 8, run
    assert lagging["seconds"] >= main["seconds"]


def test_one_that_lags_too_long_is_named_with_the_value(world):
    # Just refreshed, it has seconds to go.
    trial(world, "lag.test")
    run, servers = trial(world, "lag.test", "--timeout", "1")
    if run.code == 0:
        pytest.skip("the secondary looked in this very second")
    told = {step["step"]: step for step in run.json["steps"]}
    value = told["add-record"]["detail"]
    assert run.code == 1 and told["remove-record"]["result"] == "ok", run
    words = told["propagation"]["error"]["detail"]
    assert re.search(rf"ns2\.lag\.test \({re.escape(world.hosts['lag.test'][1])}:53\) does not show the value {re.escape(value)}", words), run
    assert "ns1" not in words


@pytest.mark.parametrize(
    "zone, trouble",
    [("lame.test", "REFUSED"), ("absent.test", "cannot be reached"), ("silent.test", "does not answer"),
     ("helpful.test", "not authoritative")],
)  # fmt: skip
def test_one_that_does_not_count_is_done_without_and_named(world, zone, trouble):
    if zone == "helpful.test":
        world.helpful.zones["nothing.test"] = ("127.0.0.1", 1)
    run, servers = trial(world, zone)
    main, other = (servers[address] for address in world.hosts[zone])
    assert run.code == 0 and main["seen"] and not other["seen"], run
    assert trouble in other["trouble"] and "ns2" in other["trouble"], run
    assert sum(step["seconds"] for step in run.json["steps"]) < 25, run


def test_one_without_udp_is_asked_over_tcp(world):
    run, servers = trial(world, "tcp.test")
    assert run.code == 0 and all(server["seen"] for server in servers.values()), run


def test_all_of_them_at_once_and_a_certificate(world):
    product = world.product(settings(world), [wildcard("w.everything.test", "corp")])
    run = product.run("apply")
    assert run.code == 0, run
    assert world.txt(world.server, "_acme-challenge.w.everything.test") == []
    run, servers = trial(world, "everything.test")
    assert run.code == 0, run
    lagging, lame, without_udp, absent, main = (servers[address] for address in world.hosts["everything.test"])
    assert lagging["seen"] and without_udp["seen"] and main["seen"] and not lame["seen"] and not absent["seen"], run


def test_where_nobody_answers_the_resolver_is_asked(world):
    run, servers = trial(world, "nobody.test")
    assert run.code == 0 and list(servers) == ["resolver"], run
