#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Google Cloud DNS: keeps record sets, checks each request as Google does, has the token endpoint and the
metadata server beside it, misbehaves when told to, and answers its records over real DNS. How it is started and told what
to do: vendor_server.py. At the laboratory's door besides:

    GET  /__lab/credentials   a service account's key file
    GET  /__lab/user          an authorized user's file
    GET  /__lab/tokens        {"given"}: every access token so far
    POST /__lab/expire        every access token so far is worthless
"""

import json
import os
import re
import sys
import time
from urllib.parse import unquote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_server  # noqa: E402
import oauth  # noqa: E402
import vendor_server  # noqa: E402

SCOPES = {"https://www.googleapis.com/auth/ndev.clouddns.readwrite", "https://www.googleapis.com/auth/cloud-platform"}
SET_FIELDS = {"kind", "name", "type", "ttl", "rrdatas", "signatureRrdatas"}
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
            409: "ALREADY_EXISTS", 412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL",
            503: "UNAVAILABLE"}  # fmt: skip
REASONS = {401: "authError", 403: "forbidden", 404: "notFound", 429: "rateLimitExceeded", 500: "backendError"}


class Refusal(Exception):
    def __init__(self, status, reason, message):
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class Google(vendor_server.Vendor):
    """Google Cloud DNS: one project, managed zones and their record sets."""

    name = "google"

    @staticmethod
    def add_options(parser):
        parser.add_argument("--project", default="lab-project")
        parser.add_argument("--token-life", type=int, default=3599, help="seconds")
        parser.add_argument("--twin", action="append", default=[], help="zone that has a second public one of its name")
        parser.add_argument("--hidden", action="append", default=[], help="zone that is private only")
        parser.add_argument("--reader", action="store_true", help="the account may only read")

    def __init__(self, options):
        self.key, self.tokens = oauth.new_key(), oauth.Tokens(options.token_life)
        self.email = f"ferry@{options.project}.iam.gserviceaccount.com"
        super().__init__(options)
        self.managed = []
        for zone in self.zone_list:
            # A private look-alike stands before each, and a forwarding zone behind it.
            self.managed.append({**zone, "id": zone["id"] + "-inside", "visibility": "private"})
            if zone["name"] not in options.hidden:
                self.managed.append(zone)
            if zone["name"] in options.twin:
                self.managed.append({**zone, "id": zone["id"] + "-twin"})

    def make_zone(self, text):
        return {"id": text.lower().replace(".", "-"), "name": text.lower(), "visibility": "public"}

    def reset(self):
        super().reset()
        self.changes = 0

    def error(self, status, code, message):
        reason = code or REASONS.get(status, "badRequest")
        return json.dumps({"error": {
            "code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN"),
            "errors": [{"message": message, "domain": "global", "reason": reason}],
        }}).encode()  # fmt: skip

    def lab_add(self, zone, record):
        content = record["content"]
        if record["type"] == "TXT" and not content.startswith('"'):
            content = f'"{content}"'
        self.kept.append({"zone": zone["id"], "type": record["type"], "name": record["name"], "content": content,
                          "ttl": record.get("ttl", 300), "born": time.monotonic()})  # fmt: skip
        return self.shown(self.kept[-1])

    def lab_more(self, method, what, told):
        if what == "credentials":
            return {"type": "service_account", "project_id": self.options.project, "private_key_id": "lab-key-1",
                    "private_key": oauth.pem(self.key), "client_email": self.email, "client_id": "1234567890",
                    "token_uri": f"{self.url}/token"}  # fmt: skip
        if what == "user":
            return {"type": "authorized_user", "client_id": "lab-client.apps", "client_secret": "lab-client-secret",
                    "refresh_token": "1//lab-refresh-token", "quota_project_id": self.options.project,
                    "token_uri": f"{self.url}/token"}  # fmt: skip
        if what == "tokens":
            return {"given": list(self.tokens.given)}
        if what == "expire":
            self.tokens.expire()
            return {}
        return None

    # Requests.

    def work(self, request):
        try:
            if request.path == "/token":
                return 200, json.dumps(self.token(request)).encode(), {}
            if request.path.startswith("/computeMetadata/"):
                return self.metadata(request)
            if not self.tokens.is_good(request.headers):
                raise Refusal(401, "authError", "Request had invalid authentication credentials.")
            return 200, json.dumps(self.route(request)).encode(), {}
        except oauth.Refused as refusal:
            return refusal.status, refusal.body(), {}
        except Refusal as refusal:
            return refusal.status, self.error(refusal.status, refusal.reason, refusal.message), {}

    def token(self, request):
        asked = oauth.form(request)
        if asked.get("grant_type") == "refresh_token":
            known = self.lab_more("GET", "user", None)
            if any(asked.get(key) != known[key] for key in ("client_id", "client_secret", "refresh_token")):
                raise oauth.Refused("invalid_grant", "Token has been expired or revoked.")
            return self.tokens.give()
        if asked.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" or request.method != "POST":
            raise oauth.Refused("unsupported_grant_type", "Invalid grant_type: " + asked.get("grant_type", ""))
        header, claims = oauth.read_jwt(asked.get("assertion", ""), "RS256", self.key.public_key())
        oauth.check_times(claims, 3600)
        if header.get("kid") != "lab-key-1" or claims.get("iss") != self.email:
            raise oauth.Refused("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") != f"{self.url}/token" or claims.get("scope") not in SCOPES:
            raise oauth.Refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return self.tokens.give()

    def metadata(self, request):
        flavor = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
        if request.headers.get("Metadata-Flavor") != "Google":
            return 403, b"<html>Missing Metadata-Flavor:Google header.", {"Content-Type": "text/html"}
        path = request.path.removeprefix("/computeMetadata/v1/")
        if path == "instance/service-accounts/default/token":
            return 200, json.dumps(self.tokens.give()).encode(), flavor
        if path == "project/project-id":
            return 200, self.options.project.encode(), {**flavor, "Content-Type": "application/text"}
        return 404, b"<html>Not Found", {**flavor, "Content-Type": "text/html"}

    def route(self, request):
        match = re.fullmatch(r"/dns/v1/projects/([^/]+)/managedZones(?:/([^/]+)(?:/(rrsets|changes)(?:/([^/]+))?)?)?",
                             unquote(request.path))  # fmt: skip
        if match is None:
            raise Refusal(404, "notFound", "Not Found")
        project, zone_id, kind, change = match.groups()
        if project != self.options.project:
            raise Refusal(403, "forbidden", f"Permission denied on resource project {project}.")
        if zone_id is None and request.method == "GET":
            return self.list_zones(request.query)
        zone = next((zone for zone in self.managed if zone["id"] == zone_id), None)
        if zone is None:
            raise Refusal(404, "notFound", f"The 'parameters.managedZone' resource named '{zone_id}' does not exist.")
        if kind is None and request.method == "GET":
            return api_zone(zone)
        if kind == "rrsets" and request.method == "GET":
            return self.list_sets(zone, request.query)
        if kind == "changes" and request.method == "POST" and change is None:
            if self.options.reader:
                raise Refusal(403, "forbidden", "Forbidden")
            return self.change(zone, json_body(request))
        if kind == "changes" and request.method == "GET" and change:
            return {"kind": "dns#change", "id": change, "status": "done"}
        raise Refusal(404, "notFound", "Not Found")

    def list_zones(self, query):
        check_query(query, {"dnsName", "maxResults", "pageToken"})
        found = [zone for zone in self.managed if query.get("dnsName", zone["name"] + ".") == zone["name"] + "."]
        # One zone a page, so that who looks at the first page only sees the private one.
        return paged("dns#managedZonesListResponse", "managedZones", [api_zone(zone) for zone in found], query, 1)

    def sets(self, zone):
        """(name, type) -> (ttl, values) of what ZONE has."""
        found = {}
        for record in self.kept:
            if record["zone"] == zone["id"]:
                ttl, values = found.setdefault((record["name"], record["type"]), (record["ttl"], []))
                values.append(record["content"])
        return found

    def list_sets(self, zone, query):
        check_query(query, {"name", "type", "maxResults", "pageToken"})
        with self.lock:
            found = [{"kind": "dns#resourceRecordSet", "name": name + ".", "type": kind, "ttl": ttl, "rrdatas": values,
                      "signatureRrdatas": []} for (name, kind), (ttl, values) in self.sets(zone).items()]  # fmt: skip
        found = [each for each in found if query.get("name", each["name"]) == each["name"]]
        found = [each for each in found if query.get("type", each["type"]) == each["type"]]
        return paged("dns#resourceRecordSetsListResponse", "rrsets", found, query, 2)

    def change(self, zone, body):
        check_change(body)
        with self.lock:
            have = self.sets(zone)
            for i, each in enumerate(body.get("deletions", [])):
                key = each["name"][:-1], each["type"]
                if key not in have:
                    raise Refusal(404, "notFound", f"The 'entity.change.deletions[{i}]' resource named '{each['name']} "
                                  f"({each['type']})' does not exist.")  # fmt: skip
                if have[key][0] != each["ttl"] or sorted(have[key][1]) != sorted(each["rrdatas"]):
                    raise Refusal(412, "conditionNotMet", f"Precondition not met for 'entity.change.deletions[{i}]'")
                del have[key]
            for i, each in enumerate(body.get("additions", [])):
                name = each["name"][:-1]
                if not dns_server.under(name, zone["name"]):
                    raise Refusal(400, "invalidZoneApex", f"Invalid value for 'entity.change.additions[{i}].name'")
                if (name, each["type"]) in have:
                    raise Refusal(409, "alreadyExists", f"The resource 'entity.change.additions[{i}]' named "
                                  f"'{each['name']} ({each['type']})' already exists")  # fmt: skip
                if any(other == name and "CNAME" in (kind, each["type"]) for other, kind in have):
                    raise Refusal(409, "cnameResourceRecordSetConflict",
                                  f"The resource record set 'entity.change.additions[{i}]' is invalid because the DNS "
                                  f"name '{each['name']}' has a CNAME resource record set.")  # fmt: skip
            self.apply(zone, body)
            self.changes += 1
            return {"kind": "dns#change", "id": str(self.changes), "status": "pending",
                    "startTime": "2026-01-01T00:00:00.000Z", **body}  # fmt: skip

    def apply(self, zone, body):
        for each in body.get("deletions", []):
            gone = zone["id"], each["name"][:-1], each["type"]
            self.kept = [r for r in self.kept if (r["zone"], r["name"], r["type"]) != gone]
        for each in body.get("additions", []):
            for value in each["rrdatas"]:
                self.kept.append({"zone": zone["id"], "type": each["type"], "name": each["name"][:-1].lower(),
                                  "content": value, "ttl": each["ttl"], "born": time.monotonic()})  # fmt: skip


def api_zone(zone):
    return {"kind": "dns#managedZone", "name": zone["id"], "dnsName": zone["name"] + ".", "description": "",
            "visibility": zone["visibility"], "id": "1234567890123456789",
            "nameServers": ["ns-cloud-a1.googledomains.com."], "creationTime": "2026-01-01T00:00:00.000Z"}  # fmt: skip


def check_query(query, known):
    for key in query:
        if key not in known:
            raise Refusal(400, "badRequest", f'Invalid JSON payload received. Unknown name "{key}"')


def paged(kind, key, found, query, size):
    start = int(query.get("pageToken", "at/0").removeprefix("at/"))
    page = {"kind": kind, **({key: found[start : start + size]} if found else {})}
    if start + size < len(found):
        page["nextPageToken"] = f"at/{start + size}"
    return page


def check_change(body):
    def invalid(message):
        return Refusal(400, "invalid", message)

    if not isinstance(body, dict) or set(body) - {"kind", "additions", "deletions"}:
        raise invalid("Invalid JSON payload received. Unknown name")
    if not body.get("additions") and not body.get("deletions"):
        raise invalid("The change must have at least one addition or deletion")
    for each in body.get("additions", []) + body.get("deletions", []):
        if not isinstance(each, dict) or set(each) - SET_FIELDS:
            raise invalid("Invalid JSON payload received. Unknown name")
        if not isinstance(each.get("name"), str) or not re.fullmatch(r"[a-z0-9_*-]+(\.[a-z0-9_-]+)*\.", each["name"]):
            raise invalid("Invalid value for 'entity.change.additions[0].name'")
        if each.get("type") not in ("TXT", "CNAME", "A"):
            raise invalid("Invalid value for 'entity.change.additions[0].type'")
        if not isinstance(each.get("ttl"), int) or isinstance(each["ttl"], bool) or each["ttl"] < 0:
            raise invalid("Invalid value for 'entity.change.additions[0].ttl'")
        values = each.get("rrdatas")
        if not isinstance(values, list) or not values or len(set(values)) != len(values):
            raise invalid("Invalid value for 'entity.change.additions[0].rrdata'")
        for value in values:
            if each["type"] == "TXT" and not re.fullmatch(r'"[^"]{1,255}"( "[^"]{1,255}")*', value):
                raise invalid("Invalid value for 'entity.change.additions[0].rrdata[0]'")


def json_body(request):
    if request.content_type != "application/json":
        raise Refusal(400, "badRequest", "Content-Type must be application/json")
    try:
        return json.loads(request.raw)
    except ValueError:
        raise Refusal(400, "parseError", "Parse Error") from None


if __name__ == "__main__":
    vendor_server.main(Google, sys.argv[1:])
