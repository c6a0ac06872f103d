#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Cloudflare's API v4: keeps TXT records, checks each request as Cloudflare does, misbehaves when told to,
and answers its records over real DNS. How it is started and told what to do: vendor_server.py.
"""

import hashlib
import json
import os
import re
import secrets
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_server  # noqa: E402
import vendor_server  # noqa: E402

DEFAULT_TOKEN = "lab-token-0123456789abcdefghijklmnopqrst"
DEFAULT_EMAIL = "admin@ferry.test"
DEFAULT_KEY = "0123456789abcdef0123456789abcdef01234"  # a global key has 37 hexadecimal digits

ZONE_QUERY = {"name", "status", "account.id", "account.name", "page", "per_page", "order", "direction", "match"}
RECORD_QUERY = {
    "name", "name.exact", "type", "content", "content.exact", "proxied", "match", "comment", "comment.present",
    "comment.absent", "comment.exact", "tag", "search", "tag_match", "page", "per_page", "order", "direction",
}  # fmt: skip
RECORD_FIELDS = {"type", "name", "content", "ttl", "proxied", "comment", "tags", "settings"}


class Refusal(Exception):
    """An error envelope: HTTP status, Cloudflare's code and message, and the inner error where it nests one."""

    def __init__(self, status, code, message, chain=None):
        super().__init__(message)
        error = {"code": code, "message": message}
        if chain:
            error["error_chain"] = [{"code": chain[0], "message": chain[1]}]
        self.status, self.error = status, error


def identifier(text):
    return hashlib.md5(text.encode()).hexdigest()


def now_text():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())


class Cloud(vendor_server.Vendor):
    """Cloudflare: zones, records, credentials."""

    name = "cloudflare"

    @staticmethod
    def add_options(parser):
        parser.add_argument("--prefix", default="/client/v4", help="path before /zones")
        parser.add_argument("--token", default=DEFAULT_TOKEN, help="may see zones and edit records")
        parser.add_argument("--zone-token", action="append", default=[], help="may only see zones")
        parser.add_argument("--dns-token", action="append", default=[], help="may only edit records")
        parser.add_argument("--email", default=DEFAULT_EMAIL)
        parser.add_argument("--key", default=DEFAULT_KEY, help="the global key of --email")

    def __init__(self, options):
        self.prefix = options.prefix
        # Token -> what it may: see zones, edit records.
        self.tokens = {options.token: {"zones", "records"}}
        self.tokens.update({token: {"zones"} for token in options.zone_token})
        self.tokens.update({token: {"records"} for token in options.dns_token})
        self.global_key = (options.email, options.key)
        super().__init__(options)

    def make_zone(self, text):
        """NAME[:STATUS[:TYPE]]"""
        name, status, kind = (text + "::").split(":")[:3]
        return {
            "id": identifier("zone " + text), "name": name.lower(), "status": status or "active",
            "type": kind or "full", "paused": False, "account": {"id": identifier("account"), "name": "Laboratory"},
            "owner": {"id": identifier("owner"), "type": "user", "name": "Laboratory"}, "development_mode": 0,
            "meta": {"step": 4, "page_rule_quota": 3, "phishing_detected": False}, "original_registrar": None,
            "name_servers": ["bob.ns.cloudflare.com", "lola.ns.cloudflare.com"], "original_name_servers": None,
            "original_dnshost": None, "created_on": now_text(), "modified_on": now_text(), "activated_on": now_text(),
        }  # fmt: skip

    def is_served(self, zone):
        return zone["status"] == "active"

    def records(self, name):
        """TTL 1 is "automatic"."""
        return [(kind, 120 if ttl == 1 else ttl, content, born) for kind, ttl, content, born in super().records(name)]

    def credential(self, headers):
        return "token" if "Authorization" in headers else "key" if "X-Auth-Key" in headers else ""

    def answer_headers(self):
        return {"cf-ray": secrets.token_hex(8) + "-LAB", "Ratelimit": '"default";r=1199;t=300'}

    def error(self, status, code, message):
        return envelope(None, [{"code": code, "message": message}])

    def error_of_fault(self, status, fault):
        return self.error(status, fault.get("code", 10429), fault.get("message", "More than 1200 requests per 300 seconds"))

    def lab_add(self, zone, record):
        return self.create_record(zone["id"], record)

    # What the API does.

    def visible_zone(self, zone_id):
        for zone in self.zone_list:
            if zone["id"] == zone_id:
                return zone
        raise Refusal(404, 7003, f"Could not route to /zones/{zone_id}, perhaps your object identifier is invalid?")

    def list_zones(self, query):
        check_query(query, ZONE_QUERY)
        found = [z for z in self.zone_list if query.get("name", z["name"]).lower() == z["name"]]
        found = [z for z in found if query.get("status", z["status"]) == z["status"]]
        found = [z for z in found if query.get("account.id", z["account"]["id"]) == z["account"]["id"]]
        return page_of(found, query, per_page=20, at_least=5, at_most=50)

    def list_records(self, zone_id, query):
        check_query(query, RECORD_QUERY)
        zone = self.visible_zone(zone_id)
        name = query.get("name", query.get("name.exact"))
        content = query.get("content", query.get("content.exact"))
        with self.lock:
            found = [r for r in self.kept if r["zone_id"] == zone["id"]]
        found = [r for r in found if name is None or r["name"] == name.lower().rstrip(".")]
        found = [r for r in found if query.get("type", r["type"]) == r["type"]]
        found = [r for r in found if content is None or r["content"] == content]
        return page_of([self.shown(r) for r in found], query, per_page=100, at_least=1, at_most=5000000)

    def create_record(self, zone_id, body):
        zone = self.visible_zone(zone_id)
        check_record(body)
        name = body["name"].lower().rstrip(".")
        if name == "@":
            name = zone["name"]
        elif not dns_server.under(name, zone["name"]):
            name = f"{name}.{zone['name']}"  # a name outside the zone counts as relative to it
        with self.lock:
            for other in self.kept:
                if other["name"] != name:
                    continue
                if other["type"] == "CNAME" or body["type"] == "CNAME":
                    raise Refusal(400, 81054, "A CNAME record with that host already exists.")
                if other["type"] == body["type"] and other["content"] == body["content"]:
                    raise Refusal(400, 81058, "An identical record already exists.")
            record = {
                "id": secrets.token_hex(16), "zone_id": zone["id"], "zone_name": zone["name"], "name": name,
                "type": body["type"], "content": body["content"], "ttl": body.get("ttl", 1), "proxied": False,
                "proxiable": False, "comment": body.get("comment") or "", "tags": body.get("tags", []), "settings": {},
                "meta": {}, "created_on": now_text(), "modified_on": now_text(), "born": time.monotonic(),
            }  # fmt: skip
            self.kept.append(record)
        return self.shown(record)

    def delete_record(self, zone_id, record_id):
        zone = self.visible_zone(zone_id)
        with self.lock:
            for record in self.kept:
                if record["id"] == record_id and record["zone_id"] == zone["id"]:
                    self.kept.remove(record)
                    return {"id": record_id}
        raise Refusal(404, 81044, "Record does not exist.")

    # Credentials.

    def authenticate(self, headers):
        """What the caller may do, by the header forms that Cloudflare takes and the errors it gives for the others."""
        bearer, key, email = (headers.get(name) for name in ("Authorization", "X-Auth-Key", "X-Auth-Email"))
        if bearer is None and key is None:
            raise Refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
        if bearer is not None and (key is not None or email is not None):
            raise Refusal(400, 6003, "Invalid request headers", (6111, "Invalid format for Authorization header"))
        if bearer is not None:
            match = re.fullmatch(r"Bearer ([A-Za-z0-9_-]{40,80})", bearer)
            if match is None:
                raise Refusal(400, 6003, "Invalid request headers", (6111, "Invalid format for Authorization header"))
            if match[1] not in self.tokens:
                raise Refusal(403, 9109, "Invalid access token")
            return self.tokens[match[1]]
        if email is None or "@" not in email:
            raise Refusal(400, 6003, "Invalid request headers", (6102, "Invalid format for X-Auth-Email header"))
        if re.fullmatch(r"[0-9a-f]{37,45}", key) is None:
            raise Refusal(400, 6003, "Invalid request headers", (6103, "Invalid format for X-Auth-Key header"))
        if (email, key) != self.global_key:
            raise Refusal(403, 9103, "Unknown X-Auth-Key or X-Auth-Email")
        return {"zones", "records"}

    # Requests.

    def work(self, request):
        try:
            may = self.authenticate(request.headers)
            result, info = self.route(request, may)
            return 200, envelope(result, info=info), {}
        except Refusal as refusal:
            return refusal.status, envelope(None, [refusal.error]), {}

    def route(self, request, may):
        tail = request.path[len(self.prefix) :] if request.path.startswith(self.prefix) else ""
        words = tail.strip("/").split("/")
        if words == ["zones"] and request.method == "GET":
            # A token without Zone:Read sees an empty list, not an error.
            return self.list_zones(request.query) if "zones" in may else page_of([], request.query, 20, 5, 50)
        if len(words) in (3, 4) and words[0] == "zones" and words[2] == "dns_records":
            if "records" not in may:
                raise Refusal(403, 10000, "Authentication error")
            return self.route_records(words[1], words[3:], request)
        raise Refusal(404, 7003, f"Could not route to {tail or request.path}, perhaps your object identifier is invalid?",
                      (7000, "No route for that URI"))  # fmt: skip

    def route_records(self, zone_id, rest, request):
        if not rest and request.method == "GET":
            return self.list_records(zone_id, request.query)
        if not rest and request.method == "POST":
            return self.create_record(zone_id, json_body(request)), None
        if rest and request.method == "DELETE":
            if request.raw:
                raise Refusal(400, 9207, "Request body is invalid.")
            return self.delete_record(zone_id, rest[0]), None
        raise Refusal(405, 10405, "Method not allowed for this authentication scheme")


def json_body(request):
    if request.content_type != "application/json":
        raise Refusal(400, 9207, "Content-type must be application/json.")
    try:
        return json.loads(request.raw)
    except ValueError:
        raise Refusal(400, 6007, "Malformed JSON in request body") from None


def check_query(query, known):
    for name in query:
        if name not in known:
            raise Refusal(400, 1001, f"Unknown query parameter {name}")


def page_of(found, query, per_page, at_least, at_most):
    """One page, and the result_info that tells how many there are."""
    try:
        page, size = int(query.get("page", 1)), int(query.get("per_page", per_page))
    except ValueError:
        raise Refusal(400, 1001, "page and per_page must be numbers") from None
    if page < 1 or not at_least <= size <= at_most:
        raise Refusal(400, 1001, f"per_page must be from {at_least} to {at_most}, page at least 1")
    part = found[(page - 1) * size : page * size]
    info = {
        "page": page, "per_page": size, "count": len(part), "total_count": len(found),
        "total_pages": (len(found) + size - 1) // size,
    }  # fmt: skip
    return part, info


def check_record(body):
    def invalid(code, message):
        return Refusal(400, 1004, "DNS Validation Error", (code, message))

    if not isinstance(body, dict):
        raise Refusal(400, 9207, "Request body is invalid.")
    for key in body:
        if key not in RECORD_FIELDS:
            raise invalid(9206, f"Unknown field {key}.")
    if body.get("type") not in ("TXT", "A", "AAAA", "CNAME", "CAA"):
        raise invalid(9000, "Invalid DNS record type.")
    name, content = body.get("name"), body.get("content")
    if not isinstance(name, str) or not re.fullmatch(r"@|[A-Za-z0-9_*]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9.])?", name):
        raise invalid(9000, "DNS name is invalid.")
    if not isinstance(content, str) or content in ("", '""') or len(content) > 2048:
        raise invalid(9007, "Content for TXT record is invalid.")
    ttl = body.get("ttl", 1)
    if not isinstance(ttl, int) or isinstance(ttl, bool) or not (ttl == 1 or 60 <= ttl <= 86400):
        raise invalid(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
    if body.get("proxied", False) is not False:
        raise invalid(9004, "This record type cannot be proxied.")
    comment = body.get("comment")
    if comment is not None and (not isinstance(comment, str) or len(comment) > 100):
        raise invalid(9207, "Comment is invalid: at most 100 characters.")
    if not isinstance(body.get("tags", []), list):
        raise invalid(9207, "Tags are invalid.")


def envelope(result, errors=(), info=None):
    document = {"success": not errors, "errors": list(errors), "messages": [], "result": result}
    if info is not None:
        document["result_info"] = info
    return json.dumps(document).encode()


if __name__ == "__main__":
    vendor_server.main(Cloud, sys.argv[1:])
