# SPDX-License-Identifier: Apache-2.0
"""A scripted ACME server: over HTTPS, with real state and real signatures. As it comes it does what RFC 8555 says and
checks strictly what it is sent; told so by a Fault (acme_faults.py), it misbehaves.

    server = AcmeServer(folder)
    server.start()
    ... "provider": {"url": server.url, "ca_bundle": str(server.ca_bundle)} ...
    server.cue(Fault("finalize", refuse=(500, "serverInternal", "try later")))
    server.requests          every request: (step, method, path, payload)
    server.violations        what a client did that it must not: empty, or the client is wrong
    server.reset()           no faults, nothing counted; accounts and certificates stay

Validations are believed as soon as the client answers a challenge, unless VALIDATE is given: a function of (identifier,
challenge, key authorization) that returns None or the problem (status, type, detail) to fail with.

Its parts as attributes, to be changed at will: meta (of the directory), eab (key id -> base64url MAC key: accounts then
need one), challenge_types, retry_after (seconds, for orders and authorizations), polls (how often an order is seen
"processing"), window (of renewalInfo: start and end, seconds from now), alternates (more roots to offer chains for).
"""

import datetime
import json
import re
import secrets
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from . import acme_crypto as crypto
from .acme_crypto import Refused, b64, unb64
from .acme_faults import Answer, Fault, Wire, problem  # noqa: F401 (Fault is for those who use this module)

# Path -> step. What the payload of a POST must be: None is POST-as-GET, "any" may be that or an object.
ROUTES = [
    (r"/dir", "directory", None),
    (r"/nonce", "new-nonce", None),
    (r"/new-account", "new-account", "object"),
    (r"/new-order", "new-order", "object"),
    (r"/new-authz", "new-authz", "object"),
    (r"/revoke", "revoke", "object"),
    (r"/key-change", "key-change", "object"),
    (r"/account/(\d+)", "account", "any"),
    (r"/orders/(\d+)", "orders", None),
    (r"/order/(\d+)", "order", None),
    (r"/finalize/(\d+)", "finalize", "object"),
    (r"/authz/(\d+)", "authorization", "any"),
    (r"/challenge/(\d+)", "challenge", "any"),
    (r"/certificate/(\d+)", "certificate", None),
    (r"/alternate/(\d+)/(\d+)", "alternate", None),
    (r"/renewal-info/([A-Za-z0-9_.-]+)", "renewal-info", None),
]
GETS = ("directory", "new-nonce", "renewal-info")


def seen_in(webroot):
    """A VALIDATE that looks for the http-01 file, as the CA would by HTTP."""

    def validate(_identifier, challenge, key_authorization):
        try:
            there = (webroot / ".well-known/acme-challenge" / challenge["token"]).read_text()
        except OSError as failure:
            return 400, "connection", f"cannot fetch the file: {failure.strerror}"
        return None if there.strip() == key_authorization else (403, "incorrectResponse", f"the file says {there}")

    return validate


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Request:
    """One request that was taken: ACCOUNT is None where it was signed by a key (JWK), or not at all."""

    def __init__(self, step, method, path, ids=()):
        self.step, self.method, self.path, self.ids = step, method, path, ids
        self.payload = self.raw = self.account = self.jwk = self.header = None
        self.headers = {}

    def __repr__(self):
        return f"{self.step}: {self.method} {self.path} {json.dumps(self.payload) if self.payload is not None else ''}"


class AcmeServer:
    def __init__(self, folder, validate=None, port=0, identity=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.dir, self.validate = folder, validate
        self.ca_bundle, self.https_key = identity or crypto.https_identity(folder, ["127.0.0.1", "localhost"])
        self.lock, self.stopping, self.port, self.http = threading.RLock(), threading.Event(), port, None
        self.meta = {"termsOfService": "https://127.0.0.1/terms", "caaIdentities": ["acme-server.test"]}
        self.eab, self.retry_after, self.polls, self.window, self.alternates = None, None, 0, None, 0
        self.challenge_types = ["http-01", "dns-01", "tls-alpn-01"]
        self.faults, self.requests, self.violations, self.connections = [], [], [], 0
        self.nonces, self.accounts, self.orders, self.authorizations = set(), {}, {}, {}
        self.challenges, self.certificates, self.revoked = {}, {}, {}
        self.roots = [crypto.Issuer(f"Scripted Root {number}") for number in range(3)]
        self.intermediate = crypto.Issuer("Scripted Intermediate", self.roots[0])
        # The same key certified by the other roots: what alternate chains are.
        self.crossed = [crypto.Issuer("Scripted Intermediate", root, self.intermediate.key) for root in self.roots[1:]]
        self.root = folder / "root.pem"
        self.root.write_text(crypto.pem(self.roots[0].certificate))

    # ---- Beginning, end, and what tests do ----

    def start(self):
        self.http = Server(("127.0.0.1", self.port), self)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        self.stopping.set()
        if self.http:
            self.http.shutdown()
            self.http.server_close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def base(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"{self.base}/dir"

    def cue(self, *faults):
        """From now on, until reset(), it misbehaves so; of several that fit a request the first is taken."""
        with self.lock:
            self.faults += faults
        return faults[0] if len(faults) == 1 else faults

    def reset(self):
        with self.lock:
            self.faults, self.requests, self.violations, self.connections = [], [], [], 0

    def count(self, step):
        return sum(request.step == step for request in self.requests)

    def payloads(self, step):
        return [request.payload for request in self.requests if request.step == step]

    def forget_accounts(self):
        """A CA that lost its accounts."""
        with self.lock:
            self.accounts.clear()

    def new_id(self, table, entry):
        number = str(len(table) + 1)
        table[number] = entry
        return number

    # ---- A request: what step, is it signed as it must be, what comes of it ----

    def fault_for(self, step):
        with self.lock:
            return next((fault for fault in self.faults if fault.applies(step)), None)

    def handle(self, method, path, headers, body):
        """(answer, fault, request) for one request."""
        for pattern, step, payload in ROUTES:
            if match := re.fullmatch(pattern, path.partition("?")[0]):
                break
        else:
            return self.wrong(problem(404, "malformed", f"nothing at {path}"), f"{method} {path}"), None, None
        request = Request(step, method, path, match.groups())
        request.headers = {name.lower(): value for name, value in headers.items()}
        with self.lock:
            self.requests.append(request)
            fault = self.fault_for(step)
            try:
                self.check(request, payload, body)
                answer = fault.instead() if fault else None
                if answer is None:
                    answer = getattr(self, "do_" + step.replace("-", "_"))(request)
            except Refused as refused:
                answer = problem(400, refused.kind, str(refused))
                if refused.kind not in ("badNonce", "accountDoesNotExist", "unauthorized"):
                    self.wrong(answer, f"{method} {path}: {refused}")
            if step not in GETS or step == "new-nonce":
                answer.headers.setdefault("Replay-Nonce", self.new_nonce())
            answer.headers.setdefault("Link", f'<{self.url}>;rel="index"')
            if fault:
                fault.change(answer, request)
            if not isinstance(answer.body, (str, bytes, type(None))):
                answer.headers.setdefault("Content-Type", "application/json")
        return answer, fault, request

    def wrong(self, answer, text):
        self.violations.append(text)
        return answer

    def new_nonce(self):
        nonce = b64(secrets.token_bytes(16))
        self.nonces.add(nonce)
        return nonce

    def check(self, request, expected, body):
        if not request.headers.get("user-agent"):
            raise Refused("no User-Agent")
        if request.method != "POST":
            if request.step not in GETS or (request.method == "HEAD" and request.step != "new-nonce"):
                raise Refused(f"{request.method} at {request.path}")
            return
        if request.headers.get("content-type") != "application/jose+json":
            raise Refused(f"Content-Type {request.headers.get('content-type')}")
        if "content-length" not in request.headers:
            raise Refused("a POST without Content-Length")
        header, payload, signed, signature = crypto.open_jws(body, ("alg", "nonce", "url"))
        request.header, request.raw = header, payload
        if header["url"] != self.base + request.path:
            raise Refused(f"the url in the JWS is {header['url']}")
        if header["nonce"] not in self.nonces:
            raise Refused("this nonce is not known, or was used before", "badNonce")
        self.nonces.discard(header["nonce"])
        self.find_key(request)
        crypto.verify(header["alg"], request.jwk, signed, signature)
        if payload:
            request.payload = json.loads(payload)
        if (expected is None and payload) or (expected == "object" and not isinstance(request.payload, dict)):
            raise Refused(f"the payload {payload[:60]!r} at {request.path}")

    def find_key(self, request):
        if "jwk" in request.header:
            if request.step not in ("new-account", "revoke"):
                raise Refused("a jwk where a kid must be")
            request.jwk = request.header["jwk"]
            return
        if request.step == "new-account":
            raise Refused("a kid at newAccount")
        number = request.header["kid"].removeprefix(f"{self.base}/account/")
        if number not in self.accounts:
            raise Refused(f"there is no account {request.header['kid']}", "accountDoesNotExist")
        request.account, request.jwk = number, self.accounts[number]["jwk"]
        if self.accounts[number]["status"] != "valid":
            raise Refused("the account is not valid", "unauthorized")

    # ---- Directory, nonces, accounts ----

    def do_directory(self, _request):
        urls = {name: f"{self.base}/{path}" for name, path in (
            ("newNonce", "nonce"), ("newAccount", "new-account"), ("newOrder", "new-order"), ("newAuthz", "new-authz"),
            ("revokeCert", "revoke"), ("keyChange", "key-change"))}  # fmt: skip
        if self.window is not None:
            urls["renewalInfo"] = f"{self.base}/renewal-info"
        meta = {**self.meta, "externalAccountRequired": True} if self.eab else dict(self.meta)
        return Answer(200, {}, {**urls, "meta": meta, "kXy5-random": "https://example.com/ignore-me"})

    def do_new_nonce(self, request):
        return Answer(200 if request.method == "HEAD" else 204, {"Cache-Control": "no-store"})

    def account_url(self, number):
        return f"{self.base}/account/{number}"

    def account_body(self, number):
        account = self.accounts[number]
        return {"status": account["status"], "contact": account["contact"], "orders": f"{self.base}/orders/{number}"}

    def do_new_account(self, request):
        mark = crypto.thumbprint(request.jwk)
        for number, account in self.accounts.items():
            if account["thumbprint"] == mark:
                if account["status"] != "valid":
                    return problem(403, "unauthorized", "the account is not valid")
                return Answer(200, {"Location": self.account_url(number)}, self.account_body(number))
        if request.payload.get("onlyReturnExisting"):
            return problem(400, "accountDoesNotExist", "no account has this key")
        if not request.payload.get("termsOfServiceAgreed"):
            return problem(403, "userActionRequired", "the terms of service have to be agreed to")
        if self.eab and "externalAccountBinding" not in request.payload:
            return problem(403, "externalAccountRequired", "an external account is needed")
        bound = None
        if self.eab:
            binding = request.payload["externalAccountBinding"]
            bound = crypto.verify_binding(binding, request.jwk, request.header["url"], self.eab)
        number = self.new_id(self.accounts, {
            "jwk": request.jwk, "thumbprint": mark, "status": "valid", "bound": bound,
            "contact": request.payload.get("contact", [])})  # fmt: skip
        return Answer(201, {"Location": self.account_url(number)}, self.account_body(number))

    def do_account(self, request):
        if request.ids[0] != request.account:
            return problem(403, "unauthorized", "another's account")
        account, change = self.accounts[request.account], request.payload or {}
        if change.get("status") == "deactivated":
            account["status"] = "deactivated"
        account["contact"] = change.get("contact", account["contact"])
        return Answer(200, {}, self.account_body(request.account))

    def do_orders(self, request):
        mine = [self.url_of("order", n) for n, order in self.orders.items() if order["account"] == request.account]
        return Answer(200, {}, {"orders": mine})

    def do_key_change(self, request):
        header, payload, signed, signature = crypto.open_jws(request.payload, ("alg", "url"))
        crypto.verify(header["alg"], header.get("jwk"), signed, signature)
        inner = json.loads(payload)
        if header["url"] != request.header["url"] or inner.get("oldKey") != request.jwk:
            raise Refused("an inner JWS for something else")
        if inner.get("account") != self.account_url(request.account):
            raise Refused("the inner JWS names another account")
        mark = crypto.thumbprint(header["jwk"])
        for number, account in self.accounts.items():
            if account["thumbprint"] == mark:
                answer = problem(409, "conflict", "this key has an account already")
                answer.headers["Location"] = self.account_url(number)
                return answer
        self.accounts[request.account].update(jwk=header["jwk"], thumbprint=mark)
        return Answer(200, {}, self.account_body(request.account))

    # ---- Orders, authorizations, challenges ----

    def url_of(self, kind, number):
        return f"{self.base}/{kind}/{number}"

    def do_new_order(self, request):
        identifiers = request.payload.get("identifiers")
        if not identifiers or len({(i["type"], i["value"]) for i in identifiers}) != len(identifiers):
            raise Refused("identifiers are missing or repeated")
        number = self.new_id(self.orders, {
            "account": request.account, "status": "pending", "identifiers": identifiers, "polls": self.polls,
            "expires": rfc3339(time.time() + 86400), "certificate": None, "error": None,
            "echo": {k: v for k, v in request.payload.items() if k in ("profile", "replaces", "notBefore", "notAfter")},
            "authorizations": [self.new_authorization(request.account, i) for i in identifiers]})  # fmt: skip
        answer = self.order_answer(number, 201)
        answer.headers["Location"] = self.url_of("order", number)
        return answer

    def new_authorization(self, account, identifier):
        name, wildcard = identifier["value"].removeprefix("*."), identifier["value"].startswith("*.")
        kinds = ["dns-01"] if wildcard else self.challenge_types
        if identifier["type"] == "ip":
            kinds = [kind for kind in kinds if kind != "dns-01"]
        number = self.new_id(self.authorizations, {
            "account": account, "status": "pending", "identifier": {"type": identifier["type"], "value": name},
            "wildcard": wildcard, "expires": rfc3339(time.time() + 86400)})  # fmt: skip
        self.authorizations[number]["challenges"] = [
            self.new_id(self.challenges, {"type": kind, "status": "pending", "authorization": number, "error": None,
                                          "token": b64(secrets.token_bytes(24))})
            for kind in kinds
        ]  # fmt: skip
        return number

    def refresh(self, number):
        order = self.orders[number]
        states = {self.authorizations[a]["status"] for a in order["authorizations"]}
        if order["status"] == "pending" and states == {"valid"}:
            order["status"] = "ready"
        elif order["status"] == "pending" and not states <= {"pending", "valid"}:
            order["status"] = "invalid"
            order["error"] = problem(403, "unauthorized", "an authorization failed").body
        elif order["status"] == "processing":
            order["polls"] -= 1
            if order["polls"] <= 0:
                order["status"] = "valid"

    def order_answer(self, number, status=200):
        order = self.orders[number]
        body = {
            "status": order["status"],
            "expires": order["expires"],
            "identifiers": order["identifiers"],
            "authorizations": [self.url_of("authz", a) for a in order["authorizations"]],
            "finalize": self.url_of("finalize", number),
            **order["echo"],
        }
        if order["error"]:
            body["error"] = order["error"]
        if order["status"] == "valid":
            body["certificate"] = self.url_of("certificate", order["certificate"])
        waiting = order["status"] in ("pending", "processing") and self.retry_after is not None
        return Answer(status, {"Retry-After": self.retry_after} if waiting else {}, body)

    def mine(self, table, request):
        entry = table.get(request.ids[0])
        if entry is None or entry["account"] != request.account:
            raise Refused(f"{request.path} is not this account's", "unauthorized")
        return entry

    def do_order(self, request):
        self.mine(self.orders, request)
        self.refresh(request.ids[0])
        return self.order_answer(request.ids[0])

    def challenge_body(self, number):
        challenge = self.challenges[number]
        body = {"type": challenge["type"], "url": self.url_of("challenge", number), "status": challenge["status"],
                "token": challenge["token"]}  # fmt: skip
        if challenge["error"]:
            body["error"] = challenge["error"]
        if challenge["status"] == "valid":
            body["validated"] = rfc3339(time.time())
        return body

    def authorization_body(self, number):
        entry = self.authorizations[number]
        body = {name: entry[name] for name in ("identifier", "status", "expires")}
        if entry["wildcard"]:
            body["wildcard"] = True
        return {**body, "challenges": [self.challenge_body(number) for number in entry["challenges"]]}

    def do_new_authz(self, request):
        if request.payload["identifier"]["value"].startswith("*."):
            raise Refused("a wildcard at newAuthz")
        number = self.new_authorization(request.account, request.payload["identifier"])
        return Answer(201, {"Location": self.url_of("authz", number)}, self.authorization_body(number))

    def do_authorization(self, request):
        entry = self.mine(self.authorizations, request)
        if request.payload is not None:
            if request.payload != {"status": "deactivated"}:
                raise Refused(f"the payload {request.payload} at an authorization")
            entry["status"] = "deactivated"
        return Answer(200, {}, self.authorization_body(request.ids[0]))

    def do_challenge(self, request):
        challenge = self.challenges.get(request.ids[0])
        if challenge is None or self.authorizations[challenge["authorization"]]["account"] != request.account:
            raise Refused("another's challenge", "unauthorized")
        authorization = self.authorizations[challenge["authorization"]]
        if request.raw and request.payload != {}:
            raise Refused(f"the payload {request.payload} at a challenge")
        if request.payload == {} and challenge["status"] == "pending":
            key_authorization = f"{challenge['token']}.{crypto.thumbprint(request.jwk)}"
            failed = self.validate and self.validate(authorization["identifier"], challenge, key_authorization)
            challenge["status"] = authorization["status"] = "invalid" if failed else "valid"
            challenge["error"] = problem(*failed).body if failed else None
        up = f'<{self.url_of("authz", challenge["authorization"])}>;rel="up"'
        return Answer(200, {"Link": up}, self.challenge_body(request.ids[0]))

    # ---- Certificates ----

    def do_finalize(self, request):
        order = self.mine(self.orders, request)
        self.refresh(request.ids[0])
        if order["status"] != "ready":
            return problem(403, "orderNotReady", f"the order is {order['status']}")
        csr = x509.load_der_x509_csr(unb64(request.payload.get("csr", "")))
        if not csr.is_signature_valid or crypto.csr_names(csr) != sorted(i["value"] for i in order["identifiers"]):
            return problem(400, "badCSR", f"the CSR is for {crypto.csr_names(csr)}")
        if self.same_key(csr.public_key(), request.jwk):
            return problem(400, "badCSR", "the CSR has the account's key")
        order["csr"] = csr
        order["certificate"] = self.new_id(self.certificates, {"account": order["account"], "chain": self.issue(csr)})
        order["status"] = "processing" if order["polls"] > 0 else "valid"
        answer = self.order_answer(request.ids[0])
        answer.headers["Location"] = self.url_of("order", request.ids[0])
        return answer

    @staticmethod
    def same_key(key, jwk):
        raw = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return key.public_bytes(*raw) == crypto.public_key(jwk).public_bytes(*raw)

    def issue(self, csr, **changes):
        """The chain for CSR, leaf first. CHANGES: names, public (key), ca, start, seconds, issuer, … (acme_crypto.make)."""
        names = changes.pop("names", None) or crypto.csr_names(csr)
        issuer = changes.pop("issuer", self.intermediate)
        public = changes.pop("public", csr.public_key())
        return [crypto.make(x509.Name([]), public, issuer, names=names, **changes), *issuer.above]

    def do_certificate(self, request):
        chain = self.mine(self.certificates, request)["chain"]
        links = [f'<{self.base}/alternate/{request.ids[0]}/{n}>;rel="alternate"' for n in range(self.alternates)]
        return Answer(200, {"Content-Type": "application/pem-certificate-chain", "Link": links}, crypto.pem(*chain))

    def do_alternate(self, request):
        chain = [self.mine(self.certificates, request)["chain"][0], *self.crossed[int(request.ids[1])].above]
        return Answer(200, {"Content-Type": "application/pem-certificate-chain"}, crypto.pem(*chain))

    def do_revoke(self, request):
        certificate = x509.load_der_x509_certificate(unb64(request.payload["certificate"]))
        known = next((n for n, entry in self.certificates.items() if entry["chain"][0] == certificate), None)
        if known is None:
            return problem(404, "malformed", "no such certificate")
        by_key = request.account is None and self.same_key(certificate.public_key(), request.jwk)
        if not by_key and self.certificates[known]["account"] != request.account:
            return problem(403, "unauthorized", "another's certificate")
        if known in self.revoked:
            return problem(400, "alreadyRevoked", "the certificate is revoked already")
        self.revoked[known] = request.payload.get("reason", 0)
        return Answer(200)

    def do_renewal_info(self, request):
        if self.window is None:
            return problem(404, "malformed", "no renewal information here")
        start, end = (rfc3339(time.time() + seconds) for seconds in self.window)
        return Answer(200, {"Retry-After": "21600"}, {"suggestedWindow": {"start": start, "end": end}})


# ---- Connections ----


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def setup(self):
        acme = self.server.acme
        with acme.lock:
            acme.connections += 1
        fault = acme.fault_for("connect")
        self.usable = fault is None
        if fault:
            Wire(self.request, acme.stopping).send(Answer(), fault.wire)
        else:
            self.request.settimeout(30)
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self):
        if self.usable:
            super().handle()

    def serve(self):
        acme = self.server.acme
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer, fault, _ = acme.handle(self.command, self.path, self.headers, body)
        wire = Wire(self.connection, acme.stopping)
        if not wire.send(answer, fault.wire if fault else None, with_body=self.command != "HEAD"):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address, acme):
        self.acme = acme
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(acme.ca_bundle, acme.https_key)
        super().__init__(address, Handler)

    def handle_error(self, request, client_address):
        """A client that went away is no error of ours; anything else is, and must not pass unnoticed."""
        kind, failure, _ = sys.exc_info()
        if not isinstance(failure, OSError):
            self.acme.violations.append(f"the server itself failed: {kind.__name__}: {failure}")
