#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for acme-dns: accounts with two values each, of which the older goes when a third comes, answered over real
DNS. How it is started and told what to do: vendor_server.py. The zone's names that are no account's are CNAMEs and what
else the laboratory puts there.
"""

import json
import os
import re
import secrets
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import vendor_server  # noqa: E402


class Refusal(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


class AcmeDns(vendor_server.Vendor):
    """acme-dns: accounts below one zone, the last of --zone."""

    name = "acme-dns"

    @staticmethod
    def add_options(parser):
        parser.add_argument("--account", action="append", default=[], metavar="SUBDOMAIN:USERNAME:PASSWORD")
        parser.add_argument("--foreign", action="append", default=[], metavar="SUBDOMAIN",
                            help="this account's allowfrom does not list us")  # fmt: skip

    def reset(self):
        super().reset()
        with self.lock:
            self.accounts = {}
            for text in self.options.account:
                subdomain, username, password = text.split(":")
                self.accounts[subdomain] = {"username": username, "password": password, "values": []}

    @property
    def apex(self):
        return self.zone_list[-1]["name"]

    def error(self, status, code, message):
        return json.dumps({"error": code or message}).encode()

    def credential(self, headers):
        return "key" if "X-Api-Key" in headers else ""

    def lab_add(self, zone, record):
        self.kept.append({"ttl": 60, "born": time.monotonic(), **record})
        return record

    def records(self, name):
        found = super().records(name)
        with self.lock:
            account = self.accounts.get(name.split(".")[0]) if name.endswith("." + self.apex) else None
            if account:
                found += [("TXT", 1, f'"{value}"', born + self.lag) for value, born in account["values"]]
        return found

    def exists_below(self, name):
        return super().exists_below(name) or name == self.apex

    def register(self):
        subdomain = str(uuid.uuid4())
        account = {"username": str(uuid.uuid4()), "password": secrets.token_urlsafe(30)[:40]}
        self.accounts[subdomain] = {**account, "values": []}
        return 201, {**account, "fulldomain": f"{subdomain}.{self.apex}", "subdomain": subdomain, "allowfrom": []}

    def update(self, request):
        try:
            body = json.loads(request.raw)
            subdomain, txt = body["subdomain"], body["txt"]
        except (ValueError, KeyError, TypeError):
            raise Refusal(400, "malformed_json_payload") from None
        account = self.accounts.get(subdomain)
        user, key = request.headers.get("X-Api-User"), request.headers.get("X-Api-Key")
        if account is None or (account["username"], account["password"]) != (user, key):
            raise Refusal(401, "forbidden")
        if subdomain in self.options.foreign:
            raise Refusal(401, "forbidden")
        if not re.fullmatch(r"[A-Za-z0-9_-]{43}", txt):
            raise Refusal(400, "bad_txt")
        account["values"] = [*account["values"][-1:], (txt, time.monotonic())]
        return 200, {"txt": txt}

    def work(self, request):
        try:
            with self.lock:
                if (request.method, request.path) == ("GET", "/health"):
                    return 200, b"", {}
                if (request.method, request.path) == ("POST", "/register"):
                    status, document = self.register()
                elif (request.method, request.path) == ("POST", "/update"):
                    status, document = self.update(request)
                else:
                    return 404, b"404 page not found\n", {"Content-Type": "text/plain"}
            return status, json.dumps(document).encode(), {}
        except Refusal as refusal:
            return refusal.status, self.error(refusal.status, refusal.code, ""), {}


if __name__ == "__main__":
    vendor_server.main(AcmeDns, sys.argv[1:])
