# SPDX-License-Identifier: Apache-2.0
"""Dynamic updates with TSIG on a real BIND and a real Knot: a wildcard with its apex from Pebble, and every way in which a
server says no."""

import base64
import os
import re
import shutil
import socket
import subprocess
import threading

import pytest
from conftest import need
from lab.selfhosted import Bind, Knot, World, wildcard

KEYS = {
    f"key-{name}.lab": (f"hmac-{name}", base64.b64encode(os.urandom(size)).decode())
    for name, size in (("sha224", 28), ("sha256", 32), ("sha384", 48), ("sha512", 64))
}
KEY = "key-sha256.lab"
SECRET = KEYS[KEY][1]


@pytest.fixture(scope="module", params=[Bind, Knot], ids=["bind", "knot"])
def world(lab, request):
    kind = request.param
    program = "named" if kind is Bind else "knotd"
    need(shutil.which(program, path="/usr/sbin:/usr/bin"), f"{program} (package {'bind9' if kind is Bind else 'knot'})")
    name = kind.name.lower()
    world = World(lab, name)
    world.zone, world.refused = f"ferry-{name}.test", f"refused-{name}.test"
    world.server = world.add(kind(world.dir / "server", [world.zone, f"sub.{world.zone}"], KEYS, frozen=[world.refused]))
    yield world
    world.stop()


def entry(world, **changes):
    settings = {"type": "rfc2136", "server": "{}:{}".format(*world.server.direct), "tsig_key": KEY,
                "tsig_secret": SECRET, **changes}  # fmt: skip
    return {"corp": {key: value for key, value in settings.items() if value is not None}}


def trial(world, name, *args, **changes):
    return world.product(entry(world, **changes)).run("dns", "test", "corp", name, *args)


def test_wildcard_and_apex(world):
    product = world.product(entry(world), [wildcard(f"w.{world.zone}", "corp"), wildcard(f"sub.{world.zone}", "corp")])
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert [result["action"] for result in run.json["results"]] == ["issued", "issued"]
    for name in (f"_acme-challenge.w.{world.zone}", f"_acme-challenge.sub.{world.zone}"):
        assert world.txt(world.server, name) == []
    assert SECRET not in run.text


@pytest.mark.parametrize("key", KEYS)
def test_every_algorithm(world, key):
    run = trial(world, f"a.{world.zone}", tsig_key=key, tsig_secret=KEYS[key][1], algorithm=KEYS[key][0])
    assert run.code == 0, run


def test_other_values_stay(world):
    run = trial(world, f"shared.{world.zone}")
    assert run.code == 0, run
    assert world.txt(world.server, f"_acme-challenge.shared.{world.zone}") == ["somebody-else"]


def test_the_zone_is_the_longest_and_look_ups_may_be_signed(world):
    for name, zone in ((f"a.sub.{world.zone}", f"sub.{world.zone}"), (f"a.nosub.{world.zone}", world.zone)):
        run = trial(world, name, "--json", sign_query="true")
        assert run.code == 0 and run.json["zone"] == zone, run


def test_certbots_credentials_file(world):
    path = world.dir / "rfc2136.ini"
    path.write_text(f"dns_rfc2136_server = {world.server.direct[0]}\ndns_rfc2136_port = {world.server.direct[1]}\n"
                    f"dns_rfc2136_name = {KEY}.\ndns_rfc2136_secret = {SECRET}\ndns_rfc2136_algorithm = HMAC-SHA256\n")  # fmt: skip
    path.chmod(0o600)
    run = world.product().run("dns", "test", "rfc2136", f"a.{world.zone}", "--credentials", path)
    assert run.code == 0, run


def test_a_wrong_secret(world):
    run = trial(world, f"a.{world.zone}", tsig_secret=base64.b64encode(b"x" * 32).decode())
    assert run.code == 1 and "BADSIG" in run.err and "tsig_secret" in run.err, run


def test_a_wrong_algorithm(world):
    run = trial(world, f"a.{world.zone}", algorithm="hmac-sha512")
    assert run.code == 1 and "BADKEY" in run.err and "algorithm" in run.err, run


def test_an_unknown_key(world):
    run = trial(world, f"a.{world.zone}", tsig_key="nobody.lab")
    assert run.code == 1 and "BADKEY" in run.err and "nobody.lab" in run.err, run


def test_a_zone_that_may_not_be_updated(world):
    run = trial(world, f"a.{world.refused}")
    assert run.code == 1 and ("REFUSED" in run.err or "acl" in run.err), run
    assert world.txt(world.server, f"_acme-challenge.a.{world.refused}") == []


def test_without_a_key(world):
    run = trial(world, f"a.{world.zone}", tsig_key=None, tsig_secret=None)
    assert run.code == 1 and "without a key" in run.err, run


def test_a_zone_that_is_elsewhere(world):
    run = trial(world, "a.elsewhere.test")
    assert run.code == 1 and "tells no zone" in run.err, run
    run = trial(world, "a.elsewhere.test", zone="elsewhere.test")
    assert run.code == 1 and "NOTAUTH" in run.err, run


def test_beside_a_cname(world):
    # Not followed, since the resolver is asked and has none: as with a server whose zone is newer than what is public.
    world.resolver.hidden = f"_acme-challenge.alias.{world.zone}"
    run = trial(world, f"alias.{world.zone}")
    world.resolver.hidden = None
    assert run.code == 1 and "CNAME" in run.err, run


def test_a_server_that_is_not_there(world):
    run = trial(world, f"a.{world.zone}", "--timeout", "30", server="127.0.0.1:1", zone=world.zone)
    assert run.code == 1 and "127.0.0.1:1 does not answer" in run.err, run
    assert run.seconds < 28


class UdpOnly:
    """Passes datagrams on to the server; nothing listens on TCP. The first of them are lost."""

    def __init__(self, target, lose):
        self.target, self.lose = target, lose
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self.sock.getsockname())
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            wire, client = self.sock.recvfrom(65535)
            if self.lose > 0:
                self.lose -= 1
                continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
                onward.settimeout(5)
                onward.sendto(wire, self.target)
                self.sock.sendto(onward.recv(65535), client)


def test_a_server_without_tcp_that_loses_datagrams(world):
    door = UdpOnly(world.server.direct, lose=1)
    run = trial(world, f"udp.{world.zone}", server=door.address, zone=world.zone)
    assert run.code == 0, run


@pytest.mark.parametrize("shift, says", [("-2h", "ahead of ours"), ("+2h", "behind ours")])
def test_clocks_that_differ(world, shift, says):
    need(shutil.which("faketime"), "faketime")
    product = world.product(entry(world))
    # Of a build with address sanitizer faketime's library comes first, which it minds by default.
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    done = subprocess.run(["faketime", "-f", shift, *product.argv("dns", "test", "corp", f"a.{world.zone}")], cwd=product.dir,
                          env=product.env({"FAKETIME_DONT_FAKE_MONOTONIC": "1", "ASAN_OPTIONS": asan}), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 1 and "BADTIME" in done.stderr and says in done.stderr, done
    seconds = int(re.search(r"its clock is (\d+) seconds", done.stderr)[1])
    assert 7190 <= seconds <= 7210, done.stderr
    assert world.txt(world.server, f"_acme-challenge.a.{world.zone}") == []


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"tsig_secret": "not base64!"}, "blank or a special character"),
        ({"tsig_secret": "abc"}, "no base64"),
        ({"tsig_secret": None}, "belong together"),
        ({"algorithm": "hmac-sha3"}, "hmac-sha256"),
        ({"server": "a b"}, "blank"),
        ({"server": "192.0.2.1:0"}, "address"),
        ({"server": None}, "server"),
        ({"sign_query": "perhaps"}, "true or false"),
        ({"tsig_keys": "x"}, "tsig_key"),
    ],
)
def test_mistakes_in_the_config(world, changes, says):
    run = trial(world, f"a.{world.zone}", **changes)
    assert run.code == 2 and says in run.err and "dns_providers.corp" in run.err, run
