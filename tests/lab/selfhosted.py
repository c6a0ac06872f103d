# SPDX-License-Identifier: Apache-2.0
"""Real name servers of one's own (PowerDNS, BIND, Knot) on loopback, a resolver that delegates to them, and a CA that
asks that resolver. Port 53 takes root; without it the servers are asked through the resolver.
"""

import json
import os
import random
import socket
import struct
import sys

from dnslib import QTYPE, RCODE, RR, SOA, A, DNSRecord

from .processes import Child, free_port
from .product import Product
from .servers import write
from .vendor import FAKES, Pebble

sys.path.insert(0, str(FAKES))
import dns_server  # noqa: E402

_nets = set()


def addresses(count):
    """COUNT addresses of loopback that no other laboratory uses, and the port that name servers have there."""
    if os.geteuid() != 0:
        return ["127.0.0.1"] * count, free_port()
    while True:
        net = f"127.{random.randrange(60, 250)}.{random.randrange(1, 250)}"
        if net not in _nets:
            _nets.add(net)
            return [f"{net}.{number}" for number in range(1, count + 1)], 53


class Resolver:
    """A recursive resolver in this process: asks the server of a name's zone, follows CNAMEs, and gives every other name
    the address 127.0.0.1."""

    def __init__(self):
        self.zones = {}  # apex -> (address, port)
        self.hidden = None  # a name that does not exist here
        self.port = None

    def start(self):
        self.port = dns_server.serve_with(self, "127.0.0.1", 0, lambda line: None)
        self.text = f"127.0.0.1:{self.port}"
        return self

    def zone_of(self, name):
        held = [apex for apex in self.zones if dns_server.under(name, apex)]
        return max(held, key=len) if held else None

    def ask(self, name, kind, reply, hops=0):
        zone = self.zone_of(name)
        if zone is None or name == self.hidden:
            if kind == "A" and not name.startswith("_"):
                reply.add_answer(RR(name, QTYPE.A, ttl=60, rdata=A("127.0.0.1")))
            else:
                reply.add_auth(RR(".", QTYPE.SOA, ttl=60, rdata=SOA("a.root", "dns.root", (1, 1, 1, 1, 1))))
                if name.startswith("_"):
                    reply.header.rcode = RCODE.NXDOMAIN
            return
        query = DNSRecord.question(name, kind)
        query.header.rd = 0
        address, port = self.zones[zone]
        try:
            got = DNSRecord.parse(query.send(address, port, tcp=True, timeout=3))
        except OSError:
            reply.header.rcode = RCODE.SERVFAIL
            return
        reply.header.rcode = got.header.rcode
        for record in got.rr:
            reply.add_answer(record)
        for record in got.auth:
            reply.add_auth(record)
        alias = [record for record in got.rr if record.rtype == QTYPE.CNAME]
        if alias and kind != "CNAME" and hops < 8 and not any(QTYPE[record.rtype] == kind for record in got.rr):
            reply.auth, reply.header.rcode = [], RCODE.NOERROR
            self.ask(str(alias[-1].rdata.label).rstrip(".").lower(), kind, reply, hops + 1)

    def answer(self, wire, udp):
        query = DNSRecord.parse(wire)
        reply = query.reply(ra=1, aa=0)
        self.ask(str(query.q.qname).rstrip(".").lower(), QTYPE.get(query.q.qtype), reply)
        reply.header.aa = 0
        packed = reply.pack()
        return reply.truncate().pack() if udp and len(packed) > 1200 else packed


class World:
    """A resolver and a CA that uses it, beside the laboratory LAB, and certferry that knows both."""

    def __init__(self, lab, name):
        self.lab, self.dir = lab, lab.dir / name
        self.dir.mkdir()
        self.resolver, self.parts, self.products = Resolver().start(), [], 0
        self.ca = Pebble(self.dir / "pebble", self.resolver.text, lab.web.port)
        self.parts.append(self.ca)
        self.ca.start()

    def add(self, server):
        """SERVER, started, answers for its zones from now on."""
        self.parts.append(server)
        server.start()
        for zone in server.zones:
            self.resolver.zones[zone] = (server.addresses[0], server.port)
        return server

    def stop(self):
        for part in reversed(self.parts):
            part.stop()

    def product(self, providers=None, domains=()):
        self.products += 1
        product = Product(self.dir / f"product-{self.products}", self.resolver.text, {})
        product.write_config({"ssl": {
            "email": "admin@ferry.test", "provider": {"url": self.ca.url, "ca_bundle": str(self.ca.ca_bundle)},
            "state_dir": "state", "domains": list(domains), "dns_providers": providers or {},
        }})  # fmt: skip
        return product

    def txt(self, server, name):
        """The TXT values at NAME, as the first address of SERVER shows them."""
        answer = DNSRecord.parse(DNSRecord.question(name, "TXT").send(server.addresses[0], server.port, tcp=True, timeout=5))
        return sorted(b"".join(record.rdata.data).decode() for record in answer.rr if record.rtype == QTYPE.TXT)


def wildcard(name, provider):
    return {"name": f"*.{name}", "type": "wildcard", "dns_provider": provider}


class PowerDNS:
    """The real server behind its door (tests/fakes/powerdns.py)."""

    key = "lab-key-0123456789"

    def __init__(self, folder, zones, count=2):
        self.dir, self.zones, self.child = folder, zones, None
        folder.mkdir()
        self.addresses, self.port = addresses(count)

    def start(self):
        argv = ["/usr/bin/python3", str(FAKES / "powerdns.py"), "--key", self.key, "--dns", str(self.port)]
        for zone in self.zones:
            argv += ["--zone", zone]
        for address in dict.fromkeys(self.addresses):
            argv += ["--listen", address]
        log = self.dir / "output.log"
        self.child = Child("PowerDNS", argv, log)
        self.child.wait_ready(lambda: log.read_text().startswith("ready ") and log.read_text().endswith("\n"))
        self.url = f"http://127.0.0.1:{json.loads(log.read_text().split(' ', 1)[1])['port']}"

    def stop(self):
        if self.child:
            self.child.stop()


ZONE_TEXT = """\
$TTL 60
@ SOA ns1 hostmaster 1 {refresh} 600 86400 5
{records}
"""

NAMED_CONF = """\
options {{
	directory "{dir}";
	pid-file "{dir}/named.pid";
	session-keyfile "{dir}/session.key";
	listen-on port {port} {{ {listen}; }};
	listen-on-v6 {{ none; }};
	recursion no;
	notify no;
	allow-transfer {{ any; }};
	dnssec-validation no;
	minimal-responses yes;
}};
controls {{ }};
logging {{ channel all {{ stderr; severity info; }}; category default {{ all; }}; category update {{ all; }}; }};
"""

KNOT_CONF = """\
server:
    rundir: {dir}
    listen: [{listen}]
    automatic-acl: off
log:
  - target: stderr
    any: info
database:
    storage: {dir}
template:
  - id: default
    storage: {dir}
    journal-content: changes
    zonefile-sync: -1
    zonefile-load: whole
"""


class Front:
    """Answers at ADDRESS:PORT what the server at TARGET answers: named binds no address that no interface has. Without
    UDP, datagrams get no answer."""

    def __init__(self, address, port, target, without_udp=False):
        self.target, self.without_udp = target, without_udp
        dns_server.serve_with(self, address, port, lambda line: None)

    def answer(self, wire, udp):
        if udp and self.without_udp:
            raise ConnectionError("dropped on purpose")
        with socket.create_connection(self.target, timeout=3) as sock, sock.makefile("rwb") as file:
            file.write(struct.pack("!H", len(wire)) + wire)
            file.flush()
            return file.read(struct.unpack("!H", file.read(2))[0])


class NameServer:
    """A name server of one's own with KEYS {name: (algorithm, base64 secret)}. Every key may update the TXT records at
    _acme-challenge names of ZONES; nothing may update those of FROZEN. The name servers of a zone are the server's own
    addresses, or those that HOSTS {zone: addresses} gives it."""

    def __init__(self, folder, zones, keys, frozen=(), count=2, hosts=None, refresh=3600):
        self.dir, self.zones, self.keys, self.frozen, self.child = folder, [*zones, *frozen], keys, frozen, None
        self.hosts, self.refresh = hosts or {}, refresh
        folder.mkdir()
        self.addresses, self.port = addresses(count)
        self.direct = (self.addresses[0], self.port)

    def write_zones(self):
        for zone in self.zones:
            given = self.hosts.get(zone, self.addresses)
            records = "".join(f"@ NS ns{i}\nns{i} A {address}\n" for i, address in enumerate(given, start=1))
            records += "*.hosted CNAME site.hosting.invalid.\n"
            records += "_acme-challenge.alias CNAME elsewhere\n_acme-challenge.shared TXT \"somebody-else\"\n"
            write(self.dir / f"{zone}.zone", ZONE_TEXT.format(records=records, refresh=self.refresh))

    def serves(self):
        question = DNSRecord.question(self.zones[0], "SOA")
        return DNSRecord.parse(question.send(*self.direct, tcp=True, timeout=1)).header.aa

    def stop(self):
        if self.child:
            self.child.stop()


class Bind(NameServer):
    name = "BIND"

    def start(self):
        self.write_zones()
        self.direct = ("127.0.0.1", free_port() if self.port == 53 else self.port)
        text = NAMED_CONF.format(dir=self.dir, port=self.direct[1], listen="127.0.0.1")
        for key, (algorithm, secret) in self.keys.items():
            text += f'key "{key}" {{ algorithm {algorithm}; secret "{secret}"; }};\n'
        for zone in self.zones:
            grants = "" if zone in self.frozen else "".join(f"grant {key} subdomain {zone}. TXT; " for key in self.keys)
            policy = f"update-policy {{ {grants}}};" if grants else ""
            text += f'zone "{zone}" {{ type primary; file "{zone}.zone"; {policy} }};\n'
        write(self.dir / "named.conf", text)
        argv = ["/usr/sbin/named", "-g", "-c", str(self.dir / "named.conf"), "-n", "1"]
        self.child = Child("named", argv, self.dir / "named.log", cwd=self.dir)
        self.child.wait_ready(self.serves)
        for address in self.addresses if self.port == 53 else ():
            Front(address, self.port, self.direct)


class Knot(NameServer):
    name = "Knot"

    def start(self):
        self.write_zones()
        listen = ", ".join(f"{address}@{self.port}" for address in dict.fromkeys(self.addresses))
        text = KNOT_CONF.format(dir=self.dir, listen=listen) + "key:\n"
        for key, (algorithm, secret) in self.keys.items():
            text += f"  - id: {key}\n    algorithm: {algorithm}\n    secret: {secret}\n"
        text += "acl:\n  - id: acme\n    key: [" + ", ".join(self.keys) + "]\n    action: update\n    update-type: TXT\nzone:\n"
        for zone in self.zones:
            text += f"  - domain: {zone}\n    file: {zone}.zone\n" + ("" if zone in self.frozen else "    acl: acme\n")
        write(self.dir / "knot.conf", text)
        argv = ["/usr/sbin/knotd", "-c", str(self.dir / "knot.conf")]
        self.child = Child("knotd", argv, self.dir / "knotd.log", cwd=self.dir)
        self.child.wait_ready(self.serves)


class Secondary(NameServer):
    """A Knot that gets ZONES from PRIMARY (address, port) and hears of changes only when it asks, by the SOA's refresh."""

    name = "Knot, secondary"

    def __init__(self, folder, zones, primary, address, port=53):
        self.dir, self.zones, self.child, self.primary = folder, list(zones), None, primary
        folder.mkdir()
        self.addresses, self.port, self.direct = [address], port, (address, port)

    def start(self):
        text = KNOT_CONF.format(dir=self.dir, listen=f"{self.addresses[0]}@{self.port}")
        text += "remote:\n  - id: primary\n    address: {}@{}\nzone:\n".format(*self.primary)
        for zone in self.zones:
            text += f"  - domain: {zone}\n    master: primary\n    refresh-min-interval: 2\n"
        write(self.dir / "knot.conf", text)
        argv = ["/usr/sbin/knotd", "-c", str(self.dir / "knot.conf")]
        self.child = Child("knotd", argv, self.dir / "knotd.log", cwd=self.dir)
        self.child.wait_ready(self.serves)
