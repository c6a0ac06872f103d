# SPDX-License-Identifier: Apache-2.0
"""DNS vendors' stand-ins, Cloudflare's as the laboratory's own vendor and DNS, and Pebble as its CAs."""

import json
import os
import random
import re
import ssl
import stat
import urllib.request
from pathlib import Path

from .processes import Child, free_port
from .servers import self_signed, write

FAKES = Path(__file__).resolve().parent.parent / "fakes"
NEWEST_PEBBLE = Path(__file__).resolve().parent.parent.parent / "build/tools/pebble"


def newest_pebble():
    """The newest released Pebble, which `./dev test --all` installs, or CERTFERRY_PEBBLE names; None where it is not."""
    path = Path(os.environ.get("CERTFERRY_PEBBLE", NEWEST_PEBBLE))
    return path if os.access(path, os.X_OK) else None


class Vendor:
    """A DNS vendor's stand-in. A subclass names its program and how the config is told of it."""

    title, program, options = "DNS vendor", None, ()

    def __init__(self, folder, zones, missing=()):
        folder.mkdir()
        self.dir, self.child = folder, None
        self.argv = ["/usr/bin/python3", str(FAKES / self.program), "--fillers", "60", "--everything", "127.0.0.1",
                     "--log", str(folder / "requests.log"), *self.options]  # fmt: skip
        for zone in zones:
            self.argv += ["--zone", zone]
        for name in missing:
            self.argv += ["--missing", name]

    def settings(self):
        """The entry of `dns_providers` for it."""
        raise NotImplementedError

    def start(self):
        argv = list(self.argv)
        if os.geteuid() == 0:
            # Two name servers on addresses of loopback that no other laboratory uses, so that the zones are delegated.
            net = f"127.{random.randrange(60, 250)}.{random.randrange(1, 250)}"
            argv += ["--name-server", f"{net}.1", "--name-server", f"{net}.2"]
        log = self.dir / "output.log"
        self.child = Child(f"the {self.title} stand-in", argv, log)
        self.child.wait_ready(lambda: log.read_text().startswith("ready ") and log.read_text().endswith("\n"))
        told = json.loads(log.read_text().split(" ", 1)[1])
        self.port, self.dns_port, self.zones = told["port"], told["dns_port"], told["zones"]
        self.name_servers = told["name_servers"]
        self.url = f"http://127.0.0.1:{self.port}"
        self.resolver = f"127.0.0.1:{self.dns_port}"

    def stop(self):
        if self.child:
            self.child.stop()

    def lab(self, what, told=None):
        data = json.dumps(told).encode() if told is not None else None
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/__lab/{what}", data=data, timeout=10) as answer:
            return json.load(answer)

    def requests(self):
        """Every API request so far."""
        return self.lab("requests")

    def records(self, name=None):
        """The records kept now, all or those at NAME."""
        return [record for record in self.lab("records") if name in (None, record["name"])]

    def add(self, zone, name, content, kind="TXT"):
        return self.lab("records", {"zone": zone, "type": kind, "name": name, "content": content})

    def fault(self, kind, **details):
        self.lab("faults", {"kind": kind, **details})

    def lag(self, seconds):
        self.lab("settings", {"lag": seconds})

    def delay(self, seconds):
        """Each answer takes SECONDS more."""
        self.lab("settings", {"delay": seconds})

    def most_at_once(self):
        """The most requests that it had to work on side by side."""
        return self.lab("at-once")

    def reset(self):
        self.lab("reset", {})


class Cloudflare(Vendor):
    title, program = "Cloudflare", "cloudflare.py"
    token = "lab-token-0123456789abcdefghijklmnopqrst"
    options = ("--token", token)

    def start(self):
        super().start()
        self.url += "/client/v4"

    def settings(self):
        return {"api_token": self.token, "api_url": self.url}


class DigitalOcean(Vendor):
    title, program = "DigitalOcean", "digitalocean.py"
    token = "dop_v1_" + "0123456789abcdef" * 4
    options = ("--token", token)

    def settings(self):
        return {"token": self.token, "api_url": self.url}


class Route53(Vendor):
    title, program = "Route 53", "route53.py"

    def settings(self):
        return {"access_key_id": "AKIALABORATORY000001", "secret_access_key": "lab/secret+access/key0123456789abcdefghij",
                "api_url": self.url}  # fmt: skip


class Azure(Vendor):
    title, program = "Azure DNS", "azure.py"
    subscription = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    secret_documents = ("certificate", "federated")

    def settings(self):
        return {"tenant_id": "11111111-2222-3333-4444-555555555555", "client_id": "66666666-7777-8888-9999-000000000000",
                "client_secret": "lab~secret.with+signs/and=more&0123", "subscription_id": self.subscription,
                "authority_host": self.url, "api_url": self.url}  # fmt: skip


class Google(Vendor):
    title, program = "Google Cloud DNS", "google.py"
    secret_documents = ("credentials", "user")

    def settings(self):
        return {"credentials": json.dumps(self.lab("credentials")), "api_url": self.url}


# Every provider that has a stand-in with records of its own, by its name in the config.
VENDORS = {"azure": Azure, "cloudflare": Cloudflare, "digitalocean": DigitalOcean, "google": Google,
           "route53": Route53}  # fmt: skip


class Pebble:
    """A CA. Its own log is how requests are counted: it writes a line for each.

    What it does with a request, by keyword:
      program           which Pebble: "pebble" is Debian's; newest_pebble() gives the newest released
      nonce_reject      per cent of good nonces that it refuses nevertheless (its own default is 5)
      authz_reuse       per cent of valid authorizations that it uses again (50)
      alternate_roots   how many more roots the chain is offered for (0)
      chain_length      intermediates between leaf and root (1)
      eab               key id -> base64url MAC key: accounts need one of these
      validity          seconds that certificates last; in the newest the profiles say it
      profiles          name -> {"description", "validityPeriod"}; the newest only
      retry_after       (authorization, order) seconds; the newest only, which gives them in either form
      more              further members of its config
    Validations are always real: PEBBLE_VA_ALWAYS_VALID is never set.
    """

    def __init__(self, folder, resolver, http_port, blocked=(), *, program="pebble", nonce_reject=None, authz_reuse=None,
                 alternate_roots=0, chain_length=1, eab=None, validity=None, profiles=None, retry_after=None,
                 more=None):  # fmt: skip
        folder.mkdir()
        self.dir, self.child, self.resolver, self.program = folder, None, resolver, str(program)
        self.port, self.management, self.tls_port = free_port(), free_port(), free_port()
        self.http_port = http_port
        self.url, self.ca_bundle = f"https://127.0.0.1:{self.port}/dir", folder / "https.pem"
        self.log = folder / "pebble.log"
        self.alternate_roots, self.eab = alternate_roots, dict(eab or {})
        self_signed(folder, ["127.0.0.1", "localhost"], key="https.key", cert="https.pem")
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.ca_bundle),
            "privateKey": str(folder / "https.key"),
            "httpPort": http_port,
            "tlsPort": self.tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(eab),
            "externalAccountMACKeys": self.eab,
            "domainBlocklist": list(blocked),
        }
        if validity:
            config["certificateValidityPeriod"] = validity
            profiles = profiles or {"default": {"description": "The default profile", "validityPeriod": validity}}
        if profiles:
            config["profiles"] = profiles
        if retry_after:
            config["retryAfter"] = dict(zip(("authz", "order"), retry_after))
        config.update(more or {})
        write(folder / "pebble.json", json.dumps({"pebble": config}, indent=2))
        self.env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_ALTERNATE_ROOTS": str(alternate_roots),
                    "PEBBLE_CHAIN_LENGTH": str(chain_length)}  # fmt: skip
        if nonce_reject is not None:
            self.env["PEBBLE_WFE_NONCEREJECT"] = str(nonce_reject)
        if authz_reuse is not None:
            self.env["PEBBLE_AUTHZREUSE"] = str(authz_reuse)

    def start(self):
        argv = [self.program, "-strict", "-config", str(self.dir / "pebble.json"), "-dnsserver", self.resolver]
        self.child = Child("Pebble", argv, self.log, env=self.env, cwd=self.dir)
        self.child.wait_ready(lambda: self.get(self.url))
        # One file for each root that a chain may end in; the first is the default chain's.
        self.roots = [
            write(self.dir / f"root-{number}.pem", self.get(f"https://127.0.0.1:{self.management}/roots/{number}").decode())
            for number in range(self.alternate_roots + 1)
        ]
        self.root = self.roots[0]

    def stop(self):
        if self.child:
            self.child.stop()

    def get(self, url):
        context = ssl.create_default_context(cafile=self.ca_bundle)
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:
            return answer.read()

    def set_renewal_info(self, certificate, answer):
        """From now on ANSWER (any text) is its renewal information about CERTIFICATE (PEM); the newest only."""
        told = json.dumps({"Certificate": certificate, "ARIResponse": answer}).encode()
        context = ssl.create_default_context(cafile=self.ca_bundle)
        url = f"https://127.0.0.1:{self.management}/set-renewal-info/"
        urllib.request.urlopen(url, data=told, timeout=5, context=context).close()

    def mark(self):
        """Where its log ends now, to count from."""
        return os.stat(self.log)[stat.ST_SIZE]

    def since(self, mark):
        with open(self.log, "rb") as file:
            file.seek(mark)
            return file.read().decode("utf-8", "replace")

    def requests(self, mark=0):
        """(method, path) of each request since MARK."""
        return re.findall(r" ([A-Z]+) (/\S*) -> calling handler\(\)", self.since(mark))

    def orders(self, mark=0):
        """How many orders were placed since MARK (a request refused for its nonce places none)."""
        return self.since(mark).count("Added order ")
