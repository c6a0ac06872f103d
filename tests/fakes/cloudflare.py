#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Cloudflare's API v4: keeps TXT records, checks each request as Cloudflare does, misbehaves when told to,
and answers its records over real DNS.

Started as a program it prints one line, "ready {JSON}", with its ports, and runs until it is killed or its standard
input, where that is a pipe, is closed. Below /__lab/ it is told what to do and asked what it saw:

    GET  /__lab/requests        every API request so far: method, path, query, body, kind of credential, status
    GET  /__lab/records         every record
    POST /__lab/records         {"zone", "type", "name", "content"}: a record that somebody else made
    POST /__lab/faults          one fault, or a list (see FAULT_KINDS)
    POST /__lab/settings        {"lag": seconds until a new record shows in DNS}
    POST /__lab/reset           no faults, no requests, no records but those of the start
"""

import argparse
import hashlib
import html
import json
import os
import re
import secrets
import signal
import stat
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_server  # noqa: E402

DEFAULT_TOKEN = "lab-token-0123456789abcdefghijklmnopqrst"
DEFAULT_EMAIL = "admin@ferry.test"
DEFAULT_KEY = "0123456789abcdef0123456789abcdef01234"  # a global key has 37 hexadecimal digits

# What a fault does to the requests it matches. Each fault: {"kind", "method", "path" (a regular expression), "skip",
# "count", "status", "retry_after", "seconds", "code", "message", "body"}.
FAULT_KINDS = {
    "status": "answer an error envelope with this status (and Retry-After), and do nothing",
    "html": "answer an HTML page with this status, and do nothing",
    "truncate": "do the work, announce the whole body and send half of it",
    "hang": "do nothing and answer nothing for some seconds",
    "slow": "do the work and send the body byte by byte over some seconds",
    "lost": "do the work and close the connection without an answer",
    "reset": "close the connection and do nothing",
    "body": "answer this body with this status, and do nothing",
}

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


class Cloud(dns_server.Zones):
    """The vendor's state: zones, records, credentials, faults."""

    def __init__(self, options):
        self.lock = threading.RLock()
        self.hosts = dict(pair.split("=", 1) for pair in options.host)
        self.everything = options.everything
        self.missing = {name.lower() for name in options.missing}
        # Token -> what it may: see zones, edit records.
        self.tokens = {options.token: {"zones", "records"}}
        self.tokens.update({token: {"zones"} for token in options.zone_token})
        self.tokens.update({token: {"records"} for token in options.dns_token})
        self.global_key = (options.email, options.key)
        self.zone_list = [self.make_zone(text) for text in options.zone]
        for i in range(options.fillers):
            self.zone_list.append(self.make_zone(f"filler-{i:03d}.test"))
        self.reset()

    @staticmethod
    def make_zone(text):
        """NAME[:STATUS[:TYPE]]"""
        name, status, kind = (text + "::").split(":")[:3]
        return {
            "id": identifier("zone " + text), "name": name.lower(), "status": status or "active",
            "type": kind or "full", "paused": False, "account": {"id": identifier("account"), "name": "Laboratory"},
        }  # fmt: skip

    def reset(self):
        with self.lock:
            self.kept, self.requests, self.faults, self.lag = [], [], [], 0.0

    # What DNS answers.

    def zones(self):
        return [zone["name"] for zone in self.zone_list if zone["status"] == "active"]

    def records(self, name):
        with self.lock:
            found = [
                (r["type"], 120 if r["ttl"] == 1 else r["ttl"], r["content"], r["born"] + self.lag)
                for r in self.kept
                if r["name"] == name
            ]
        if name in self.hosts:
            found.append(("A", 60, self.hosts[name], 0))
        elif self.everything and not name.startswith("_") and name not in self.missing and not found:
            found.append(("A", 60, self.everything, 0))
        return found

    def exists_below(self, name):
        with self.lock:
            below = [r["name"] for r in self.kept] + list(self.hosts) + list(self.name_servers)
        return any(other.endswith("." + name) for other in below)

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
        return page_of([shown(r) for r in found], query, per_page=100, at_least=1, at_most=5000000)

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
                "proxiable": False, "comment": body.get("comment"), "tags": body.get("tags", []), "settings": {},
                "meta": {}, "created_on": now_text(), "modified_on": now_text(), "born": time.monotonic(),
            }  # fmt: skip
            self.kept.append(record)
        return shown(record)

    def delete_record(self, zone_id, record_id):
        zone = self.visible_zone(zone_id)
        with self.lock:
            for record in self.kept:
                if record["id"] == record_id and record["zone_id"] == zone["id"]:
                    self.kept.remove(record)
                    return {"id": record_id}
        raise Refusal(404, 81044, "Record does not exist.")

    # Credentials and faults.

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

    def fault_for(self, method, path):
        with self.lock:
            for fault in self.faults:
                if fault.get("method", method) != method or not re.search(fault.get("path", ""), path):
                    continue
                if fault.get("skip", 0) > 0:
                    fault["skip"] -= 1
                    continue
                fault["count"] = fault.get("count", 1) - 1
                if fault["count"] <= 0:
                    self.faults.remove(fault)
                return dict(fault)
        return None


def shown(record):
    return {key: value for key, value in record.items() if key != "born"}


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
    if body.get("type") not in ("TXT", "A", "AAAA", "CNAME"):
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


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "cloudflare", ""
    timeout = 120

    def log_message(self, *args):
        pass

    def do_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        if parts.path.startswith("/__lab/"):
            return self.laboratory(parts.path[len("/__lab/") :])
        return self.api(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_any

    # The API.

    def api(self, path, query):
        cloud, fault = self.server.cloud, self.server.cloud.fault_for(self.command, self.path)
        kind = fault["kind"] if fault else None
        entry = {
            "method": self.command, "path": path, "query": query, "fault": kind,
            "body": self.raw.decode("utf-8", "replace"),
            "credential": "token" if "Authorization" in self.headers else "key" if "X-Auth-Key" in self.headers else "",
        }  # fmt: skip
        if kind in ("hang", "reset", "status", "html", "body"):
            status, answer, extra = self.misbehave(kind, fault)
        else:
            status, answer, extra = self.work(path, query)
        entry["status"] = status
        with cloud.lock:
            cloud.requests.append(entry)
        self.server.log(f"{self.command} {self.path} -> {status}" + (f" [{kind}]" if kind else ""))
        if kind in ("lost", "reset", "hang"):
            self.close_connection = True
            return
        self.answer(status, answer, extra, kind, fault)

    def misbehave(self, kind, fault):
        status = fault.get("status", 429 if kind == "status" else 502)
        extra = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
        if kind == "hang":
            self.server.stopping.wait(fault.get("seconds", 60))
        if kind == "html":
            page = f"<!DOCTYPE html><html><title>{status}</title><body><h1>Error {html.escape(str(status))}</h1>"
            return status, page.encode(), {**extra, "Content-Type": "text/html; charset=UTF-8"}
        if kind == "body":
            return fault.get("status", 200), fault.get("body", "").encode(), extra
        throttled = {"code": fault.get("code", 10429), "message": fault.get("message", "More than 1200 requests per 300 seconds")}
        return status, envelope(None, [throttled]), extra

    def work(self, path, query):
        """Do what was asked: (HTTP status, body, more headers)."""
        try:
            may = self.server.cloud.authenticate(self.headers)
            result, info = self.route(path, query, may)
            return 200, envelope(result, info=info), {}
        except Refusal as refusal:
            return refusal.status, envelope(None, [refusal.error]), {}

    def route(self, path, query, may):
        cloud, prefix = self.server.cloud, self.server.prefix
        tail = path[len(prefix) :] if path.startswith(prefix) else ""
        words = tail.strip("/").split("/")
        if words == ["zones"] and self.command == "GET":
            # A token without Zone:Read sees an empty list, not an error.
            return cloud.list_zones(query) if "zones" in may else page_of([], query, 20, 5, 50)
        if len(words) in (3, 4) and words[0] == "zones" and words[2] == "dns_records":
            if "records" not in may:
                raise Refusal(403, 10000, "Authentication error")
            return self.route_records(words[1], words[3:], query)
        raise Refusal(404, 7003, f"Could not route to {tail or path}, perhaps your object identifier is invalid?",
                      (7000, "No route for that URI"))  # fmt: skip

    def route_records(self, zone_id, rest, query):
        cloud = self.server.cloud
        if not rest and self.command == "GET":
            return cloud.list_records(zone_id, query)
        if not rest and self.command == "POST":
            return cloud.create_record(zone_id, self.json_body()), None
        if rest and self.command == "DELETE":
            if self.raw:
                raise Refusal(400, 9207, "Request body is invalid.")
            return cloud.delete_record(zone_id, rest[0]), None
        raise Refusal(405, 10405, "Method not allowed for this authentication scheme")

    def json_body(self):
        if self.headers.get("Content-Type", "").split(";")[0].strip().lower() != "application/json":
            raise Refusal(400, 9207, "Content-type must be application/json.")
        try:
            return json.loads(self.raw)
        except ValueError:
            raise Refusal(400, 6007, "Malformed JSON in request body") from None

    # Answers.

    def answer(self, status, body, extra, kind=None, fault=None):
        headers = {"Content-Type": "application/json", "cf-ray": secrets.token_hex(8) + "-LAB",
                   "Ratelimit": '"default";r=1199;t=300', **extra}  # fmt: skip
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind == "truncate":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif kind == "slow":
            pause = fault.get("seconds", 2) / max(1, len(body))
            for i in range(len(body)):
                self.wfile.write(body[i : i + 1])
                self.wfile.flush()
                time.sleep(pause)
        elif self.command != "HEAD":
            self.wfile.write(body)

    def laboratory(self, what):
        cloud = self.server.cloud
        told = json.loads(self.raw) if self.raw else None
        result = {}
        with cloud.lock:
            if (self.command, what) == ("GET", "requests"):
                result = cloud.requests
            elif (self.command, what) == ("GET", "records"):
                result = [shown(record) for record in cloud.kept]
            elif (self.command, what) == ("POST", "records"):
                zone = next(zone for zone in cloud.zone_list if zone["name"] == told.pop("zone"))
                result = cloud.create_record(zone["id"], told)
            elif (self.command, what) == ("POST", "faults"):
                told = told if isinstance(told, list) else [told]
                assert all(fault["kind"] in FAULT_KINDS for fault in told), "unknown kind of fault"
                cloud.faults += told
            elif (self.command, what) == ("POST", "settings"):
                cloud.lag = float(told["lag"])
            elif (self.command, what) == ("POST", "reset"):
                cloud.reset()
            else:
                return self.answer(404, b"{}", {})
        return self.answer(200, json.dumps(result).encode(), {})


def envelope(result, errors=(), info=None):
    document = {"success": not errors, "errors": list(errors), "messages": [], "result": result}
    if info is not None:
        document["result_info"] = info
    return json.dumps(document).encode()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def parse_options(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="of the API (0: any)")
    parser.add_argument("--dns-port", type=int, default=0, help="of DNS on 127.0.0.1 (0: any)")
    parser.add_argument("--prefix", default="/client/v4", help="path before /zones")
    parser.add_argument("--zone", action="append", default=[], help="NAME[:STATUS[:TYPE]], repeatable")
    parser.add_argument("--fillers", type=int, default=0, help="zones filler-NNN.test, to make several pages")
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="may see zones and edit records")
    parser.add_argument("--zone-token", action="append", default=[], help="may only see zones")
    parser.add_argument("--dns-token", action="append", default=[], help="may only edit records")
    parser.add_argument("--email", default=DEFAULT_EMAIL)
    parser.add_argument("--key", default=DEFAULT_KEY, help="the global key of --email")
    parser.add_argument("--everything", metavar="ADDR", help="the address of every name in the zones")
    parser.add_argument("--missing", action="append", default=[], help="but not of this name")
    parser.add_argument("--host", action="append", default=[], metavar="NAME=ADDR")
    parser.add_argument("--name-server", action="append", default=[], metavar="ADDR[:LAG]",
                        help="bind ADDR port 53 too (as root) and publish it as NS of the zones")  # fmt: skip
    parser.add_argument("--log", help="file for one line per request (default: none)")
    options = parser.parse_args(argv)
    options.zone = options.zone or ["ferry.test"]
    return options


def watch_input(stopping):
    """Whoever started us holds the other end of the pipe: when it is gone, so are we."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        while os.read(0, 4096):
            pass
        stopping.set()


def main(argv):
    options = parse_options(argv)
    cloud, stopping = Cloud(options), threading.Event()
    sink = open(options.log, "a", buffering=1, encoding="utf-8") if options.log else None

    def log(line):
        if sink:
            print(time.strftime("%H:%M:%S"), line, file=sink)

    ready = {"pid": os.getpid(), "zones": {zone["name"]: zone["id"] for zone in cloud.zone_list}, "name_servers": []}
    for number, text in enumerate(options.name_server, start=1):
        address, _, lag = text.partition(":")
        try:
            dns_server.serve(cloud, address, 53, resolver=False, log=log, lag=float(lag or 0))
        except OSError as problem:
            log(f"no name server at {address}: {problem}")
            continue
        cloud.name_servers = {**cloud.name_servers, f"ns{number}.{options.zone[0]}": address}
        ready["name_servers"].append(address)
    ready["dns_port"] = dns_server.serve(cloud, "127.0.0.1", options.dns_port, resolver=True, log=log)
    server = Server(("127.0.0.1", options.port), Handler)
    server.cloud, server.prefix, server.log, server.stopping = cloud, options.prefix, log, stopping
    ready["port"] = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=watch_input, args=(stopping,), daemon=True).start()
    print("ready", json.dumps(ready), flush=True)
    stopping.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
