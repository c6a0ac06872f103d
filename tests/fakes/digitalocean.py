#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for DigitalOcean's API v2: keeps domain records, checks each request as DigitalOcean does, misbehaves when
told to, and answers its records over real DNS. How it is started and told what to do: vendor_server.py.
"""

import json
import os
import re
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_server  # noqa: E402
import vendor_server  # noqa: E402

DEFAULT_TOKEN = "dop_v1_" + "0123456789abcdef" * 4
TYPES = {"A", "AAAA", "CAA", "CNAME", "MX", "NS", "SOA", "SRV", "TXT"}
RECORD_FIELDS = {"type", "name", "data", "priority", "port", "ttl", "weight", "flags", "tag"}
PUBLIC = "https://api.digitalocean.com"


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class DigitalOcean(vendor_server.Vendor):
    """DigitalOcean: domains and their records."""

    name = "digitalocean"

    @staticmethod
    def add_options(parser):
        parser.add_argument("--token", default=DEFAULT_TOKEN, help="may do everything")
        parser.add_argument("--read-token", action="append", default=[], help="has the scope domain:read only")

    def __init__(self, options):
        self.tokens = {options.token: {"read", "write"}}
        self.tokens.update({token: {"read"} for token in options.read_token})
        self.next_id = 28448429
        super().__init__(options)

    def answer_headers(self):
        return {"x-request-id": str(uuid.uuid4()), "ratelimit-limit": "5000", "ratelimit-remaining": "4999",
                "ratelimit-reset": str(int(time.time()) + 3600)}  # fmt: skip

    def error(self, status, code, message):
        return json.dumps({"id": code or "server_error", "message": message, "request_id": str(uuid.uuid4())}).encode()

    def error_of_fault(self, status, fault):
        codes = {401: "unauthorized", 403: "forbidden", 404: "not_found", 422: "unprocessable_entity",
                 429: "too_many_requests"}  # fmt: skip
        return self.error(status, fault.get("code", codes.get(status)), fault.get("message", "API Rate limit exceeded."))

    def lab_add(self, zone, record):
        apex, name = zone["name"], record["name"]
        relative = "@" if name == apex else name.removesuffix("." + apex)
        return self.create(apex, {"type": record["type"], "name": relative, "data": record["content"]})

    # Requests.

    def work(self, request):
        try:
            may = self.authenticate(request.headers)
            status, document = self.route(request, may)
            return status, json.dumps(document).encode() if document is not None else b"", {}
        except Refusal as refusal:
            return refusal.status, self.error(refusal.status, refusal.code, refusal.message), {}

    def authenticate(self, headers):
        match = re.fullmatch(r"Bearer (\S+)", headers.get("Authorization", ""))
        if match is None or match[1] not in self.tokens:
            raise Refusal(401, "unauthorized", "Unable to authenticate you")
        return self.tokens[match[1]]

    def route(self, request, may):
        words = request.path.strip("/").split("/")
        method = request.method
        if words[:2] != ["v2", "domains"] or len(words) > 5:
            raise Refusal(404, "not_found", "The resource you were accessing could not be found.")
        if method != "GET" and "write" not in may:
            raise Refusal(403, "forbidden", "You are not authorized to perform this operation")
        if len(words) == 2 and method == "GET":
            return 200, self.paged(request, "domains", [shown_zone(zone) for zone in self.zone_list], "/v2/domains")
        zone = self.zone_called(words[2])
        if len(words) == 3 and method == "GET":
            return 200, {"domain": shown_zone(zone)}
        if len(words) < 4 or words[3] != "records":
            raise Refusal(404, "not_found", "The resource you were accessing could not be found.")
        if len(words) == 4 and method == "GET":
            return 200, self.list(zone["name"], request)
        if len(words) == 4 and method == "POST":
            return 201, {"domain_record": api_form(self.create(zone["name"], json_body(request)))}
        if len(words) == 5 and method == "DELETE":
            return self.delete(zone["name"], words[4], request)
        raise Refusal(405, "method_not_allowed", "Method not allowed")

    def zone_called(self, name):
        for zone in self.zone_list:
            if zone["name"] == name:
                return zone
        raise Refusal(404, "not_found", "The resource you were accessing could not be found.")

    def list(self, apex, request):
        query = request.query
        for key in query:
            if key not in ("name", "type", "page", "per_page"):
                raise Refusal(422, "unprocessable_entity", f"unknown parameter {key}")
        if query.get("type", "TXT") not in TYPES:
            raise Refusal(422, "unprocessable_entity", "Invalid record type")
        with self.lock:
            found = [record for record in self.kept if record["zone"] == apex]
        # The filter takes the full name, the answer has the relative one.
        found = [record for record in found if query.get("name", record["name"]) == record["name"]]
        found = [record for record in found if query.get("type", record["type"]) == record["type"]]
        return self.paged(request, "domain_records", [api_form(r) for r in found], f"/v2/domains/{apex}/records")

    def paged(self, request, key, found, path):
        try:
            page, size = int(request.query.get("page", 1)), int(request.query.get("per_page", 20))
        except ValueError:
            raise Refusal(422, "unprocessable_entity", "page and per_page must be numbers") from None
        if page < 1 or not 1 <= size <= 200:
            raise Refusal(422, "unprocessable_entity", "per_page must be from 1 to 200")
        last = max(1, (len(found) + size - 1) // size)
        pages = {}
        if page < last:
            pages = {"next": f"{PUBLIC}{path}?page={page + 1}&per_page={size}",
                     "last": f"{PUBLIC}{path}?page={last}&per_page={size}"}  # fmt: skip
        links = {"pages": pages} if pages else {}
        return {key: found[(page - 1) * size : page * size], "links": links, "meta": {"total": len(found)}}

    def create(self, apex, body):
        check_record(body)
        relative = body["name"].lower()
        # A name with a final dot is absolute; without it "example.com" inside example.com is doubled.
        if relative.endswith("."):
            name = relative[:-1]
            if not dns_server.under(name, apex):
                raise Refusal(422, "unprocessable_entity", "Name must be inside the domain")
        else:
            name = apex if relative == "@" else f"{relative}.{apex}"
        with self.lock:
            if any(r["name"] == name and "CNAME" in (r["type"], body["type"]) for r in self.kept):
                raise Refusal(422, "unprocessable_entity", "CNAME records cannot share a name with other records")
            self.next_id += 1
            record = {"id": self.next_id, "zone": apex, "type": body["type"], "name": name, "content": body["data"],
                      "ttl": body.get("ttl", 1800), "born": time.monotonic()}  # fmt: skip
            self.kept.append(record)
        return self.shown(record)

    def delete(self, apex, record_id, request):
        if request.raw:
            raise Refusal(400, "bad_request", "unexpected body")
        with self.lock:
            for record in self.kept:
                if str(record["id"]) == record_id and record["zone"] == apex:
                    self.kept.remove(record)
                    return 204, None
        raise Refusal(404, "not_found", "The resource you were accessing could not be found.")


def shown_zone(zone):
    return {"name": zone["name"], "ttl": 1800, "zone_file": f"$ORIGIN {zone['name']}.\n$TTL 1800\n"}


def api_form(record):
    apex = record["zone"]
    relative = "@" if record["name"] == apex else record["name"].removesuffix("." + apex)
    return {"id": record["id"], "type": record["type"], "name": relative, "data": record["content"], "priority": None,
            "port": None, "ttl": record["ttl"], "weight": None, "flags": None, "tag": None}  # fmt: skip


def check_record(body):
    def invalid(message):
        return Refusal(422, "unprocessable_entity", message)

    if not isinstance(body, dict):
        raise invalid("Request body is invalid")
    for key in body:
        if key not in RECORD_FIELDS:
            raise invalid(f"Unknown field {key}")
    if body.get("type") not in ("TXT", "A", "CNAME"):
        raise invalid("Type is not included in the list")
    if not isinstance(body.get("name"), str) or not re.fullmatch(r"@|[A-Za-z0-9_*][A-Za-z0-9_.*-]*", body["name"]):
        raise invalid("Name Only valid hostname characters are allowed")
    if not isinstance(body.get("data"), str) or not body["data"] or len(body["data"]) > 4096:
        raise invalid("Data needs to end with a dot (.)" if body.get("type") == "CNAME" else "Data can't be blank")
    if body["type"] == "TXT" and body["data"].startswith('"'):
        raise invalid("Data must not be quoted")
    ttl = body.get("ttl", 1800)
    if not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 30:
        raise invalid("TTL must be greater than or equal to 30")


def json_body(request):
    if request.content_type != "application/json":
        raise Refusal(415, "unsupported_media_type", "Content-Type must be application/json")
    try:
        return json.loads(request.raw)
    except ValueError:
        raise Refusal(400, "bad_request", "Malformed JSON") from None


if __name__ == "__main__":
    vendor_server.main(DigitalOcean, sys.argv[1:])
