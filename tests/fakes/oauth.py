# SPDX-License-Identifier: Apache-2.0
"""What stand-ins of vendors with access tokens have in common: tokens that expire, and JWTs by which a client proves its
key (RFC 7523), their signatures verified.
"""

import base64
import json
import secrets
import time
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ALGORITHMS = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32),
}


class Refused(Exception):
    """A token request that is refused: RFC 6749 §5.2's code, and why."""

    def __init__(self, code, why, status=400):
        super().__init__(why)
        self.code, self.why, self.status = code, why, status

    def body(self):
        return json.dumps({"error": self.code, "error_description": self.why}).encode()


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def unb64(text):
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise ValueError("not base64url without padding")
    return data


def read_jwt(text, algorithm, public_key):
    """Header and claims of a JWT that PUBLIC_KEY signed by ALGORITHM."""
    try:
        head, body, signature = text.split(".")
        header, claims = json.loads(unb64(head)), json.loads(unb64(body))
        if header["alg"] != algorithm or header.get("typ") != "JWT":
            raise ValueError(f"alg is {header['alg']}")
        public_key.verify(unb64(signature), f"{head}.{body}".encode(), ALGORITHMS[algorithm], hashes.SHA256())
    except (ValueError, KeyError, InvalidSignature) as problem:
        raise Refused("invalid_grant", f"Invalid JWT: {problem!r}") from None
    return header, claims


def check_times(claims, longest):
    now, issued, expires = time.time(), claims.get("iat", claims.get("nbf")), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise Refused("invalid_grant", "Invalid JWT: no iat or exp")
    if not (issued - 60 <= now <= expires and expires - issued <= longest):
        raise Refused("invalid_grant", "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe")


def form(request):
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "the body must be a form")
    return dict(parse_qsl(request.text, keep_blank_values=True, strict_parsing=True))


class Tokens:
    """The access tokens that were given out."""

    def __init__(self, life):
        self.life, self.given = life, {}

    def give(self, **more):
        token = "lab." + secrets.token_urlsafe(120)
        self.given[token] = time.monotonic() + self.life
        return {"access_token": token, "expires_in": self.life, "token_type": "Bearer", **more}

    def is_good(self, headers):
        kind, _, token = headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and self.given.get(token, 0) > time.monotonic()

    def expire(self):
        self.given.clear()
