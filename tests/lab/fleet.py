# SPDX-License-Identifier: Apache-2.0
"""Many servers of the config on the few sshds of a laboratory: each with a folder of its own and commands of its own, to be
broken, dead or hanging one by one.

    fleet = Fleet(lab, 50)
    product.write_config(lab.config([fleet.domain("*.many.ferry.test")], servers=fleet.entries))
"""

import shutil
import socket

from .processes import free_port
from .relay import Relay


class Fleet:
    def __init__(self, lab, count):
        self.lab, self.mutes, self.relays = lab, [], []
        self.hosts = {}
        hosts = list(lab.servers.values())
        self.homes, self.entries = {}, {}
        for number in range(count):
            name = f"node-{number + 1:03}"
            self.hosts[name] = hosts[number % len(hosts)]
            home = self.homes[name] = self.hosts[name].home / "fleet" / name
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            entry = self.entries[name] = lab.server_entry(hosts[number % len(hosts)])
            del entry["verify"]
            entry.update(
                dir=str(home / "live"),
                test_command=f"if test -e {home}/broken; then cat {home}/broken >&2; exit 1; fi",
                reload_command=f"touch {home}/reloaded",
            )
        self.names = list(self.entries)

    def domain(self, name, **more):
        return self.lab.wildcard(name, self.names, serve=False, **more)

    def break_test(self, name, words="this node is not well"):
        (self.homes[name] / "broken").write_text(words + "\n")

    def mend(self, name):
        (self.homes[name] / "broken").unlink()

    def kill(self, name):
        """Nobody listens there from now on, as far as the config knows."""
        self.entries[name]["port"] = free_port()

    def hang(self, name, timeout=60):
        """Somebody listens there and never says anything."""
        mute = socket.create_server(("127.0.0.1", 0))
        self.mutes.append(mute)
        self.entries[name].update(port=mute.getsockname()[1], timeout=timeout)

    def black_hole(self, name, timeout=60):
        """What is sent there is lost: not even a connection comes about."""
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        address = full.getsockname()
        self.mutes.append(full)
        for _ in range(2):  # as many as the kernel accepts by itself
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(address)
            self.mutes.append(waiting)
        self.entries[name].update(port=address[1], timeout=timeout)

    def relay(self, name, timeout=60):
        """The way there leads through a Relay, which is returned."""
        relay = Relay(self.hosts[name].ssh_port)
        self.relays.append(relay)
        with open(self.lab.known_hosts, "a", encoding="utf-8") as file:
            file.write(f"[127.0.0.1]:{relay.port} {self.hosts[name].known_hosts_line().split(' ', 1)[1]}")
        self.entries[name].update(port=relay.port, timeout=timeout)
        return relay

    def holds(self, name, cert):
        """The certificate that lies on the server NAME; empty: none."""
        path = self.homes[name] / "live" / cert / "cert.pem"
        return path.read_bytes() if path.exists() else b""

    def stop(self):
        for mute in self.mutes:
            mute.close()
        for relay in self.relays:
            relay.stop()
        self.mutes, self.relays = [], []
