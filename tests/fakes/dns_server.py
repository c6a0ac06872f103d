# SPDX-License-Identifier: Apache-2.0
"""A small authoritative DNS server for stand-ins of DNS vendors: what their API keeps is answered here, over UDP and TCP.

Several addresses may be bound. Each is either authoritative (answers for its zones with AA, refuses the rest, as a
vendor's name server does) or a resolver (the same answers with RA, NXDOMAIN for the rest), and each may lag behind the
API by some seconds, as a vendor's fleet does.
"""

import socketserver
import struct
import threading
import time

from dnslib import A, AAAA, CAA, CNAME, EDNS0, NS, QTYPE, RCODE, RR, SOA, TXT, DNSRecord

UDP_PLAIN_MAX = 512
ALIAS_HOPS = 8


def under(name, apex):
    """Whether NAME is APEX or below it: by labels, never by a plain suffix."""
    return name == apex or name.endswith("." + apex)


def txt_strings(content):
    """The character-strings of a TXT record as vendors write them: quoted ones, or bare text cut at 255 bytes."""
    if content.startswith('"'):
        return [part.encode() for part in content.strip('"').split('" "')]
    data = content.encode()
    return [data[i : i + 255] for i in range(0, len(data), 255)] or [b""]


def caa(content):
    """FLAGS TAG "VALUE", as a zone file has it."""
    flags, tag, value = content.split(" ", 2)
    return CAA(int(flags), tag, value.strip('"'))


# Type -> its data, from a record's content as vendors write it.
MAKE = {"A": A, "AAAA": AAAA, "NS": NS, "CNAME": CNAME, "TXT": lambda text: TXT(txt_strings(text)), "CAA": caa}


class Zones:
    """What is answered. The stand-in subclasses it: zones() are the apexes, records(name) what stands at a name."""

    name_servers = {}  # host name -> address, published as NS of every zone

    def zones(self):
        raise NotImplementedError

    def records(self, name):
        """(type, ttl, content, born) of each record at NAME; born is a time.monotonic()."""
        raise NotImplementedError

    def exists_below(self, name):
        """Whether a record stands below NAME, which makes NAME an empty non-terminal instead of NXDOMAIN."""
        raise NotImplementedError


def soa(apex):
    host = "ns1." + apex if apex else "a.root"
    return RR(apex or ".", QTYPE.SOA, ttl=60, rdata=SOA(host, "dns." + apex, (1, 3600, 600, 86400, 60)))


class Answerer:
    def __init__(self, zones, resolver, lag):
        self.zones, self.resolver, self.lag = zones, resolver, lag

    def zone_of(self, name):
        held = [apex for apex in self.zones.zones() if under(name, apex)]
        return max(held, key=len) if held else None

    def at(self, name, apex):
        """What this server shows at NAME: the API's records that are old enough, and the zone's own."""
        now = time.monotonic()
        found = [(t, ttl, c) for t, ttl, c, born in self.zones.records(name) if born + self.lag <= now]
        servers = self.zones.name_servers
        if name == apex:
            found += [("NS", 3600, host) for host in servers]
        if name in servers:
            found = [("A", 3600, servers[name])]
        return found

    def fill(self, reply, name, kind, hops=0):
        apex = self.zone_of(name)
        if apex is None:
            if hops == 0:
                reply.header.rcode = RCODE.NXDOMAIN if self.resolver else RCODE.REFUSED
                if self.resolver:
                    reply.add_auth(soa(""))
            return
        reply.header.aa = 1
        found = self.at(name, apex)
        shown = 0
        if kind == "SOA" and name == apex:
            reply.add_answer(soa(apex))
            shown = 1
        for have, ttl, content in found:
            if have != kind and not (have == "CNAME" and kind != "CNAME"):
                continue
            shown += 1
            reply.add_answer(RR(name, getattr(QTYPE, have), ttl=ttl, rdata=MAKE[have](content)))
            if have == "CNAME" and kind != "CNAME" and hops < ALIAS_HOPS:
                self.fill(reply, content.rstrip(".").lower(), kind, hops + 1)
        if not shown:
            reply.add_auth(soa(apex))
            if not found and name != apex and not self.zones.exists_below(name):
                reply.header.rcode = RCODE.NXDOMAIN

    def answer(self, wire, udp):
        query = DNSRecord.parse(wire)
        reply = query.reply(ra=int(self.resolver), aa=0)
        name = str(query.q.qname).rstrip(".").lower()
        self.fill(reply, name, QTYPE.get(query.q.qtype))
        limit = UDP_PLAIN_MAX
        for extra in query.ar:
            if extra.rtype == QTYPE.OPT:
                limit = max(UDP_PLAIN_MAX, extra.rclass)
                reply.add_ar(EDNS0(udp_len=1232))
        packed = reply.pack()
        return reply.truncate().pack() if udp and len(packed) > limit else packed


class UdpHandler(socketserver.BaseRequestHandler):
    def handle(self):
        wire, sock = self.request
        try:
            sock.sendto(self.server.answerer.answer(wire, udp=True), self.client_address)
        except Exception as problem:  # a malformed query gets no answer, as from most servers
            self.server.log(f"dns: dropped a query: {problem}")


class TcpHandler(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self):
        try:
            while head := self.rfile.read(2):
                wire = self.rfile.read(struct.unpack("!H", head)[0])
                packed = self.server.answerer.answer(wire, udp=False)
                self.wfile.write(struct.pack("!H", len(packed)) + packed)
        except Exception as problem:
            self.server.log(f"dns: dropped a connection: {problem}")


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 65535


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def serve(zones, address, port, resolver, log, lag=0.0):
    """Answer for ZONES at ADDRESS:PORT, as below."""
    return serve_with(Answerer(zones, resolver, lag), address, port, log)


def serve_with(answerer, address, port, log):
    """Answer as ANSWERER (its answer(wire, udp)) does at ADDRESS:PORT (0: any port free for both UDP and TCP). Returns the
    port. OSError when it is taken."""
    for attempt in range(20):
        udp = UdpServer((address, port), UdpHandler)
        try:
            tcp = TcpServer((address, udp.server_address[1]), TcpHandler)
            break
        except OSError:
            udp.server_close()
            if port or attempt == 19:
                raise
    for server in (udp, tcp):
        server.answerer, server.log = answerer, log
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return udp.server_address[1]
