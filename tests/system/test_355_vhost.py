# SPDX-License-Identifier: Apache-2.0
"""vhost: what it prints is taken by the real web servers and does what it says; what it installs is tested, reloaded, seen
by a handshake, and undone when any of that fails."""

import os
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from lab.servers import self_signed
from lab.sites import Upstream

CERT, ALIAS = "site.ferry.test", "www.site.ferry.test"


@pytest.fixture
def ready(lab, product, site):
    """The certificate is there, and no virtual host is."""
    site.bring_certificate(lab, product, [CERT, ALIAS])
    return product


def vhost(product, upstream, site, *more, proxy=False):
    behind = ["--upstream", upstream.url] if site.webserver == "haproxy" or proxy else []
    return product.run("vhost", "web", CERT, *behind, *more)


def until(condition, seconds=10):
    """A reload is only a signal: old workers may answer for a moment, or nobody yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if met := condition():
                return met
        except OSError:
            pass
        if time.monotonic() > end:
            return False
        time.sleep(0.05)


def test_the_printed_text_is_complete(lab, ready, site, upstream):
    logins = lab.servers["web-1"].ssh_sessions()
    for proxy in (False, True):
        run = vhost(ready, upstream, site, proxy=proxy)
        assert run.code == 0 and run.err == "", run
        assert CERT in run.out and ALIAS in run.out and "tapling" not in run.out.replace("OCSP", ""), run
        site.file(CERT).write_text(run.out)
        if site.link(CERT) and not site.link(CERT).is_symlink():
            site.link(CERT).symlink_to(site.file(CERT))
        done = subprocess.run(site.test_command, shell=True, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done, run)
        assert "warn" not in (done.stdout + done.stderr).lower(), done
    assert lab.servers["web-1"].ssh_sessions() == logins, "printing connects to nobody"


def check_redirect(site, upstream):
    port = "" if site.port == 443 else f":{site.port}"
    for name in (CERT, ALIAS):
        status, headers, _ = site.request(name, "/a%20b/c?d=e&f", tls=False)
        assert (status, headers["Location"]) == (301, f"https://{name}{port}/a%20b/c?d=e&f"), headers
    status, headers, _ = site.request(CERT, "/", tls=False, headers={"Host": f"{CERT.upper()}:{site.http_port}"})
    assert status == 301 and headers["Location"].lower() == f"https://{CERT}{port}/", headers
    _, headers, _ = site.request(CERT, "/%0d%0aX-Mine:%20yes", tls=False)
    assert headers["X-Mine"] is None
    status, headers, body = site.request(CERT, "/.well-known/acme-challenge/token", tls=False)
    assert status == 200 and headers["Location"] is None
    assert body == "the answer\n" or (site.webserver == "haproxy" and body.startswith("/.well-known/acme-challenge/token"))


def check_tls(site):
    assert site.handshake(CERT, protocols=["h2", "http/1.1"]) == ("TLSv1.3", "h2")
    assert site.handshake(CERT, newest=ssl.TLSVersion.TLSv1_2, protocols=["http/1.1"]) == ("TLSv1.2", "http/1.1")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        site.handshake(CERT, oldest=ssl.TLSVersion.TLSv1, newest=ssl.TLSVersion.TLSv1_1)
    assert site.request(CERT)[1]["Strict-Transport-Security"] == "max-age=63072000"


def test_installed_it_does_what_it_says(lab, ready, site, upstream):
    run = vhost(ready, upstream, site, "--install", "--json")
    assert run.code == 0, run
    assert run.json["result"] == "installed" and run.json["path"] == str(site.file(CERT)), run
    assert run.json["link"] == (str(site.link(CERT)) if site.enabled else None), run
    check_redirect(site, upstream)
    check_tls(site)
    if site.webserver != "haproxy":
        assert site.request(CERT)[2] == "a file\n"
        assert site.request(ALIAS, "/nowhere")[0] == 404
        assert site.request(ALIAS, "/nowhere")[1]["Strict-Transport-Security"]
    else:
        assert site.request("other.ferry.test")[0] == 404
    assert os.stat(site.file(CERT)).st_mode & 0o777 == 0o644
    assert not list(site.available.glob(".*")), "something is left beside it"

    # The same again changes nothing, and tests and reloads nothing.
    before = os.stat(site.file(CERT)), len((site.dir / "output.log").read_bytes())
    run = vhost(ready, upstream, site, "--install", "--json")
    assert run.code == 0 and run.json["result"] == "unchanged", run
    assert os.stat(site.file(CERT)).st_mtime_ns == before[0].st_mtime_ns


def test_in_front_of_another_server(ready, site, upstream):
    run = vhost(ready, upstream, site, "--install", proxy=True)
    assert run.code == 0 and "installed" in run.out and str(site.file(CERT)) in run.out, run
    assert until(lambda: all(site.request(CERT, "/x?y")[2].startswith("/x?y\n") for _ in range(8)))
    asked = f"{CERT}:{site.port}"  # as browsers do
    status, headers, body = site.request(CERT, "/x?y", headers={"X-Forwarded-Proto": "ftp", "Host": asked})
    assert status == 200 and headers["Strict-Transport-Security"], headers
    told = dict(line.split(": ", 1) for line in body.splitlines()[1:] if line)
    told = {name.lower(): value for name, value in told.items()}
    assert told["host"] == asked and told["x-forwarded-proto"] == "https", told
    assert told["x-forwarded-for"].endswith("127.0.0.1"), told
    assert site.request(CERT, "/up", method="POST", body=b"x" * 5_000_000)[2] == "5000000 bytes\n"
    check_websocket(site)


def check_websocket(site):
    """Its handshake, and a line through it."""
    raw = socket.create_connection(("127.0.0.1", site.port), timeout=5)
    with ssl._create_unverified_context().wrap_socket(raw, server_hostname=CERT) as tls:
        request = (f"GET /ws HTTP/1.1\r\nHost: {CERT}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")  # fmt: skip
        tls.sendall(request.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += tls.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        tls.sendall(b"hello\n")
        while not answer.endswith(b"hello\n"):
            piece = tls.recv(4096)
            assert piece, answer
            answer += piece


def test_wildcards_and_addresses_are_names_too(lab, ready, site, upstream):
    """Before any certificate of them is there: the text is put where it belongs by hand."""
    names = {"*.wild.ferry.test": {"dns_provider": "cloudflare"},
             "six.ferry.test": {"aliases": ["2001:db8::1"], "webroot": str(site.root)}}  # fmt: skip
    for name, more in names.items():
        cert = name.removeprefix("*.")
        self_signed(site.live / cert, [cert])
        ready.write_config(lab.config([{"name": name, "servers": ["web"], **more}], servers={"web": site.entry(lab)}))
        run = ready.run("vhost", "web", cert, "--upstream", upstream.url)
        assert run.code == 0, run
        site.clear()
        site.file(cert).write_text(run.out)
        if site.link(cert):
            site.link(cert).symlink_to(site.file(cert))
        if site.combined:
            text = "".join((site.live / cert / part).read_text() for part in ("fullchain.pem", "privkey.pem"))
            (site.live / cert / "combined.pem").write_text(text)
        subprocess.run(f"{site.test_command} && {site.reload_command}", shell=True, check=True, capture_output=True)
        hosts = ["any.wild.ferry.test", "wild.ferry.test"] if "*" in name else ["six.ferry.test", "[2001:db8::1]"]
        for host in hosts:
            assert until(lambda host=host: site.request(cert, headers={"Host": host})[0] == 200), (host, run)
            status, headers, _ = site.request(cert, "/a", tls=False, headers={"Host": host})
            if site.webserver == "apache":  # which escapes them: docs/vhost.md
                host = host.replace("[", "%5b").replace("]", "%5d")
            assert (status, headers["Location"]) == (301, f"https://{host}:{site.port}/a"), headers


def test_in_front_of_several(ready, site, upstream):
    other = Upstream()
    try:
        run = ready.run("vhost", "web", CERT, "--upstream", upstream.url, "--upstream", other.url, "--install")
        assert run.code == 0 and "installed" in run.out, run
        assert until(lambda: site.request(CERT, "/x?y")[0] == 200 and other.count)
        before = upstream.count, other.count
        for _ in range(12):
            assert site.request(CERT, "/x?y")[2].startswith("/x?y\n")
        assert upstream.count - before[0] >= 3 and other.count - before[1] >= 3, (before, upstream.count, other.count)
    finally:
        other.stop()
    # Without one of them the other does it all.
    assert until(lambda: all(site.request(CERT)[0] == 200 for _ in range(6)))


@pytest.fixture
def folder():
    """One that every user may enter, unlike tmp_path."""
    with tempfile.TemporaryDirectory(prefix="certferry-sockets-") as path:
        os.chmod(path, 0o755)
        yield Path(path)


def test_in_front_of_a_socket(ready, site, folder):
    one, other = (Upstream(socket_path=folder / f"{name}.sock") for name in ("one", "other"))
    try:
        run = ready.run("vhost", "web", CERT, "--upstream", one.url, "--install", "--json")
        assert run.code == 0 and run.json["result"] == "installed", run
        assert any("chroot" in note for note in run.json["notes"]) == (site.webserver == "haproxy"), run
        assert until(lambda: site.request(CERT, "/x?y")[2].startswith("/x?y\n"))
        told = site.request(CERT, "/x?y")[2].lower()
        assert f"host: {CERT}" in told and "x-forwarded-proto: https" in told and "x-forwarded-for: " in told, told
        assert site.request(CERT, "/up", method="POST", body=b"x" * 5_000_000)[2] == "5000000 bytes\n"
        check_websocket(site)

        # Several of them, and one that has a port.
        with_port = Upstream()
        try:
            behind = [word for upstream in (one, other, with_port) for word in ("--upstream", upstream.url)]
            run = ready.run("vhost", "web", CERT, *behind, "--install", "--force")
            assert run.code == 0 and "installed" in run.out, run
            assert until(lambda: site.request(CERT)[0] == 200 and other.count and with_port.count)
            check_websocket(site)
        finally:
            with_port.stop()
        assert until(lambda: all(site.request(CERT)[0] == 200 for _ in range(6)))
    finally:
        one.stop()
        other.stop()


def test_in_front_of_one_with_tls(ready, site, tmp_path):
    tmp_path.chmod(0o755)
    secure = Upstream(tmp_path / "tls")
    try:
        for ca, good in ((secure.ca, True), (None, False), ("none", True)):
            more = ["--upstream-ca", str(ca)] if ca else []
            run = ready.run("vhost", "web", CERT, "--upstream", secure.url, *more, "--install", "--force")
            assert run.code == 0 and "installed" in run.out, run
            answers = (200,) if good else (500, 502, 503)
            assert until(lambda answers=answers, good=good: all(site.request(CERT)[0] in answers for _ in range(4 if good else 1))), (ca, answers)
        assert "localhost" in secure.server_names
        told = site.request(CERT, "/x?y")[2].lower()
        assert "x-forwarded-proto: https" in told and CERT in told, told
        # By addresses nobody is verified.
        run = ready.run("vhost", "web", CERT, "--upstream", "https://127.0.0.1:8443")
        assert run.code == 2 and "--upstream-ca none" in run.err, run
    finally:
        secure.stop()


def test_what_somebody_wrote_is_replaced_by_force_only(ready, site, upstream):
    ours = vhost(ready, upstream, site).out
    site.file(CERT).write_text(ours.replace("max-age=63072000", "max-age=300"))
    run = vhost(ready, upstream, site, "--install", "--json")
    assert run.code == 1 and run.json["result"] == "failed", run
    assert "other content" in run.err and "max-age=300" in run.err and "--force" in run.err, run
    assert "max-age=300" in site.file(CERT).read_text()
    assert not site.link(CERT) or not site.link(CERT).is_symlink()
    run = vhost(ready, upstream, site, "--install", "--force", "--json")
    assert run.code == 0 and run.json["result"] == "installed", run
    assert until(lambda: site.request(CERT)[1]["Strict-Transport-Security"] == "max-age=63072000")


def test_a_test_that_fails_undoes_it(ready, site, upstream):
    site.break_config()
    run = vhost(ready, upstream, site, "--install", "--json")
    assert run.code == 1 and run.json["result"] == "rolled_back", run
    assert site.broken.split()[0].rstrip(";") in run.err and run.json["error"]["step"] == "test", run
    assert list(site.available.iterdir()) == [] and (not site.enabled or list(site.enabled.iterdir()) == [])
    # And what was there before is there again.
    site.file(CERT).write_text("# mine\n")
    run = vhost(ready, upstream, site, "--install", "--force", "--json")
    assert run.code == 1 and run.json["result"] == "rolled_back", run
    assert site.file(CERT).read_text() == "# mine\n"
    assert [path.name for path in site.available.iterdir()] == [site.file(CERT).name]
    assert not site.enabled or list(site.enabled.iterdir()) == []


def test_a_reload_that_fails_undoes_it(lab, ready, site, upstream):
    site.configure_product(lab, ready, [CERT, ALIAS], reload_command="echo cannot reload it >&2; false")
    run = vhost(ready, upstream, site, "--install", "--json")
    assert run.code == 1 and run.json["result"] == "rolled_back", run
    assert "cannot reload it" in run.err and "reloading it failed too" in run.err, run
    assert list(site.available.iterdir()) == []


def test_one_that_nothing_includes_is_found_by_the_handshake(lab, ready, site, upstream):
    if site.webserver != "nginx":
        pytest.skip("what looks is the same for all, and takes its time: one is enough")
    elsewhere = site.dir / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    site.configure_product(lab, ready, [CERT, ALIAS], vhosts={"available": str(elsewhere), "http_port": site.http_port})
    subprocess.run(site.reload_command, shell=True, check=True)
    run = vhost(ready, upstream, site, "--install", "--json")
    assert run.code == 1 and run.json["result"] == "rolled_back", run
    assert run.json["error"]["step"] == "verify" and "include" in run.json["error"]["hint"], run
    assert list(elsewhere.iterdir()) == []
