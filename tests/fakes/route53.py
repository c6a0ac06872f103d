#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for AWS: Route 53 with its record sets, STS, a container's and an instance's credentials. Signatures are
computed anew and compared; requests and answers are held against AWS's own service models (aws_model.py). How it is
started and told what to do: vendor_server.py.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import sys
import time
from urllib.parse import parse_qsl, quote, unquote
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import vendor_server  # noqa: E402
from aws_model import Model, Violation  # noqa: E402

DEFAULT_ID, DEFAULT_SECRET = "AKIALABORATORY000001", "lab/secret+access/key0123456789abcdefghij"
NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
ROLE_NAME = "lab-role"
SKEW_SECONDS = 300
BATCH_MAX = 1000


class Refusal(Exception):
    """An ErrorResponse, or with messages an InvalidChangeBatch."""

    def __init__(self, status, code, message, messages=()):
        super().__init__(message)
        self.status, self.code, self.message, self.messages = status, code, message, messages


def iso(when):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))


class Route53(vendor_server.Vendor):
    """AWS: Route 53, STS and metadata."""

    name = "AmazonRoute53"
    content_type = "text/xml"

    @staticmethod
    def add_options(parser):
        parser.add_argument("--key-id", default=DEFAULT_ID)
        parser.add_argument("--secret", default=DEFAULT_SECRET)
        parser.add_argument("--role", action="append", default=[], metavar="ARN[=EXTERNAL_ID]", help="may be taken on")
        parser.add_argument("--web-token", default="web-identity-token")
        parser.add_argument("--container-token", default="", help="that a container's request must carry")
        parser.add_argument("--session-seconds", type=int, default=3600, help="that temporary keys last")
        parser.add_argument("--clock-offset", type=int, default=0, help="seconds that AWS's clock is ahead")
        parser.add_argument("--region", default="us-east-1", help="that Route 53 requests must be signed for")

    def __init__(self, options):
        self.route53, self.sts = Model("route53.botocore.json"), Model("sts.botocore.json")
        self.roles = dict((role.split("=", 1) + [""])[:2] for role in options.role)
        self.clock_offset = options.clock_offset
        self.changes = {}
        super().__init__(options)

    def make_zone(self, text):
        """NAME[:private]; the same name may come twice."""
        name, _, kind = text.partition(":")
        number = len(getattr(self, "zone_list", ()))
        return {"id": "Z" + hashlib.md5(f"{text} {number}".encode()).hexdigest()[:19].upper(), "name": name.lower(),
                "private": kind == "private"}  # fmt: skip

    def is_served(self, zone):
        return not zone["private"]

    def reset(self):
        super().reset()
        self.sessions, self.tokens, self.changes = {}, set(), {}

    def lab_settings(self, told):
        super().lab_settings(told)
        if told.get("expire"):
            for session in self.sessions.values():
                session["expires"] = 0

    def credential(self, headers):
        return "sigv4" if headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256") else ""

    def answer_headers(self):
        return {"x-amzn-RequestId": secrets.token_hex(16)}

    def error(self, status, code, message):
        return (f'<?xml version="1.0"?>\n<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
                f"<Message>{escape(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>").encode()  # fmt: skip

    def error_of_fault(self, status, fault):
        codes = {400: "Throttling", 401: "UnrecognizedClientException", 403: "AccessDenied", 404: "NoSuchHostedZone",
                 422: "InvalidInput", 429: "Throttling"}  # fmt: skip
        code = fault.get("code", codes.get(status, "InternalFailure"))
        if code == "InvalidChangeBatch":
            return batch_error([fault.get("message", "it was not found")])
        return self.error(status, code, fault.get("message", "Rate exceeded"))

    def lab_add(self, zone, record):
        content = f'"{record["content"]}"' if record["type"] == "TXT" else record["content"]
        self.keep(zone["id"], record["name"], record["type"], [content], record.get("ttl", 300), record.get("set_identifier"))
        return {}

    # Requests.

    def work(self, request):
        try:
            if request.path.startswith(("/latest/", "/v2/credentials/")):
                return self.metadata(request)
            if request.path == "/" and request.method == "POST":
                return 200, self.work_sts(request), {}
            return 200, self.work_route53(request), {}
        except Refusal as refusal:
            if refusal.messages:
                return refusal.status, batch_error(refusal.messages), {}
            return refusal.status, self.error(refusal.status, refusal.code, refusal.message), {}
        except Violation as violation:
            return 400, self.error(400, "InvalidInput", str(violation)), {}
        except ParseError as problem:
            return 400, self.error(400, "MalformedXML", str(problem)), {}

    def authenticate(self, request, service, region):
        """The session or None, after the signature was computed anew."""
        match = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), "
            r"Signature=([0-9a-f]{64})", request.headers.get("Authorization", ""))  # fmt: skip
        if match is None:
            raise Refusal(403, "MissingAuthenticationToken", "Missing Authentication Token")
        key_id, day, scope_region, scope_service, signed, signature = match.groups()
        session = self.sessions.get(key_id)
        if key_id != self.options.key_id and session is None:
            raise Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if (scope_region, scope_service) != (region, service):
            raise Refusal(403, "SignatureDoesNotMatch", f"Credential should be scoped to {region}/{service}")
        date = request.headers.get("x-amz-date", "")
        self.check_signed_headers(request, signed.split(";"))
        token = request.headers.get("x-amz-security-token")
        if session and token != session["token"] or not session and token:
            raise Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        secret = session["secret"] if session else self.options.secret
        if not hmac.compare_digest(signature, sign(request, signed, date, day, region, service, secret)):
            raise Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature "
                          "you provided.")  # fmt: skip
        try:
            when = time.mktime(time.strptime(date + " GMT", "%Y%m%dT%H%M%SZ %Z")) - time.timezone
        except ValueError:
            raise Refusal(403, "IncompleteSignature", "Date must be in ISO-8601 'basic format'.") from None
        if not date.startswith(day) or abs(when - (time.time() + self.clock_offset)) > SKEW_SECONDS:
            raise Refusal(403, "SignatureDoesNotMatch", f"Signature expired: {date} is now earlier than the allowed time")
        if session and session["expires"] <= time.time():
            raise Refusal(403, "ExpiredToken", "The security token included in the request is expired")
        return session

    @staticmethod
    def check_signed_headers(request, signed):
        for name in [name.lower() for name in request.headers if name.lower().startswith("x-amz-")] + ["host"]:
            if name not in signed:
                raise Refusal(403, "SignatureDoesNotMatch", f"'{name}' must be a 'SignedHeader'")

    def session(self):
        number = secrets.token_hex(8).upper()
        session = {"id": "ASIA" + number, "secret": secrets.token_hex(20), "token": secrets.token_urlsafe(200) + "==",
                   "expires": time.time() + self.options.session_seconds}  # fmt: skip
        with self.lock:
            self.sessions[session["id"]] = session
        return session

    # STS.

    def work_sts(self, request):
        if request.content_type != "application/x-www-form-urlencoded":
            raise Refusal(400, "InvalidAction", "a form is wanted")
        form = dict(parse_qsl(request.text, keep_blank_values=True))
        if form.pop("Version", None) != "2011-06-15" or form.get("Action") not in self.sts.operations:
            raise Refusal(400, "InvalidAction", "Could not find operation")
        operation = self.sts.operations[form.pop("Action")]
        self.sts.check_form(operation, form)
        if operation["name"] == "AssumeRole":
            self.authenticate(request, "sts", self.options.region)
            if self.roles.get(form["RoleArn"], "") != form.get("ExternalId", ""):
                raise Refusal(403, "AccessDenied", f"not authorized to perform: sts:AssumeRole on {form['RoleArn']}")
        elif "Authorization" in request.headers:
            raise Refusal(400, "InvalidAction", "this is not signed")
        elif form.get("WebIdentityToken") != self.options.web_token:
            raise Refusal(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account")
        if form["RoleArn"] not in self.roles:
            raise Refusal(403, "AccessDenied", f"not authorized to perform: sts:AssumeRole on {form['RoleArn']}")
        session = self.session()
        return self.sts.answer_query(operation, {"Credentials": {
            "AccessKeyId": session["id"], "SecretAccessKey": session["secret"], "SessionToken": session["token"],
            "Expiration": iso(session["expires"])}})  # fmt: skip

    # Metadata.

    def metadata(self, request):
        plain, path = {"Content-Type": "text/plain"}, request.path
        base = "/latest/meta-data/iam/security-credentials/"
        if path.startswith("/v2/credentials/") and request.method == "GET":
            if request.headers.get("Authorization", "") != self.options.container_token:
                return 403, b'{"message":"bad authorization token"}', {"Content-Type": "application/json"}
            return 200, self.keys_json({}), {"Content-Type": "application/json"}
        if path == "/latest/api/token":
            if request.method != "PUT" or not request.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "").isdigit():
                return 400, b"", plain
            token = secrets.token_urlsafe(40)
            self.tokens.add(token)
            return 200, token.encode(), plain
        if request.headers.get("X-aws-ec2-metadata-token") not in self.tokens:
            return 401, b"", plain
        if path == base:
            return 200, ROLE_NAME.encode(), plain
        if path == base + ROLE_NAME:
            return 200, self.keys_json({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": iso(time.time())}), plain
        return 404, b"", plain

    def keys_json(self, more):
        session = self.session()
        return json.dumps({**more, "AccessKeyId": session["id"], "SecretAccessKey": session["secret"],
                           "Token": session["token"], "Expiration": iso(session["expires"])}).encode()  # fmt: skip

    # Route 53.

    def work_route53(self, request):
        self.authenticate(request, "route53", self.options.region)
        operation, uri = self.route53.operation_of(request.method, request.path)
        self.route53.check_parameters(operation, uri, request.query)
        name = operation["name"]
        if name == "ListHostedZonesByName":
            result = self.zones_by_name(request.query)
        elif name == "ListResourceRecordSets":
            result = self.list_sets(self.zone_of_id(uri["Id"]), request.query)
        elif name == "ChangeResourceRecordSets":
            body = self.route53.check_body(operation, request.raw)
            result = self.change(self.zone_of_id(uri["Id"]), body["ChangeBatch"]["Changes"])
        elif name == "GetChange":
            result = self.get_change(uri["Id"])
        else:
            raise Refusal(403, "AccessDenied", f"not authorized to perform: route53:{name}")
        return self.route53.answer(operation, result)

    def zone_of_id(self, zone_id):
        for zone in self.zone_list:
            if zone["id"] == zone_id:
                return zone
        raise Refusal(404, "NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}")

    def zones_by_name(self, query):
        """All zones in the order of their reversed labels, from DNSName on."""
        start, most = reversed_labels(query.get("dnsname", "")), int(query.get("maxitems", 100))
        found = sorted(self.zone_list, key=lambda zone: (reversed_labels(zone["name"]), zone["id"]))
        found = [zone for zone in found if reversed_labels(zone["name"]) >= start]
        result = {"HostedZones": [
            {"Id": "/hostedzone/" + zone["id"], "Name": zone["name"] + ".", "CallerReference": "lab",
             "Config": {"PrivateZone": zone["private"]}, "ResourceRecordSetCount": 2} for zone in found[:most]],
            "IsTruncated": len(found) > most, "MaxItems": str(most)}  # fmt: skip
        if "dnsname" in query:
            result["DNSName"] = query["dnsname"]
        if len(found) > most:
            result.update(NextDNSName=found[most]["name"] + ".", NextHostedZoneId=found[most]["id"])
        return result

    def sets_of(self, zone_id):
        """(reversed name, type, identifier) -> records, in the vendor's order."""
        sets = {}
        with self.lock:
            for record in self.kept:
                if record["zone"] == zone_id:
                    key = (reversed_labels(record["name"]), record["type"], record["set_identifier"] or "")
                    sets.setdefault(key, []).append(record)
        return dict(sorted(sets.items()))

    def list_sets(self, zone, query):
        start = (reversed_labels(query.get("name", "")), query.get("type", ""))
        most = int(query.get("maxitems", 300))
        found = [records for key, records in self.sets_of(zone["id"]).items() if key[:2] >= start]
        result = {"ResourceRecordSets": [set_form(records) for records in found[:most]], "IsTruncated": len(found) > most,
                  "MaxItems": str(most)}  # fmt: skip
        if len(found) > most:
            result.update(NextRecordName=found[most][0]["name"] + ".", NextRecordType=found[most][0]["type"])
        return result

    def change(self, zone, changes):
        """All of them or none."""
        if len(changes) > BATCH_MAX:
            raise Refusal(400, "InvalidChangeBatch", "", [f"number of records limit of {BATCH_MAX} exceeded"])
        with self.lock:
            before = list(self.kept)
            try:
                for change in changes:
                    self.apply(zone, change["Action"], change["ResourceRecordSet"])
            except Refusal:
                self.kept = before
                raise
            change_id = "C" + secrets.token_hex(7).upper()
            self.changes[change_id] = time.monotonic()
        return {"ChangeInfo": self.change_info(change_id)}

    def apply(self, zone, action, wanted):
        name, kind = unescape(wanted["Name"]).lower().rstrip("."), wanted["Type"]
        values = [record["Value"] for record in wanted.get("ResourceRecords", [])]
        told = f"[name='{wanted['Name']}', type='{kind}']"
        there = [r for r in self.kept if (r["zone"], r["name"], r["type"]) == (zone["id"], name, kind)]

        def invalid(message):
            return Refusal(400, "InvalidChangeBatch", "", [message])

        if name != zone["name"] and not name.endswith("." + zone["name"]):
            raise invalid(f"RRSet with DNS name {wanted['Name']} is not permitted in zone {zone['name']}.")
        if "TTL" not in wanted or not values:
            raise invalid(f"Invalid Resource Record: a plain record set needs TTL and ResourceRecords {told}")
        if len(set(values)) != len(values):
            raise invalid("Duplicate Resource Record: '" + values[0] + "'")
        if kind == "TXT" and not all(re.fullmatch(r'("([^"\\]|\\.){0,255}" ?)+', value) for value in values):
            raise invalid("Invalid Resource Record: 'FATAL problem: InvalidCharacterString'")
        if action == "DELETE":
            if not there:
                raise invalid(f"Tried to delete resource record set {told} but it was not found")
            if {r["content"] for r in there} != set(values) or there[0]["ttl"] != int(wanted["TTL"]):
                raise invalid(f"Tried to delete resource record set {told} but the values provided do not match the current values")
            self.kept = [r for r in self.kept if r not in there]
            return
        if any(r["set_identifier"] for r in there):
            raise invalid(f"RRSet {told} cannot be created as a non-weighted set exists with the same name and type")
        if any(r["name"] == name and r["zone"] == zone["id"] and r["type"] == "CNAME" for r in self.kept):
            raise invalid(f"RRSet of type {kind} with DNS name {wanted['Name']} is not permitted because a conflicting RRSet of "
                          "type CNAME with the same DNS name already exists in zone.")  # fmt: skip
        if there and action == "CREATE":
            raise invalid(f"Tried to create resource record set {told} but it already exists")
        self.kept = [r for r in self.kept if r not in there]
        self.keep(zone["id"], name, kind, values, int(wanted["TTL"]))

    def keep(self, zone_id, name, kind, values, ttl, set_identifier=None):
        now = time.monotonic()
        for value in values:
            self.kept.append({"zone": zone_id, "name": name, "type": kind, "content": value, "ttl": ttl,
                              "set_identifier": set_identifier, "born": now})  # fmt: skip

    def change_info(self, change_id):
        synced = time.monotonic() >= self.changes[change_id] + self.lag
        return {"Id": "/change/" + change_id, "Status": "INSYNC" if synced else "PENDING", "SubmittedAt": iso(time.time())}

    def get_change(self, change_id):
        if change_id not in self.changes:
            raise Refusal(404, "NoSuchChange", f"Could not find resource with ID: {change_id}")
        return {"ChangeInfo": self.change_info(change_id)}


def batch_error(messages):
    inner = "".join(f"<Message>{escape(message)}</Message>" for message in messages)
    return (f'<?xml version="1.0"?>\n<InvalidChangeBatch xmlns="{NAMESPACE}"><Messages>{inner}</Messages><RequestId>r</RequestId>'
            "</InvalidChangeBatch>").encode()  # fmt: skip


def set_form(records):
    first = records[0]
    form = {"Name": first["name"].replace("*", "\\052") + ".", "Type": first["type"], "TTL": first["ttl"],
            "ResourceRecords": [{"Value": record["content"]} for record in records]}  # fmt: skip
    if first["set_identifier"]:
        form.update(SetIdentifier=first["set_identifier"], Weight=10)
    return form


def unescape(name):
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), name)


def reversed_labels(name):
    return tuple(reversed(unescape(name).lower().rstrip(".").split("."))) if name else ()


def sign(request, signed, date, day, region, service, secret):
    """The signature, from the specification and not from the code under test."""
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~"))
                   for k, v in parse_qsl(request.query_text, keep_blank_values=True))  # fmt: skip
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed.split(";"))
    canonical = "\n".join([
        request.method, quote(quote(unquote(request.path), safe="/-_.~"), safe="/-_.~"), "&".join(f"{k}={v}" for k, v in pairs),
        headers, signed, hashlib.sha256(request.raw).hexdigest()])  # fmt: skip
    text = "\n".join(["AWS4-HMAC-SHA256", date, f"{day}/{region}/{service}/aws4_request",
                      hashlib.sha256(canonical.encode()).hexdigest()])  # fmt: skip
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


if __name__ == "__main__":
    vendor_server.main(Route53, sys.argv[1:])
