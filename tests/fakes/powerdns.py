#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real PowerDNS Authoritative Server behind a door that counts the requests to its API and misbehaves when told to.
How it is started and told what to do: vendor_server.py. DNS is answered by the server itself: at --listen ADDR
and --dns PORT.
"""

import atexit
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import vendor_server  # noqa: E402

PROGRAM = shutil.which("pdns_server", path=os.environ.get("PATH", "") + ":/usr/sbin")
SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
DEFAULT_KEY = "lab-key-0123456789"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    """Runs in the child before exec: when this program is killed, so is the child."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class PowerDNS(vendor_server.Vendor):
    """PowerDNS: zones of a server of its own, in a folder that is gone at the end."""

    name = "powerdns"

    @staticmethod
    def add_options(parser):
        parser.add_argument("--key", default=DEFAULT_KEY, help="the server's api-key")
        parser.add_argument("--listen", action="append", default=[], metavar="ADDR", help="an address that answers DNS")
        parser.add_argument("--dns", type=int, default=0, help="and its port (0: any)")

    def __init__(self, options):
        if PROGRAM is None:
            sys.exit("pdns_server is not there: install the packages pdns-server and pdns-backend-sqlite3")
        self.key, self.options = options.key, options
        self.folder = tempfile.mkdtemp(prefix="certferry-pdns-")
        self.port, self.dns_at, self.dns_port = free_port(), options.listen or ["127.0.0.1"], options.dns or free_port()
        self.start()
        super().__init__(options)

    def start(self):
        with open(SCHEMA, encoding="utf-8") as schema:
            subprocess.run(["sqlite3", self.database], stdin=schema, check=True)
        atexit.register(self.stop)
        # A port that was free may be somebody's a moment later.
        for last in (False, False, True):
            self.run()
            if self.is_up():
                return
            self.process.kill()
            self.process.wait()
            if last:
                with open(self.log.name, encoding="utf-8", errors="replace") as text:
                    sys.exit("pdns_server does not start:\n" + text.read()[-2000:])
            self.port = free_port()
            if not self.options.dns:
                self.dns_port = free_port()

    @property
    def database(self):
        return os.path.join(self.folder, "pdns.sqlite3")

    def run(self):
        argv = [PROGRAM, "--no-config", "--daemon=no", "--guardian=no", "--disable-syslog=yes", "--launch=gsqlite3",
                f"--gsqlite3-database={self.database}", "--api=yes", f"--api-key={self.key}", "--webserver=yes",
                "--webserver-address=127.0.0.1", f"--webserver-port={self.port}", f"--socket-dir={self.folder}",
                f"--local-address={','.join(self.dns_at)}", f"--local-port={self.dns_port}", "--zone-cache-refresh-interval=0",
                "--query-cache-ttl=0", "--cache-ttl=0", "--negquery-cache-ttl=0", "--receiver-threads=1",
                "--distributor-threads=1"]  # fmt: skip
        self.log = open(os.path.join(self.folder, "pdns.log"), "wb")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=die_with_parent)  # fmt: skip

    def is_up(self):
        end = time.monotonic() + 15
        while self.call("GET", "/api/v1/servers/localhost")[0] != 200:
            if self.process.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, path, body=None, headers=None):
        """One request to the server: (status, body, content type)."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, method=method)
        for name, value in (headers or {"X-API-Key": self.key}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read(), refusal.headers.get("Content-Type", "")
        except OSError:
            return 0, b"", ""

    def api(self, method, path, document=None):
        body = json.dumps(document).encode() if document is not None else None
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        status, answer, _ = self.call(method, "/api/v1/servers/localhost" + path, body, headers)
        assert 200 <= status < 300, f"{method} {path}: {status} {answer}"
        return json.loads(answer) if answer else None

    def make_zone(self, text):
        """NAME[:KIND]"""
        name, _, kind = text.partition(":")
        zone = {"name": name + ".", "kind": kind or "Native", "nameservers": []}
        if kind == "Slave":
            zone["masters"] = ["127.0.0.1"]
        else:
            hosts = [f"ns{number}.{name}." for number in range(1, len(self.dns_at) + 1)]
            zone["rrsets"] = [
                {"name": name + ".", "type": "NS", "ttl": 60, "records": [{"content": host, "disabled": False} for host in hosts]}
            ]
            zone["rrsets"] += [
                {"name": host, "type": "A", "ttl": 60, "records": [{"content": address, "disabled": False}]}
                for host, address in zip(hosts, self.dns_at)
            ]
        self.api("POST", "/zones", zone)
        return {"id": name + ".", "name": name, "kind": kind or "Native"}

    def reset(self):
        super().reset()
        for zone in self.zone_list:
            if zone["name"].startswith("filler-") or zone["kind"] == "Slave":
                continue
            gone = [
                {"name": s["name"], "type": s["type"], "changetype": "DELETE"}
                for s in self.api("GET", f"/zones/{zone['id']}")["rrsets"]
                if s["type"] in ("TXT", "CNAME")
            ]
            if gone:
                self.api("PATCH", f"/zones/{zone['id']}", {"rrsets": gone})

    @property
    def kept(self):
        """Every TXT record there is."""
        found = []
        for zone in getattr(self, "zone_list", []):
            if zone["name"].startswith("filler-") or zone["kind"] == "Slave":
                continue
            for s in self.api("GET", f"/zones/{zone['id']}")["rrsets"]:
                if s["type"] == "TXT":
                    found += [
                        {"type": "TXT", "name": s["name"].rstrip("."), "ttl": s["ttl"], "born": 0, **record}
                        for record in s["records"]
                    ]
        return found

    @kept.setter
    def kept(self, nothing):
        pass

    def lab_add(self, zone, record):
        name, content = record["name"] + ".", record["content"]
        if record["type"] == "TXT" and not content.startswith('"'):
            content = f'"{content}"'
        sets = self.api("GET", f"/zones/{zone['id']}")["rrsets"]
        same = [s for s in sets if s["name"] == name and s["type"] == record["type"]]
        records = same[0]["records"] if same else []
        records.append({"content": content, "disabled": record.get("disabled", False)})
        self.api("PATCH", f"/zones/{zone['id']}", {"rrsets": [
            {"name": name, "type": record["type"], "ttl": record.get("ttl", 3600), "changetype": "REPLACE", "records": records}
        ]})  # fmt: skip
        return record

    def credential(self, headers):
        return "key" if "X-API-Key" in headers else ""

    def error(self, status, code, message):
        return json.dumps({"error": message}).encode()

    def work(self, request):
        query = f"?{request.query_text}" if request.query_text else ""
        headers = {name: request.headers[name] for name in ("X-API-Key", "Content-Type") if name in request.headers}
        status, body, kind = self.call(request.method, request.path + query, request.raw or None, headers or {"X-None": "-"})
        return status, body, {"Content-Type": kind} if kind else {}


if __name__ == "__main__":
    vendor_server.main(PowerDNS, sys.argv[1:])
