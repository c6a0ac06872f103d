# SPDX-License-Identifier: Apache-2.0
"""vhost --install where another site has the same names: of two only one is served, and with the same certificate no handshake
tells which. It is said, with where, and nothing is changed; and where two installations put sites on one server, they take
turns."""

import shutil
import subprocess
import time

import pytest
from test_355_vhost import until

CERT, ALIAS = "rival.ferry.test", "www.rival.ferry.test"

# Sites for ALIAS with the same certificate, as certbot leaves them: on the port of https, and on that of http.
OTHERS = {
    "nginx": ("""\
server {{
	listen {port} ssl;
	server_name other.ferry.test {name};
	ssl_certificate {live}/fullchain.pem;
	ssl_certificate_key {live}/privkey.pem;
	return 200 "theirs\\n";
}}
""", "server {{ listen {http_port}; server_name {name}; return 200 \"theirs\\n\"; }}\n"),
    "apache": ("""\
<VirtualHost *:{port}>
	ServerName other.ferry.test
	ServerAlias {name}
	SSLEngine on
	SSLCertificateFile {live}/fullchain.pem
	SSLCertificateKeyFile {live}/privkey.pem
</VirtualHost>
""", "<VirtualHost *:{http_port}>\n\tServerName {name}\n</VirtualHost>\n"),
    "haproxy": ("frontend theirs\n\tbind :{port} ssl crt {live}/combined.pem\n\thttp-request return status 200\n",
                "frontend theirs\n\tbind :{http_port}\n\thttp-request return status 200\n"),
}  # fmt: skip


def other(site, which, name=ALIAS):
    words = {"port": site.port, "http_port": site.http_port, "live": site.live / CERT, "name": name}
    return OTHERS[site.webserver][which].format(**words)


def install(product, site, upstream, *more):
    behind = ["--upstream", upstream.url] if site.webserver == "haproxy" else []
    return product.run("vhost", "web", CERT, *behind, "--install", "--json", *more)


def put(site, name, text, link=True):
    site.file(name).write_text(text)
    if site.enabled and link:
        site.link(name).symlink_to(site.file(name))


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", ["a-first", "z-last"])
def test_another_site_for_one_of_the_names(lab, product, site, upstream, which, name):
    site.bring_certificate(lab, product, [CERT, ALIAS])
    put(site, name, other(site, which))
    subprocess.run(f"{site.test_command} && {site.reload_command}", shell=True, check=True, capture_output=True)
    for more in ((), ("--force",)):
        run = install(product, site, upstream, *more)
        assert run.code == 1 and run.json["result"] == "failed" and run.json["error"]["step"] == "compare", run
        port = site.http_port if which else site.port
        assert str((site.link if site.enabled else site.file)(name)) in run.err and f"port {port}" in run.err, run
        assert site.webserver == "haproxy" or ALIAS in run.err, run
        assert list(site.available.iterdir()) == [site.file(name)], run

    # One that is not enabled, and one for others' names, are in nobody's way.
    site.clear()
    if site.enabled:
        put(site, name, other(site, which), link=False)
        put(site, "other" + site.ending, other(site, which, "elsewhere.ferry.test"))
    run = install(product, site, upstream)
    assert run.code == 0 and run.json["result"] == "installed", run
    assert install(product, site, upstream).json["result"] == "unchanged"


def test_one_that_is_elsewhere_is_heard_of_when_nginx_tests(lab, product, site, upstream):
    """In the main file, which is not looked into."""
    if site.webserver != "nginx":
        pytest.skip("the others say nothing of it")
    site.bring_certificate(lab, product, [CERT, ALIAS])
    main = site.config.read_text()
    site.config.write_text(main.replace("\tinclude", f"{other(site, 1)}\tinclude"))
    try:
        run = install(product, site, upstream)
        assert run.code == 1 and run.json["result"] == "rolled_back" and run.json["error"]["step"] == "test", run
        assert f"another site for {ALIAS} on port {site.http_port}" in run.err and "conflicting" in run.err, run
        assert list(site.available.iterdir()) == [] and list(site.enabled.iterdir()) == []
    finally:
        site.config.write_text(main)
    assert install(product, site, upstream).json["result"] == "installed"


def test_haproxys_main_file_is_looked_into(lab, product, site, upstream):
    if site.webserver != "haproxy":
        pytest.skip("it is HAProxy's")
    site.bring_certificate(lab, product, [CERT, ALIAS])
    main = site.available.parent / "haproxy.cfg"
    main.write_text(other(site, 0))
    try:
        run = install(product, site, upstream)
        assert run.code == 1 and str(main) in run.err and f"port {site.port}" in run.err, run
        assert list(site.available.iterdir()) == []
    finally:
        main.unlink()


# --- turns ---


def second(lab, product, site, **changes):
    """Another installation with a store of its own and the same certificate in it."""
    more = lab.product()
    shutil.copytree(product.state, more.state, symlinks=True)
    site.configure_product(lab, more, [CERT, ALIAS], **changes)
    return more


def test_two_installations_take_turns(lab, product, site, upstream):
    """While the one's site is not tested yet, the other's test would fail over it."""
    if site.webserver == "haproxy":
        pytest.skip("it has room for one")
    site.bring_certificate(lab, product, [CERT, ALIAS])
    inside, go = site.dir / "inside", site.dir / "go"
    for path in (inside, go):
        path.unlink(missing_ok=True)
    slow = f"touch {inside}; until [ -e {go} ]; do sleep 0.05; done; false"
    site.configure_product(lab, product, [CERT, ALIAS], test_command=slow)
    first = product.start("vhost", "web", CERT, "--install", "--json")
    assert until(inside.exists, 60)
    quick = second(lab, product, site, timeout=4)
    run = install(quick, site, upstream, "--force")
    assert run.code == 4 and "another certferry" in run.err and str(product.state) in run.err, run
    patient = second(lab, product, site, timeout=120)
    process = patient.start("vhost", "web", CERT, "--install", "--json")
    time.sleep(1)
    assert process.poll() is None, process.communicate()
    go.touch()
    out, err = first.communicate(timeout=120)
    assert '"rolled_back"' in out, out + err
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and '"installed"' in out and "cut off" not in out, out + err
    assert until(lambda: site.request(CERT)[2] == "a file\n")
    assert not list(site.available.glob(".*")), "something is left beside it"
