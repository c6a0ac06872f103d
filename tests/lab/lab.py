# SPDX-License-Identifier: Apache-2.0
"""The laboratory as one object: a CA, a DNS vendor, servers and a web root, all real, all on loopback, all in one
temporary folder, and all gone at its end.

    with Lab() as lab:
        product = lab.product()
        product.write_config(lab.config([lab.wildcard("*.api.ferry.test", ["web-1", "web-2"])]))
        print(product.run("apply"))

Works as root and as an ordinary user. Only as root can the stand-in listen on port 53, so only then are its zones
delegated to name servers that are asked directly; otherwise the product falls back to its resolver.
"""

import shutil
import signal
import tempfile
from pathlib import Path

from . import certificates
from .processes import run
from .product import Product
from .servers import Server, Web, need_programs, write
from .vendor import VENDORS, Cloudflare, Pebble

# The zone that is used, one below it, and one whose name only ends alike.
ZONES = ("ferry.test", "sub.ferry.test", "notferry.test", "pending.test:pending")
BLOCKED = "refused.test"  # the CA refuses it; no longer than any name asked for, or this Pebble panics
MISSING = "missing.ferry.test"  # does not exist in DNS
EMAIL = "admin@ferry.test"


class Lab:
    def __init__(self, servers=2, folder=None):
        need_programs()
        self.dir = Path(folder or tempfile.mkdtemp(prefix="certferry-lab-"))
        self.dir.chmod(0o700)
        self.keep_folder = False
        self.products = 0
        self.client_key = self.dir / "id_ed25519"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "certferry-lab", "-f", self.client_key])
        self.webroot = self.dir / "www"
        self.web = Web(self.dir / "web", self.webroot)
        self.cloudflare = Cloudflare(self.dir / "cloudflare", ZONES, missing=[MISSING])
        (self.dir / "servers").mkdir()
        self.servers = {}
        for number in range(1, servers + 1):
            name = f"web-{number}"
            self.servers[name] = Server(name, self.dir / "servers" / name, self.client_key)
        lines = "".join(server.known_hosts_line() for server in self.servers.values())
        self.known_hosts = write(self.dir / "known_hosts", lines)
        self.ca, self.cas, self.vendors, self.hops = None, [], [], []

    # Beginning and end.

    def start(self):
        try:
            self.web.start()
            self.cloudflare.start()
            self.ca = self.another_ca()
            for server in self.servers.values():
                server.start()
        except BaseException:
            self.keep_folder = True
            self.stop()
            raise
        return self

    def stop(self):
        """Everything ends, even when the user loses patience meanwhile."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for part in [*self.servers.values(), *self.hops, *self.cas, *self.vendors, self.cloudflare, self.web]:
                part.stop()
            if not self.keep_folder:
                shutil.rmtree(self.dir, ignore_errors=True)
        finally:
            signal.signal(signal.SIGINT, before)

    def another_sshd(self, name, rules=""):
        """A machine that only its sshd, with RULES, makes one of: to go through. Its key is known; runs until the laboratory
        ends."""
        server = Server(name, self.dir / "servers" / name, self.client_key)
        self.hops.append(server)
        with open(self.known_hosts, "a", encoding="utf-8") as file:
            file.write(server.known_hosts_line())
        server.rule_ssh(rules)
        return server

    def another_vendor(self, name, zones=("ferry.test",)):
        """The stand-in of the DNS vendor NAME with DNS of its own, running until the laboratory ends."""
        vendor = VENDORS[name](self.dir / f"vendor-{len(self.vendors) + 1}", zones)
        self.vendors.append(vendor)
        vendor.start()
        return vendor

    def another_ca(self, resolver=None, **options):
        """One more CA, running until the laboratory ends, that sees the same DNS (or asks RESOLVER) and web root; OPTIONS
        as of Pebble."""
        folder = self.dir / (f"pebble-{len(self.cas) + 1}" if self.cas else "pebble")
        ca = Pebble(folder, resolver or self.cloudflare.resolver, self.web.port, [BLOCKED], **options)
        self.cas.append(ca)
        ca.start()
        return ca

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, problem, trace):
        self.keep_folder |= problem is not None and not isinstance(problem, (KeyboardInterrupt, SystemExit))
        self.stop()
        if self.keep_folder:
            print(f"The laboratory's folder with all logs is kept: {self.dir}")

    # The product and its config.

    def product(self):
        """certferry with nothing stored yet."""
        self.products += 1
        return Product(self.dir / f"product-{self.products}", self.cloudflare.resolver,
                       {"CLOUDFLARE_API_TOKEN": self.cloudflare.token})  # fmt: skip

    def provider(self, ca, **more):
        """How the config names CA (see another_ca)."""
        return {"url": ca.url, "ca_bundle": str(ca.ca_bundle), **more}

    def config(self, domains, servers=None, **more):
        """The config of DOMAINS, with every server of the laboratory (or SERVERS) and the vendor's credentials. MORE are
        further keys of it, such as provider=lab.provider(another CA)."""
        ssl = {
            "email": EMAIL,
            "provider": self.provider(self.ca),
            "state_dir": "state",
            "domains": domains,
            "servers": servers or {name: self.server_entry(server) for name, server in self.servers.items()},
            "dns_providers": {
                "cloudflare": {"api_token": "${CLOUDFLARE_API_TOKEN}", "api_url": self.cloudflare.url},
            },
        }
        ssl.update(more)
        return {"ssl": ssl}

    def server_entry(self, server, **changes):
        return {
            "host": "127.0.0.1",
            "port": server.ssh_port,
            "user": server.user,
            "identity_file": str(self.client_key),
            "known_hosts": str(self.known_hosts),
            "dir": str(server.live),
            "test_command": server.test_command,
            "reload_command": server.reload_command,
            "verify": {"address": "127.0.0.1", "port": server.port},
            **changes,
        }

    def domain(self, name, servers=(), aliases=(), serve=True, **more):
        """An http-01 certificate by the web root that the CA sees; SERVERS get a virtual host for it (if SERVE)."""
        entry = {"name": name, "type": "standard", "webroot": str(self.webroot)}
        if aliases:
            entry["aliases"] = list(aliases)
        return self.with_servers(entry, name, [name, *aliases], servers, serve, more)

    def wildcard(self, name, servers=(), serve=True, **more):
        """A dns-01 wildcard certificate by the vendor's API; SERVERS as above."""
        entry = {"name": name, "type": "wildcard", "dns_provider": "cloudflare"}
        return self.with_servers(entry, name.removeprefix("*."), [name, name.removeprefix("*.")], servers, serve, more)

    def with_servers(self, entry, cert, names, servers, serve, more):
        if servers:
            entry["servers"] = list(servers)
        for server in servers if serve else ():
            self.servers[server].serve(more.get("cert_name", cert), names)
        entry.update(more)
        return entry

    # What came of it.

    def served(self, server, server_name):
        """The SHA-256 fingerprint of the leaf that SERVER really serves for SERVER_NAME."""
        return self.servers[server].fingerprint(server_name)

    def verified(self, server, server_name):
        """The same, after the chain and the name were verified against the CA's root."""
        self.servers[server].handshake(server_name, root=self.ca.root)
        return self.served(server, server_name)

    def assert_pairs_match(self, product):
        """No reader anywhere may see a key that does not fit its certificate: here, and on every server."""
        folders = [path for path in (product.state / "live").glob("*") if path.is_dir()]
        for server in self.servers.values():
            folders += [path for path in server.live.glob("*") if (path / "cert.pem").exists()]
        for folder in folders:
            assert certificates.pair_matches(folder), f"key and certificate in {folder} do not belong together"
        return len(folders)
