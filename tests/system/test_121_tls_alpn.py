# SPDX-License-Identifier: Apache-2.0
"""tls-alpn-01 by certferry's own responder, and what strangers get from it meanwhile."""

import contextlib
import json
import socket
import ssl

import pytest

from lab import certificates
from lab.processes import free_port


@pytest.fixture(scope="module")
def ca(lab):
    return lab.another_ca(authz_reuse=0)


def issue(ca, product, *args, **more):
    return product.run("issue", "--server", ca.url, "--ca-bundle", ca.ca_bundle, "--state-dir", product.state,
                       "--agree-tos", "--email", "admin@ferry.test", "--json", *args, config=False, **more)  # fmt: skip


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_several_names_and_the_renewal_remembers(ca, product):
    names = ["alpn.ferry.test", "alpn2.ferry.test"]
    run = issue(ca, product, "-d", names[0], "-d", names[1], "--alpn", f"127.0.0.1:{ca.tls_port}")
    assert run.code == 0, run
    assert certificates.names(product.live(names[0]) / "cert.pem") == names
    assert not is_open(ca.tls_port)
    record = json.loads((product.state / f"renewal/{names[0]}.json").read_text())
    assert record["challenge"] == "tls-alpn-01" and record["listen"] == f"127.0.0.1:{ca.tls_port}", record
    run = product.run("renew", "--force", "--state-dir", product.state, "--json", config=False)
    assert run.code == 0 and run.result(names[0])["action"] == "renewed", run
    assert not is_open(ca.tls_port)


def test_by_the_config_two_certificates_with_a_name_in_common(lab, ca, product):
    """The CA wants another certificate for the same name from each of them: they take turns at it."""
    challenge = {"type": "tls-alpn-01", "listen": f":{ca.tls_port}"}
    domains = [{"name": "both.ferry.test", "aliases": [f"{kind}.ferry.test"], "cert_name": kind, "challenge": challenge}
               for kind in ("one", "two", "three")]  # fmt: skip
    product.write_config(lab.config(domains, provider=lab.provider(ca)))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert "no effect" not in run.err, run
    assert [entry["action"] for entry in run.json["results"]] == ["issued"] * 3, run


def test_the_port_is_443_where_the_config_says_nothing(lab, ca, product):
    product.write_config(lab.config([{"name": "default.ferry.test", "challenge": "tls-alpn-01"}],
                                    provider=lab.provider(ca)))  # fmt: skip
    try:
        holder = socket.create_server(("0.0.0.0", 443))
    except OSError:
        holder = contextlib.nullcontext()  # somebody else's, or not ours to have: refused either way
    with holder:
        run = product.run("apply", "--json")
    assert run.code == 1, run
    assert "cannot listen on :443" in run.result("default.ferry.test")["error"]["detail"], run


def test_a_port_in_use_says_what_else_could_be_done(ca, product):
    with socket.create_server(("127.0.0.1", ca.tls_port)):
        mark = ca.mark()
        run = issue(ca, product, "-d", "inuse.ferry.test", "--alpn", ca.tls_port)
    assert run.code == 1, run
    error = run.result("inuse.ferry.test")["error"]
    assert f"cannot listen on :{ca.tls_port}" in error["detail"] and "--dns PROVIDER" in error["hint"], error
    assert ca.orders(mark) == 0


def handshake(port, server_name, protocols):
    """The error of a handshake; None when it worked."""
    context = ssl._create_unverified_context()
    context.check_hostname = False
    if protocols:
        context.set_alpn_protocols(protocols)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        try:
            with context.wrap_socket(raw, server_hostname=server_name) as tls:
                return None if tls.selected_alpn_protocol() else "no protocol"
        except OSError as problem:
            return str(problem)


def test_strangers_get_an_alert_while_it_validates(lab, product):
    """The CA is kept busy on another port, so that the responder stays up with its one name."""
    port, elsewhere = free_port(), free_port()
    ca = lab.another_ca(more={"tlsPort": elsewhere})
    with socket.create_server(("127.0.0.1", elsewhere)):
        process = product.start("issue", "-d", "strange.ferry.test", "--alpn", str(port), "--server", ca.url, "--ca-bundle",
                                str(ca.ca_bundle), "--state-dir", str(product.state), "--agree-tos", config=False,
                                together=True)  # fmt: skip
        try:
            while not any("/chalZ/" in path for _, path in ca.requests()):
                assert process.poll() is None, process.communicate()
            assert handshake(port, "strange.ferry.test", ["h2", "acme-tls/1"]) is None
            assert handshake(port, "STRANGE.ferry.test", ["acme-tls/1"]) is None
            for server_name, protocols in [
                ("strange.ferry.test", None),
                ("strange.ferry.test", ["h2", "http/1.1"]),
                ("other.ferry.test", ["acme-tls/1"]),
                (None, ["acme-tls/1"]),
                (None, None),
            ]:
                problem = handshake(port, server_name, protocols)
                # Python 3.11's words for the alert no_application_protocol (120).
                assert problem and ("NO_APPLICATION_PROTOCOL" in problem.upper().replace(" ", "_")), (server_name, protocols, problem)
        finally:
            process.terminate()
            out, _ = process.communicate(timeout=20)
    assert process.returncode == 130, out
    ca.stop()
