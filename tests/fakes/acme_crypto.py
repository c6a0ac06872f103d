# SPDX-License-Identifier: Apache-2.0
"""What the scripted ACME server needs of cryptography: JWS as RFC 8555 has it, and a throwaway CA."""

import base64
import datetime
import hashlib
import hmac
import ipaddress
import json
import re

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CURVES = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48), "P-521": (ec.SECP521R1(), 66)}
ECDSA = {"ES256": ("P-256", hashes.SHA256()), "ES384": ("P-384", hashes.SHA384()), "ES512": ("P-521", hashes.SHA512())}
MACS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


class Refused(Exception):
    """A JWS that is not as it must be; the text says why, KIND is its ACME problem type."""

    def __init__(self, why, kind="malformed"):
        super().__init__(why)
        self.kind = kind


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    """Strictly as RFC 7515 §2: no padding, no other alphabet, no bits left over."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise Refused("not base64url without padding")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(data) != text:
        raise Refused("base64url with bits left over")
    return data


# ---- Keys and signatures ----


def fixed(text, size):
    data = unb64(text)
    if len(data) != size:
        raise Refused(f"a coordinate has {len(data)} bytes instead of {size}", "badPublicKey")
    return int.from_bytes(data, "big")


def minimal(text):
    data = unb64(text)
    if not data or data[0] == 0:
        raise Refused("a number begins with a zero byte", "badPublicKey")
    return int.from_bytes(data, "big")


def public_key(jwk):
    """The public key of a JWK that has exactly the members of its type (RFC 7518 §6, RFC 8037 §2)."""
    members = {"EC": {"kty", "crv", "x", "y"}, "RSA": {"kty", "n", "e"}, "OKP": {"kty", "crv", "x"}}
    if not isinstance(jwk, dict) or set(jwk) != members.get(jwk.get("kty")):
        raise Refused(f"a JWK with the members {sorted(jwk) if isinstance(jwk, dict) else jwk}", "badPublicKey")
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(minimal(jwk["e"]), minimal(jwk["n"])).public_key()
    if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(unb64(jwk["x"]))
    if jwk["crv"] not in CURVES:
        raise Refused(f"the curve {jwk['crv']}", "badPublicKey")
    curve, size = CURVES[jwk["crv"]]
    return ec.EllipticCurvePublicNumbers(fixed(jwk["x"], size), fixed(jwk["y"], size), curve).public_key()


def thumbprint(jwk):
    """RFC 7638."""
    text = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return b64(hashlib.sha256(text.encode()).digest())


def verify(algorithm, jwk, signed, signature):
    key = public_key(jwk)
    try:
        if algorithm in ECDSA and jwk.get("crv") == ECDSA[algorithm][0]:
            size = CURVES[jwk["crv"]][1]
            if len(signature) != 2 * size:
                raise Refused(f"an {algorithm} signature of {len(signature)} bytes")
            r, s = (int.from_bytes(signature[i : i + size], "big") for i in (0, size))
            key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(ECDSA[algorithm][1]))
        elif algorithm == "RS256" and jwk["kty"] == "RSA":
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        elif algorithm == "EdDSA" and jwk["kty"] == "OKP":
            key.verify(signature, signed)
        else:
            raise Refused(f"alg {algorithm} with a key of type {jwk['kty']}", "badSignatureAlgorithm")
    except InvalidSignature:
        raise Refused("the signature does not verify") from None


def open_jws(body, members):
    """The header, payload (bytes), text that was signed and signature of a flattened JWS (RFC 8555 §6.2)."""
    jws = json.loads(body) if isinstance(body, (bytes, str)) else body
    if not isinstance(jws, dict) or set(jws) != {"protected", "payload", "signature"}:
        raise Refused("a JWS has protected, payload and signature, and nothing else")
    header = json.loads(unb64(jws["protected"]))
    if not set(header) <= set(members) | {"jwk", "kid"} or not set(members) <= set(header):
        raise Refused(f"a protected header with {sorted(header)}")
    if ("jwk" in header) == ("kid" in header):
        raise Refused("exactly one of jwk and kid must be there")
    signed = f"{jws['protected']}.{jws['payload']}".encode()
    return header, unb64(jws["payload"]), signed, unb64(jws["signature"])


def verify_binding(binding, jwk, url, keys):
    """RFC 8555 §7.3.4, with KEYS from key id to base64url MAC key. Returns the key id."""
    header, payload, signed, signature = open_jws(binding, ("alg", "url"))
    if header.get("url") != url or header["alg"] not in MACS or json.loads(payload) != jwk:
        raise Refused("an external account binding for something else")
    if header.get("kid") not in keys:
        raise Refused(f"no external account {header.get('kid')}", "unauthorized")
    mac = hmac.new(unb64(keys[header["kid"]]), signed, MACS[header["alg"]]).digest()
    if not hmac.compare_digest(mac, signature):
        raise Refused("the external account binding's MAC is wrong", "unauthorized")
    return header["kid"]


# ---- Certificates ----


def pem(*certificates):
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates).decode()


def general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def csr_names(csr):
    """Every name of a CSR: its SAN, and a common name if there is one."""
    names = [attribute.value for attribute in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    for name in csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value:
        names.append(str(name.value))
    return sorted(set(names))


class Issuer:
    """A CA certificate with its key; ISSUER None makes a root."""

    def __init__(self, name, issuer=None, key=None, **options):
        self.key, self.name, self.issuer = key or ec.generate_private_key(ec.SECP256R1()), named(name), issuer
        self.certificate = make(self.name, self.key.public_key(), issuer or self, ca=True, **options)

    @property
    def above(self):
        """The CA certificates between this one and the root, this one first, the root apart."""
        return [] if self.issuer is None else [self.certificate, *self.issuer.above]


def make(subject, public, issuer, names=(), ca=False, start=-3600, seconds=90 * 86400, usage=True, serial=None,
         digest=None, authority=None):  # fmt: skip
    """A certificate from START (seconds from now) for SECONDS. AUTHORITY: whose key the authority key identifier names."""
    authority = (authority or issuer.key).public_key()
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    begin = now + datetime.timedelta(seconds=start)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(public)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(seconds=seconds))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), False)
    if usage and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return builder.sign(issuer.key, digest or hashes.SHA256())


def https_identity(folder, addresses):
    """A certificate signed by itself for the server's own HTTPS: the files of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = type("Self", (), {"name": named("acme-server.test"), "key": key})
    certificate = make(issuer.name, key.public_key(), issuer, names=addresses, seconds=30 * 86400)
    (folder / "https.pem").write_text(pem(certificate))
    (folder / "https.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "https.pem", folder / "https.key"
