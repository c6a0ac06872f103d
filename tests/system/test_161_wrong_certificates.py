# SPDX-License-Identifier: Apache-2.0
"""A CA that hands out a certificate which must not become live: each is refused with the reason, and the old one stays."""

import pytest

from fakes import acme_crypto as crypto
from fakes.acme_server import Fault
from lab.hostile import case
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

STRANGER = ec.generate_private_key(ec.SECP256R1())
STRANGER_PEM = STRANGER.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
DAY = 86400


def issued(change):
    """A fault: the certificate is what CHANGE(server, csr, chain) makes of it, a list of certificates or PEM text."""

    def faults(server):
        def edit(answer, request):
            order = next(o for o in server.orders.values() if o["certificate"] == request.ids[0])
            made = change(server, order["csr"], server.certificates[request.ids[0]]["chain"])
            answer.body = made if isinstance(made, (str, bytes)) else crypto.pem(*made)

        return [Fault("certificate", edit=edit)]

    return faults


def wrong(name, change, *says, **more):
    made = case(name, step=("certificate", "download"), says=says, **more)
    made.faults = issued(change)
    return made


def other_names(*names):
    return lambda server, csr, _chain: server.issue(csr, names=list(names))


def weak_root(server, csr, _chain):
    issuer = crypto.Issuer("Weak", server.roots[0], rsa.generate_private_key(65537, 1024))
    return server.issue(csr, issuer=issuer)


def not_a_ca(server, csr, _chain):
    issuer = crypto.Issuer("No CA", server.roots[0])
    issuer.certificate = crypto.make(issuer.name, issuer.key.public_key(), server.roots[0], names=["no.ca.test"])
    return server.issue(csr, issuer=issuer)


def forged(server, csr, chain):
    """Issued by somebody who has the intermediate's name and key identifier, but not its key."""
    impostor = crypto.Issuer("Scripted Intermediate", server.roots[0])
    return [server.issue(csr, issuer=impostor, authority=server.intermediate.key)[0], *chain[1:]]


def chain_of(count):
    def change(server, csr, _chain):
        issuer = server.roots[0]
        for number in range(count - 1):
            issuer = crypto.Issuer(f"Link {number}", issuer)
        return server.issue(csr, issuer=issuer)

    return change


def text(before="", after="", between=""):
    def change(_server, _csr, chain):
        return before + between.join(crypto.pem(one) for one in chain) + after

    return change


def damaged(_server, _csr, chain):
    lines = crypto.pem(*chain).splitlines()
    lines[3] = "A" * len(lines[3])
    return "\n".join(lines) + "\n"


CASES = [
    wrong("another key", lambda server, csr, _: server.issue(csr, public=STRANGER.public_key()), "is for another key"),
    wrong("a missing name", other_names("www.ferry.test"), "lacks the name ferry.test"),
    wrong("an extra name", other_names("www.ferry.test", "ferry.test", "evil.test"), "evil.test", "was not ordered"),
    wrong("other names", other_names("evil.test"), "lacks the name"),
    wrong("a wildcard instead", other_names("*.ferry.test", "ferry.test"), "lacks the name www.ferry.test"),
    wrong("no names at all", lambda server, csr, _: server.issue(csr, names=["203.0.113.1"]), "lacks the name"),
    wrong("expired", lambda server, csr, _: server.issue(csr, start=-10 * DAY, seconds=9 * DAY), "ends at"),
    wrong("over in ten minutes", lambda server, csr, _: server.issue(csr, seconds=4200), "ends at"),
    wrong("not valid yet", lambda server, csr, _: server.issue(csr, start=DAY), "valid only from"),
    wrong("a CA certificate", lambda server, csr, _: server.issue(csr, ca=True), "is a CA's"),
    wrong("signed with SHA-1", lambda server, csr, _: server.issue(csr, digest=hashes.SHA1()), "weak digest"),
    wrong("an issuer with 1024 bits", weak_root, "too weak"),
    wrong("an issuer that is no CA", not_a_ca, "no CA"),
    wrong("a forged signature", forged, "wrong signature"),
    wrong("out of order", lambda _s, _c, chain: [chain[0], *reversed(chain[1:]), chain[1]], "twice"),
    wrong("an unrelated issuer", lambda s, _c, chain: [chain[0], crypto.Issuer("Other", s.roots[1]).certificate],
          "not issued by the one behind it"),
    wrong("the intermediate first", lambda _s, _c, chain: [chain[1], chain[0]], "another key"),
    wrong("a certificate twice", lambda _s, _c, chain: [chain[0], chain[0], *chain[1:]], "twice"),
    wrong("eleven certificates", chain_of(11), "more than 10"),
    wrong("a private key in front", text(before=STRANGER_PEM), "something else than certificates"),
    wrong("a private key between", text(between=STRANGER_PEM), "something else than certificates"),
    wrong("a private key behind", text(after=STRANGER_PEM), "something else than certificates"),
    wrong("a CSR behind", text(after="-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"),
          "something else than certificates"),
    wrong("a damaged certificate", damaged),
    wrong("an unfinished block", text(after="-----BEGIN CERTIFICATE-----\nMIIB")),
    wrong("nothing", lambda *_: "", "something else than a certificate"),
    wrong("HTML", lambda *_: "<html><body>Please log in</body></html>"),
    wrong("a NUL byte", lambda _s, _c, chain: crypto.pem(*chain).encode() + b"\0-----BEGIN PRIVATE KEY-----\n",
          "something else than a certificate"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:SHA1 signatures")
@pytest.mark.parametrize("one", CASES, ids=str)
def test_it_is_refused(hostile, one):
    hostile.play(one)


def test_the_next_run_orders_anew(hostile):
    """What was refused is not fetched a second time: its order is spent."""
    product, _ = hostile.run(CASES[0])
    hostile.recovers(product)
    assert hostile.server.count("new-order") == 1
