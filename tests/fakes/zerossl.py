# SPDX-License-Identifier: Apache-2.0
"""A stand-in for ZeroSSL: its name, port and directory path in front of a Pebble that wants external accounts, and the
web service that gives credentials for an e-mail address. Strict about the form that it is sent.
"""

import http.client
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

DIRECTORY = "/v2/DV90"
LOOK_UP = "/acme/eab-credentials-email"
DROPPED = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


class FrontDoor(ThreadingHTTPServer):
    """https://NAME/ at ADDRESS, port 443, with the certificate in FOLDER; all requests go on to the Pebble CA."""

    daemon_threads = True

    def __init__(self, address, certificate, key, ca, directory=DIRECTORY):
        super().__init__((address, 443), FrontDoorHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.ca, self.directory = ca, directory
        threading.Thread(target=self.serve_forever, daemon=True).start()


class FrontDoorHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = "/dir" if self.path == self.server.directory else self.path
        ca = self.server.ca
        link = http.client.HTTPSConnection("127.0.0.1", ca.port, context=ssl.create_default_context(cafile=ca.ca_bundle))
        # The name that the client knows stays in all URLs that Pebble makes.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in DROPPED}
        link.request(self.command, path, body, headers)
        answer = link.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in DROPPED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        link.close()

    do_GET = do_HEAD = do_POST = forward

    def log_message(self, *_):
        pass


class LookUp(ThreadingHTTPServer):
    """The web service, over plain HTTP on loopback. `answer` replaces what it would say, (status, text)."""

    daemon_threads = True

    def __init__(self, credentials):
        super().__init__(("127.0.0.1", 0), LookUpHandler)
        self.credentials, self.asked, self.problems, self.answer = credentials, [], [], None
        self.url = f"http://127.0.0.1:{self.server_address[1]}{LOOK_UP}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class LookUpHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server, text = self.server, self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = parse_qs(text, strict_parsing=True, keep_blank_values=True)
        if self.path != LOOK_UP:
            server.problems.append(f"path {self.path}")
        if self.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            server.problems.append(f"Content-Type {self.headers.get('Content-Type')}")
        if list(form) != ["email"] or len(form["email"]) != 1 or "@" not in form["email"][0]:
            server.problems.append(f"form {text}")
        if not self.headers.get("User-Agent", "").startswith("certferry/"):
            server.problems.append(f"User-Agent {self.headers.get('User-Agent')}")
        server.asked += form.get("email", [])
        kid, key = server.credentials
        status, body = server.answer or (200, json.dumps({"success": True, "eab_kid": kid, "eab_hmac_key": key}))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass
