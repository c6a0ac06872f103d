# SPDX-License-Identifier: Apache-2.0
"""What every stand-in of a DNS vendor has: HTTP, faults on command, a memory of the requests, records that are answered
over real DNS, and the laboratory's own door. A vendor is a subclass of Vendor and main(TheVendor).

Started as a program a stand-in prints one line, "ready {JSON}", with its ports, and runs until it is killed or its
standard input, where that is a pipe, is closed. Below /__lab/ it is told what to do and asked what it saw:

    GET  /__lab/requests        every API request so far: method, path, query, body, kind of credential, status,
                                when it came and when its answer was ready
    GET  /__lab/records         every record
    POST /__lab/records         {"zone", "type", "name", "content"}, or a list: records that somebody else made long ago
    POST /__lab/faults          one fault, or a list (see FAULT_KINDS); an empty list ends all faults
    GET  /__lab/at-once         the most requests that were at work side by side
    POST /__lab/settings        {"lag": seconds until a new record shows in DNS, "delay": seconds of each answer}
    POST /__lab/reset           no faults, no requests, no records but those of the start

and whatever a vendor's lab_more() has.
"""

import argparse
import json
import os
import re
import signal
import stat
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_server  # noqa: E402

# What a fault does to the requests it matches. Each fault: {"kind", "method", "path" (a regular expression), "skip",
# "count", "status", "retry_after", "seconds", "code", "message", "body", "headers"}.
FAULT_KINDS = {
    "status": "answer the vendor's error with this status (and Retry-After), and do nothing",
    "html": "answer an HTML page with this status, and do nothing",
    "truncate": "do the work, announce the whole body and send half of it",
    "hang": "do nothing and answer nothing for some seconds",
    "late": "do the work after some seconds, whether or not anybody still waits for it",
    "slow": "do the work and send the body byte by byte over some seconds",
    "lost": "do the work and close the connection without an answer",
    "reset": "close the connection and do nothing",
    "body": "answer this body with this status, and do nothing",
}


class Request:
    """One request to the API."""

    def __init__(self, method, path, query_text, headers, raw):
        self.method, self.path, self.headers, self.raw = method, path, headers, raw
        self.query_text = query_text
        self.query = dict(parse_qsl(query_text, keep_blank_values=True))

    @property
    def content_type(self):
        return self.headers.get("Content-Type", "").split(";")[0].strip().lower()

    @property
    def text(self):
        return self.raw.decode("utf-8", "replace")


class Vendor(dns_server.Zones):
    """The vendor's state: zones, records, faults. A subclass is the API."""

    name = "vendor"  # the Server header
    content_type = "application/json"  # of its answers
    url = None  # of the stand-in, once it listens
    default_zones = ["ferry.test"]
    clock_offset = 0  # seconds that its Date is ahead

    def __init__(self, options):
        self.lock = threading.RLock()
        self.at_work = 0  # requests
        self.options = options
        self.hosts = dict(pair.split("=", 1) for pair in options.host)
        self.everything = options.everything
        self.missing = {name.lower() for name in options.missing}
        self.zone_list = [self.make_zone(text) for text in options.zone]
        for i in range(options.fillers):
            self.zone_list.append(self.make_zone(f"filler-{i:03d}.test"))
        self.reset()

    # What a vendor defines.

    @staticmethod
    def add_options(parser):
        """Its own options beside the common ones."""

    def make_zone(self, text):
        """A zone from --zone's TEXT, at least {"id", "name"}."""
        return {"id": text, "name": text.lower()}

    def is_served(self, zone):
        """Whether DNS answers for ZONE."""
        return True

    def work(self, request):
        """Do what was asked: (HTTP status, body as bytes, more headers)."""
        raise NotImplementedError

    def error(self, status, code, message):
        """The body of an error, for faults."""
        raise NotImplementedError

    def error_of_fault(self, status, fault):
        return self.error(status, fault.get("code"), fault.get("message", "as the laboratory wishes"))

    def credential(self, headers):
        """What kind of credential a request has, for the memory: never the credential itself."""
        return "token" if "Authorization" in headers else ""

    def answer_headers(self):
        return {}

    def lab_add(self, zone, record):
        """A record {"type", "name", "content"} that somebody else made in ZONE."""
        raise NotImplementedError

    def lab_settings(self, told):
        self.lag = float(told.get("lag", self.lag))
        self.delay = float(told.get("delay", self.delay))

    def lab_more(self, method, what, told):
        """The answer to a request at the laboratory's door that is none of the common ones; None: there is none."""

    def shown(self, record):
        return {key: value for key, value in record.items() if key != "born"}

    # What all have.

    def reset(self):
        with self.lock:
            self.kept, self.requests, self.faults, self.lag = [], [], [], 0.0
            self.delay, self.most_at_once = 0.0, 0

    def zones(self):
        return [zone["name"] for zone in self.zone_list if self.is_served(zone)]

    def records(self, name):
        with self.lock:
            found = [(r["type"], r["ttl"], r["content"], r["born"] + self.lag) for r in self.kept if r["name"] == name]
        if name in self.hosts:
            found.append(("A", 60, self.hosts[name], 0))
        elif self.everything and not name.startswith("_") and name not in self.missing and not found:
            found.append(("A", 60, self.everything, 0))
        return found

    def exists_below(self, name):
        with self.lock:
            below = [r["name"] for r in self.kept] + list(self.hosts) + list(self.name_servers)
        return any(other.endswith("." + name) for other in below)

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


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sys_version = ""
    timeout = 120
    disable_nagle_algorithm = True  # head and body are written apart

    def log_message(self, *args):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(timestamp or time.time() + self.server.vendor.clock_offset)

    def do_any(self):
        self.server_version = self.server.vendor.name
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        if parts.path.startswith("/__lab/"):
            return self.laboratory(parts.path[len("/__lab/") :])
        return self.api(Request(self.command, parts.path, parts.query, self.headers, self.raw))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_any

    def api(self, request):
        vendor = self.server.vendor
        begin = time.monotonic()
        with vendor.lock:
            vendor.at_work += 1
            vendor.most_at_once = max(vendor.most_at_once, vendor.at_work)
        self.server.stopping.wait(vendor.delay)
        fault = vendor.fault_for(self.command, self.path)
        kind = fault["kind"] if fault else None
        entry = {
            "method": self.command, "path": request.path, "query": request.query, "fault": kind,
            "body": request.text, "credential": vendor.credential(self.headers),
        }  # fmt: skip
        if kind in ("hang", "reset", "status", "html", "body"):
            status, answer, extra = self.misbehave(kind, fault)
        else:
            if kind == "late":
                self.server.stopping.wait(fault.get("seconds", 1))
            status, answer, extra = vendor.work(request)
        entry.update(status=status, begin=begin, end=time.monotonic())
        with vendor.lock:
            vendor.requests.append(entry)
            vendor.at_work -= 1  # before the answer, upon which the client may send the next one
        self.server.log(f"{self.command} {self.path} -> {status}" + (f" [{kind}]" if kind else ""))
        if kind in ("lost", "reset", "hang"):
            self.close_connection = True
            return
        self.answer(status, answer, extra, kind, fault)

    def misbehave(self, kind, fault):
        status = fault.get("status", 429 if kind == "status" else 502)
        extra = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
        extra.update(fault.get("headers", {}))
        if kind == "hang":
            self.server.stopping.wait(fault.get("seconds", 60))
        if kind == "html":
            page = f"<!DOCTYPE html><html><title>{int(status)}</title><body><h1>Error {int(status)}</h1>"
            return status, page.encode(), {**extra, "Content-Type": "text/html; charset=UTF-8"}
        if kind == "body":
            return fault.get("status", 200), fault.get("body", "").encode(), extra
        return status, self.server.vendor.error_of_fault(status, fault), extra

    def answer(self, status, body, extra, kind=None, fault=None):
        headers = {"Content-Type": self.server.vendor.content_type, **self.server.vendor.answer_headers(), **extra}
        self.send_response(status)
        for name, value in headers.items():
            if status != 204 or name != "Content-Type":
                self.send_header(name, value)
        if status != 204:
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
        elif self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def laboratory(self, what):
        vendor = self.server.vendor
        told = json.loads(self.raw) if self.raw else None
        result = {}
        with vendor.lock:
            if (self.command, what) == ("GET", "requests"):
                result = vendor.requests
            elif (self.command, what) == ("GET", "at-once"):
                result = vendor.most_at_once
            elif (self.command, what) == ("GET", "records"):
                result = [vendor.shown(record) for record in vendor.kept]
            elif (self.command, what) == ("POST", "records"):
                for record in told if isinstance(told, list) else [told]:
                    apex = record.pop("zone")
                    there = len(vendor.kept)
                    result = vendor.lab_add(next(zone for zone in vendor.zone_list if zone["name"] == apex), record)
                    for made in vendor.kept[there:]:
                        made["born"] = 0
            elif (self.command, what) == ("POST", "faults"):
                told = told if isinstance(told, list) else [told]
                assert all(fault["kind"] in FAULT_KINDS for fault in told), "unknown kind of fault"
                vendor.faults = vendor.faults + told if told else []
            elif (self.command, what) == ("POST", "settings"):
                vendor.lab_settings(told)
            elif (self.command, what) == ("POST", "reset"):
                vendor.reset()
            elif (result := vendor.lab_more(self.command, what, told)) is None:
                return self.answer(404, b"{}", {})
        return self.answer(200, json.dumps(result).encode(), {"Content-Type": "application/json"})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def parse_options(kind, argv):
    parser = argparse.ArgumentParser(description=kind.__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="of the API (0: any)")
    parser.add_argument("--dns-port", type=int, default=0, help="of DNS on 127.0.0.1 (0: any)")
    parser.add_argument("--zone", action="append", default=[], help="NAME with the vendor's details, repeatable")
    parser.add_argument("--fillers", type=int, default=0, help="zones filler-NNN.test, to make several pages")
    parser.add_argument("--everything", metavar="ADDR", help="the address of every name in the zones")
    parser.add_argument("--missing", action="append", default=[], help="but not of this name")
    parser.add_argument("--host", action="append", default=[], metavar="NAME=ADDR")
    parser.add_argument("--name-server", action="append", default=[], metavar="ADDR[:LAG]",
                        help="bind ADDR port 53 too (as root) and publish it as NS of the zones")  # fmt: skip
    parser.add_argument("--log", help="file for one line per request (default: none)")
    kind.add_options(parser)
    options = parser.parse_args(argv)
    options.zone = options.zone or kind.default_zones
    return options


def watch_input(stopping):
    """Whoever started us holds the other end of the pipe: when it is gone, so are we."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        while os.read(0, 4096):
            pass
        stopping.set()


def main(kind, argv):
    options = parse_options(kind, argv)
    vendor, stopping = kind(options), threading.Event()
    sink = open(options.log, "a", buffering=1, encoding="utf-8") if options.log else None

    def log(line):
        if sink:
            print(time.strftime("%H:%M:%S"), line, file=sink)

    ready = {"pid": os.getpid(), "zones": {zone["name"]: zone["id"] for zone in vendor.zone_list}, "name_servers": []}
    for number, text in enumerate(options.name_server, start=1):
        address, _, lag = text.partition(":")
        try:
            dns_server.serve(vendor, address, 53, resolver=False, log=log, lag=float(lag or 0))
        except OSError as problem:
            log(f"no name server at {address}: {problem}")
            continue
        vendor.name_servers = {**vendor.name_servers, f"ns{number}.{vendor.zone_list[0]['name']}": address}
        ready["name_servers"].append(address)
    ready["dns_port"] = dns_server.serve(vendor, "127.0.0.1", options.dns_port, resolver=True, log=log)
    server = Server(("127.0.0.1", options.port), Handler)
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    server.vendor, server.log, server.stopping = vendor, log, stopping
    ready["port"] = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not here: the thread that is interrupted may hold the lock of the very event.
        signal.signal(number, lambda *_: threading.Thread(target=stopping.set).start())
    threading.Thread(target=watch_input, args=(stopping,), daemon=True).start()
    print("ready", json.dumps(ready), flush=True)
    stopping.wait()
