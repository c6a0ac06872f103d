# SPDX-License-Identifier: Apache-2.0
"""How the scripted ACME server misbehaves: a fault is which step, which occurrence of it, and what happens instead.

    Fault("finalize", refuse=(400, "badCSR", "no"))            every finalize is refused, and nothing is done
    Fault("finalize", skip=1, times=2, refuse=...)             the second and third
    Fault("order", json={"status": "processing", "x": GONE})   done as it should be, then members are changed
    Fault("order", headers={"Retry-After": "1000000000"})      the same for headers: None takes one away, a list is several
    Fault("certificate", body=text)                            done, but this body
    Fault("new-order", edit=lambda answer, request: ...)       done, then anything
    Fault("authorization", wire="half-body")                   done, but this is what comes over the connection
    Fault("connect", wire="silence")                           before any request, even before the TLS handshake

What the wire can do: silence, half-header, half-body (and then silence), truncate (half a body, then closed), close,
reset, garbage (no HTTP), drip and drip-header (a byte now and then, for ever), endless (a chunked body without end),
endless-header, and bomb (the body, announced by no length, with the connection closed at its end).
"""

import json
import os
import select
import socket
import struct
from dataclasses import dataclass, field

GONE = object()  # a member of a JSON body that is taken away
DRIP_SECONDS = 0.05

STATUS_TEXT = {200: "OK", 201: "Created", 204: "No Content", 307: "Temporary Redirect", 308: "Permanent Redirect"}


@dataclass
class Answer:
    """What the server is about to say. BODY: an object becomes JSON; str or bytes are sent as they are; None is empty."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    body: object = None

    def encoded(self):
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    def head(self, length):
        lines = [f"HTTP/1.1 {self.status} {STATUS_TEXT.get(self.status, 'Error')}"]
        for name, value in self.headers.items():
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    lines.append(f"{name}: {one}")
        if length is not None and self.status != 204 and "Content-Length" not in self.headers:
            lines.append(f"Content-Length: {length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def problem(status, kind, detail, **more):
    """A problem document as an Answer; KIND without the prefix, or a whole URI."""
    uri = kind if ":" in kind or not kind else f"urn:ietf:params:acme:error:{kind}"
    body = {"type": uri, "detail": detail, "status": status, **more}
    return Answer(status, {"Content-Type": "application/problem+json"}, body)


@dataclass
class Fault:
    step: str
    skip: int = 0
    times: int = None
    refuse: tuple = None
    answer: Answer = None
    edit: object = None
    json: dict = None
    headers: dict = None
    status: int = None
    body: object = None
    wire: str = None
    seen: int = 0
    used: int = 0

    def applies(self, step):
        if step != self.step:
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.seen > self.skip + self.times):
            return False
        self.used += 1
        return True

    def instead(self):
        """The answer that is given without doing anything, or None."""
        if self.refuse:
            return problem(*self.refuse)
        return Answer(self.answer.status, dict(self.answer.headers), self.answer.body) if self.answer else None

    def change(self, answer, request):
        if self.json is not None:
            for name, value in self.json.items():
                if value is GONE:
                    answer.body.pop(name, None)
                else:
                    answer.body[name] = value
        if self.headers is not None:
            answer.headers.update(self.headers)
        if self.status is not None:
            answer.status = self.status
        if self.body is not None:
            answer.body = self.body
        if self.edit is not None:
            self.edit(answer, request)


# ---- What comes over the wire ----


class Wire:
    """One connection to a client. STOPPING is an event after which nothing waits any more."""

    def __init__(self, connection, stopping):
        self.connection, self.stopping = connection, stopping

    def send(self, answer, how, with_body=True):
        """Whether the connection can be used for another request."""
        body = answer.encoded() if with_body else b""
        if how is None:
            self.connection.sendall(answer.head(len(answer.encoded())) + body)
            return True
        getattr(self, how.replace("-", "_"))(answer, body)
        return False

    def silence(self, _answer=None, _body=None):
        """Until the other side has had enough."""
        while not self.stopping.is_set():
            if select.select([self.connection], [], [], 0.1)[0]:
                try:
                    if not self.connection.recv(1024):
                        return
                except OSError:
                    return

    def close(self, _answer=None, _body=None):
        pass

    def reset(self, _answer=None, _body=None):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def garbage(self, _answer, _body):
        self.connection.sendall(b"\x00\x01\x02 this is no HTTP \xff\xfe\r\n" * 4)

    def half_header(self, answer, body):
        head = answer.head(len(body))
        self.connection.sendall(head[: len(head) // 2])
        self.silence()

    def half_body(self, answer, body):
        self.truncate(answer, body)
        self.silence()

    def truncate(self, answer, body):
        body = body or b"x" * 64
        self.connection.sendall(answer.head(len(body)) + body[: len(body) // 2])

    def bomb(self, answer, body):
        answer.headers["Connection"] = "close"
        self.pour(answer.head(None), iter([body]))

    def endless(self, answer, _body):
        answer.headers["Transfer-Encoding"] = "chunked"
        chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
        self.pour(answer.head(None), iter(lambda: chunk, None))

    def endless_header(self, answer, _body):
        head = answer.head(None)[:-2]
        self.pour(head, (f"X-More-{number}: {'x' * 512}\r\n".encode() for number in iter(int, 1)))

    def drip(self, answer, body):
        self.slowly(answer.head(len(body) + 100000), b" ")

    def drip_header(self, answer, _body):
        self.slowly(answer.head(None)[:-2] + b"X-Slow: ", b"x")

    def pour(self, head, pieces):
        try:
            self.connection.sendall(head)
            for piece in pieces:
                if self.stopping.is_set():
                    return
                self.connection.sendall(piece)
        except OSError:
            pass  # the other side has had enough

    def slowly(self, head, byte):
        try:
            self.connection.sendall(head)
            while not self.stopping.wait(DRIP_SECONDS):
                self.connection.sendall(byte)
        except OSError:
            pass
