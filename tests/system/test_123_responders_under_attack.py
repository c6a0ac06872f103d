# SPDX-License-Identifier: Apache-2.0
"""The responders are open to the whole Internet: floods and garbage while the CA validates keep nobody from anything."""

import os
import random
import socket
import threading

import pytest

from lab import certificates
from lab.processes import free_port

HTTP_GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /.well-known/acme-challenge/x HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET /.well-known/acme-challenge/../../etc/passwd HTTP/1.1\r\n\r\n",
    b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
    b"A" * 100000,
    b"\r\n" * 5000,
    b"\x00" * 500,
]
TLS_GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\xff\xff" + b"\x01" * 70000,
    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    b"\x80\x2e\x01\x00\x02" + b"\x00" * 100,
    b"\x15\x03\x03\x00\x02\x02\x28",
]


class Attack:
    """Threads that open connections to PORT as fast as they can, some silent and kept open, some with garbage."""

    def __init__(self, port, garbage):
        self.port, self.garbage, self.over, self.opened = port, garbage, threading.Event(), 0
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.flood, self.flood, self.shout)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(20)

    def connect(self):
        sock = socket.socket()
        sock.settimeout(0.5)
        try:
            sock.connect(("127.0.0.1", self.port))
        except OSError:
            sock.close()
            self.over.wait(0.002)
            return None
        self.opened += 1
        return sock

    def flood(self):
        kept = []
        while not self.over.is_set():
            sock = self.connect()
            if sock:
                kept.append(sock)
            if len(kept) > 400:
                kept.pop(0).close()
        for sock in kept:
            sock.close()

    def shout(self):
        while not self.over.is_set():
            sock = self.connect()
            if not sock:
                continue
            try:
                sock.sendall(random.choice(self.garbage))
                if random.random() < 0.5:
                    sock.recv(100)
                noise = os.urandom(random.randrange(1, 3000))
                sock.sendall(noise)
            except OSError:
                pass
            sock.close()


@pytest.mark.parametrize("way, garbage", [("--standalone", HTTP_GARBAGE), ("--alpn", TLS_GARBAGE)])
def test_certificates_are_issued_all_the_same(lab, product, way, garbage):
    port = free_port()
    ca = lab.another_ca(more={"httpPort" if way == "--standalone" else "tlsPort": port}, authz_reuse=0)
    opened = 0
    for number in range(4):
        with Attack(port, garbage) as attack:
            name = f"attacked{number}{way.replace('--', '-')}.ferry.test"
            run = product.run("issue", "-d", name, "-d", f"x{name}", way, port, "--server", ca.url, "--ca-bundle",
                              ca.ca_bundle, "--state-dir", product.state, "--agree-tos", config=False)  # fmt: skip
            assert run.code == 0, run
            assert run.seconds < 20, run
            assert certificates.pair_matches(product.live(name))
        opened += attack.opened
    assert opened > 100, f"that was no attack: {opened} connections"
    ca.stop()
