#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Azure DNS: keeps record sets with etags, checks each request as Azure does, has the login and the managed
identity's two endpoints beside it, misbehaves when told to, and answers its records over real DNS. How it is started and
told what to do: vendor_server.py. At the laboratory's door besides:

    GET  /__lab/certificate   {"pem"}: an application's certificate and key, as in its file
    GET  /__lab/federated     {"token"}: what workload identity's file holds
    GET  /__lab/tokens        {"given"}: every access token so far
    POST /__lab/expire        every access token so far is worthless
    POST /__lab/metadata      {"zone", "name", "metadata"}: of a record set
"""

import datetime
import hashlib
import json
import os
import re
import secrets
import sys
import time
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import acme_crypto  # noqa: E402
import dns_server  # noqa: E402
import oauth  # noqa: E402
import vendor_server  # noqa: E402

TENANT, CLIENT = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"
SUBSCRIPTION, SECRET = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "lab~secret.with+signs/and=more&0123"
IDENTITY_HEADER = "lab-identity-header-0123456789"
AUDIENCE = "https://management.azure.com"
API_VERSION = "2018-05-01"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CODES = {401: "InvalidAuthenticationToken", 403: "AuthorizationFailed", 404: "ResourceNotFound", 409: "Conflict",
         412: "PreconditionFailed", 429: "TooManyRequests", 500: "InternalServerError"}  # fmt: skip
MANY = 20  # values in a set


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Azure(vendor_server.Vendor):
    """Azure DNS: one subscription, zones in resource groups, and their record sets."""

    name = "azure"

    @staticmethod
    def add_options(parser):
        parser.add_argument("--token-life", type=int, default=3599, help="seconds")
        parser.add_argument("--twin", action="append", default=[], help="zone that stands in a second group too")
        parser.add_argument("--reader", action="store_true", help="the identity may only read")

    def __init__(self, options):
        self.key, self.tokens = oauth.new_key(), oauth.Tokens(options.token_life)
        self.certificate = certificate(self.key)
        self.federated = "lab-federated." + secrets.token_urlsafe(60)
        super().__init__(options)
        self.all_zones = []
        for zone in self.zone_list:
            self.all_zones.append({**zone, "group": "Inside", "type": "Private"})
            self.all_zones.append(zone)
            if zone["name"] in options.twin:
                self.all_zones.append({**zone, "group": "Twins"})

    def make_zone(self, text):
        name = text.lower()
        return {"id": resource(f"Ferry-Group_(1)/{name}"), "name": name, "group": "Ferry-Group_(1)", "type": "Public"}

    def reset(self):
        super().reset()
        self.etags, self.set_metadata = {}, {}

    def answer_headers(self):
        return {"x-ms-request-id": secrets.token_hex(16), "x-ms-ratelimit-remaining-subscription-reads": "11999"}

    def error(self, status, code, message):
        return json.dumps({"error": {"code": code or CODES.get(status, "BadRequest"), "message": message}}).encode()

    def lab_add(self, zone, record):
        self.kept.append({"zone": zone["id"], "type": record["type"], "name": record["name"], "strings": [record["content"]],
                          "content": record["content"], "ttl": record.get("ttl", 300), "born": time.monotonic()})  # fmt: skip
        self.touch(zone["id"], record["name"])
        return self.shown(self.kept[-1])

    def lab_more(self, method, what, told):
        if what == "certificate":
            return {"pem": oauth.pem(self.key) + self.certificate.public_bytes(serialization.Encoding.PEM).decode()}
        if what == "federated":
            return {"token": self.federated}
        if what == "metadata":
            zone = next(zone for zone in self.zone_list if zone["name"] == told["zone"])
            self.set_metadata[zone["id"], told["name"]] = told["metadata"]
            return {}
        if what == "tokens":
            return {"given": list(self.tokens.given)}
        if what == "expire":
            self.tokens.expire()
            return {}
        return None

    def shown(self, record):
        return {key: value for key, value in super().shown(record).items() if key != "strings"}

    def touch(self, zone_id, name):
        self.etags[zone_id, name] = secrets.token_hex(16)

    # Tokens.

    def work(self, request):
        try:
            if request.path == f"/{TENANT}/oauth2/v2.0/token":
                return 200, json.dumps(self.token(request)).encode(), {}
            if re.fullmatch(r"/[^/]+/oauth2/v2.0/token", request.path):
                raise oauth.Refused("invalid_request", "AADSTS90002: Tenant not found.")
            if request.path in ("/metadata/identity/oauth2/token", "/msi/token"):
                return self.managed(request)
            if not self.tokens.is_good(request.headers):
                raise Refusal(401, "InvalidAuthenticationToken", "The access token is invalid or has expired.")
            status, document = self.route(request)
            if document is None:
                return status, b"", {"Content-Type": "text/plain"}
            return status, json.dumps(document).encode(), {}
        except oauth.Refused as refusal:
            return refusal.status, refusal.body(), {}
        except Refusal as refusal:
            return refusal.status, self.error(refusal.status, refusal.code, refusal.message), {}

    def token(self, request):
        asked = oauth.form(request)
        if asked.get("grant_type") != "client_credentials" or request.method != "POST":
            raise oauth.Refused("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type")
        if asked.get("scope") != f"{AUDIENCE}/.default":
            raise oauth.Refused("invalid_scope", "AADSTS70011: The provided value for scope is not valid.")
        if asked.get("client_id") != CLIENT:
            raise oauth.Refused("unauthorized_client", f"AADSTS700016: Application '{asked.get('client_id')}' not found")
        if "client_secret" in asked:
            if asked["client_secret"] != SECRET:
                raise oauth.Refused("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
            return self.tokens.give(ext_expires_in=3599)
        if asked.get("client_assertion_type") != ASSERTION:
            raise oauth.Refused("invalid_client", "AADSTS7000216: 'client_assertion' or 'client_secret' is required", 401)
        if asked["client_assertion"] != self.federated:
            self.check_assertion(asked["client_assertion"])
        return self.tokens.give(ext_expires_in=3599)

    def check_assertion(self, text):
        header, claims = oauth.read_jwt(text, "PS256", self.key.public_key())
        oauth.check_times(claims, 3600)
        digest = hashlib.sha256(self.certificate.public_bytes(serialization.Encoding.DER)).digest()
        if header.get("x5t#S256") != acme_crypto.b64(digest):
            raise oauth.Refused("invalid_client", "AADSTS700027: The certificate is not registered", 401)
        if claims.get("iss") != CLIENT or claims.get("sub") != CLIENT or not claims.get("jti"):
            raise oauth.Refused("invalid_client", "AADSTS50013: Assertion failed signature validation", 401)
        if claims.get("aud") != f"{self.url}/{TENANT}/oauth2/v2.0/token":
            raise oauth.Refused("invalid_client", "AADSTS700023: Client assertion audience claim does not match", 401)

    def managed(self, request):
        platform = request.path == "/msi/token"
        version = "2019-08-01" if platform else "2018-02-01"
        word = request.headers.get("X-IDENTITY-HEADER") == IDENTITY_HEADER if platform else (
            request.headers.get("Metadata") == "true")  # fmt: skip
        if not word:
            return 400, b'{"error":"invalid_request","error_description":"Required metadata header not specified"}', {}
        if request.query.get("api-version") != version or request.query.get("resource") != AUDIENCE:
            return 400, b'{"error":"invalid_request","error_description":"Required query variable missing"}', {}
        if request.query.get("client_id", CLIENT) != CLIENT:
            return 400, b'{"error":"invalid_request","error_description":"Identity not found"}', {}
        given = self.tokens.give(resource=AUDIENCE)
        given["expires_on"] = str(int(time.time()) + given.pop("expires_in"))
        return 200, json.dumps(given).encode(), {}

    # Zones and record sets.

    def route(self, request):
        if request.query.get("api-version") != API_VERSION:
            raise Refusal(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required")
        words = unquote(request.path).split("/")[1:]
        if len(words) < 2 or words[0] != "subscriptions" or words[1] != SUBSCRIPTION:
            raise Refusal(404, "SubscriptionNotFound", f"The subscription '{words[1:2]}' could not be found.")
        if [word.lower() for word in words[2:]] == ["providers", "microsoft.network", "dnszones"]:
            return 200, self.list_zones(request)
        match = re.fullmatch(r"resourceGroups/([^/]+)/providers/Microsoft.Network/dnsZones/([^/]+)(?:/TXT/([^/]+))?",
                             "/".join(words[2:]))  # fmt: skip
        if match is None:
            raise Refusal(404, "NotFound", "The resource does not exist")
        group, zone_name, relative = match.groups()
        zone = self.find(group, zone_name, relative is not None)
        if relative is None:
            return 200, api_zone(zone)
        return self.record_set(request, zone, relative)

    def find(self, group, name, nested):
        inside = [zone for zone in self.all_zones if zone["group"].lower() == group.lower()]
        if not inside:
            raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        for zone in inside:
            if zone["name"] == name.lower():
                return zone
        if nested:
            raise Refusal(404, "ParentResourceNotFound", f"Can not perform requested operation on nested resource. "
                          f"Parent resource '{name}' not found.")  # fmt: skip
        raise Refusal(404, "ResourceNotFound", f"The Resource 'Microsoft.Network/dnszones/{name}' under resource group "
                      f"'{group}' was not found.")  # fmt: skip

    def list_zones(self, request):
        size, start = int(request.query.get("$top", "100")), int(request.query.get("$skipToken", "0"))
        if not 1 <= size <= 100:
            raise Refusal(400, "BadRequest", "The value of $top must be from 1 to 100")
        page = {"value": [api_zone(zone) for zone in self.all_zones[start : start + size]]}
        if start + size < len(self.all_zones):
            page["nextLink"] = (f"https://management.azure.com{request.path}?api-version={API_VERSION}&$top={size}"
                                f"&$skipToken={start + size}")  # fmt: skip
        return page

    def record_set(self, request, zone, relative):
        name = zone["name"] if relative == "@" else f"{relative}.{zone['name']}".lower()
        if relative != "@" and dns_server.under(relative.lower(), zone["name"]):
            raise Refusal(400, "BadRequest", "The relative name must not end with the zone's name")
        with self.lock:
            have = [r for r in self.kept if (r["zone"], r["name"], r["type"]) == (zone["id"], name, "TXT")]
            if request.method == "GET":
                if not have:
                    raise Refusal(404, "NotFound", f"The resource record '{relative}' does not exist in resource group "
                                  f"'{zone['group']}' of subscription '{SUBSCRIPTION}'.")  # fmt: skip
                return 200, self.api_set(zone, name, relative, have)
            if self.options.reader:
                raise Refusal(403, "AuthorizationFailed", f"The client '{CLIENT}' does not have authorization to perform "
                              "action 'Microsoft.Network/dnszones/TXT/write'")  # fmt: skip
            if request.method == "DELETE" and not have:
                return 204, None
            self.check_condition(request, self.etags.get((zone["id"], name)) if have else None)
            if request.method == "DELETE":
                self.kept = [r for r in self.kept if r not in have]
                self.set_metadata.pop((zone["id"], name), None)
                return 200, None
            if request.method != "PUT":
                raise Refusal(405, "MethodNotAllowed", "The method is not allowed")
            return self.put(request, zone, name, relative, have)

    def check_condition(self, request, etag):
        wanted, unwanted = request.headers.get("If-Match"), request.headers.get("If-None-Match")
        if wanted is None and unwanted is None:
            raise Refusal(400, "BadRequest", "the laboratory wants conditional writes")
        if (wanted is not None and wanted != etag) or (unwanted == "*" and etag is not None):
            raise Refusal(412, "PreconditionFailed", "The condition '" + ("If-Match" if wanted else "If-None-Match")
                          + "' in the HTTP request header(s) was not satisfied.")  # fmt: skip

    def put(self, request, zone, name, relative, have):
        properties = check_set(json_body(request))
        if any(r["name"] == name and r["type"] == "CNAME" for r in self.kept):
            raise Refusal(409, "Conflict", "The record could not be created because a CNAME record with the same name "
                          "already exists in this zone.")  # fmt: skip
        self.kept = [r for r in self.kept if r not in have]
        for record in properties["TXTRecords"]:
            self.kept.append({"zone": zone["id"], "type": "TXT", "name": name, "strings": record["value"],
                              "content": "".join(record["value"]), "ttl": properties["TTL"], "born": time.monotonic()})  # fmt: skip
        self.set_metadata[zone["id"], name] = properties.get("metadata", {})
        self.touch(zone["id"], name)
        made = [r for r in self.kept if (r["zone"], r["name"], r["type"]) == (zone["id"], name, "TXT")]
        return 200 if have else 201, self.api_set(zone, name, relative, made)

    def api_set(self, zone, name, relative, have):
        properties = {"fqdn": name + ".", "TTL": have[0]["ttl"], "TXTRecords": [{"value": r["strings"]} for r in have],
                      "targetResource": {}, "provisioningState": "Succeeded"}  # fmt: skip
        if self.set_metadata.get((zone["id"], name)):
            properties["metadata"] = self.set_metadata[zone["id"], name]
        return {"id": f"{zone['id']}/TXT/{relative}", "name": relative, "type": "Microsoft.Network/dnszones/TXT",
                "etag": self.etags[zone["id"], name], "properties": properties}  # fmt: skip


def certificate(key):
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ferry")]), datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - day).not_valid_after(now + day)
    return builder.sign(key, hashes.SHA256())


def resource(text):
    group, name = text.split("/")
    # As the listing has it: other words in other cases.
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group.lower()}/providers/Microsoft.Network/dnszones/{name}"


def api_zone(zone):
    return {"id": resource(f"{zone['group']}/{zone['name']}"), "name": zone["name"], "etag": "00000002-0000-0000-0000",
            "type": "Microsoft.Network/dnszones", "location": "global", "tags": {},
            "properties": {"maxNumberOfRecordSets": 10000, "numberOfRecordSets": 2, "zoneType": zone["type"],
                           "nameServers": ["ns1-01.azure-dns.com."]}}  # fmt: skip


def check_set(body):
    def invalid(message):
        return Refusal(400, "BadRequest", message)

    if not isinstance(body, dict) or set(body) - {"properties", "etag", "id", "name", "type"}:
        raise invalid("The request content was invalid")
    properties = body.get("properties")
    if not isinstance(properties, dict) or set(properties) - {"TTL", "TXTRecords", "metadata"}:
        raise invalid("The request content was invalid and could not be deserialized")
    if not isinstance(properties.get("TTL"), int) or not 1 <= properties["TTL"] <= 2147483647:
        raise invalid("The TTL must be from 1 to 2147483647")
    records = properties.get("TXTRecords")
    if not isinstance(records, list) or not 1 <= len(records) <= MANY:
        raise invalid(f"A record set has 1 to {MANY} records")
    for record in records:
        value = record.get("value") if isinstance(record, dict) else None
        if not isinstance(value, list) or not value or not all(isinstance(part, str) and len(part) <= 255 for part in value):
            raise invalid("The value of a TXT record is an array of strings of at most 255 characters")
    if len({json.dumps(record) for record in records}) != len(records):
        raise invalid("The record set has duplicate records")
    return properties


def json_body(request):
    if request.content_type != "application/json":
        raise Refusal(415, "UnsupportedMediaType", "The content media type is not supported. Only 'application/json' is.")
    try:
        return json.loads(request.raw)
    except ValueError:
        raise Refusal(400, "InvalidRequestContent", "The request content was invalid") from None


if __name__ == "__main__":
    vendor_server.main(Azure, sys.argv[1:])
