# SPDX-License-Identifier: Apache-2.0
"""vhost: what cannot be is said, with what to do, and nothing on the server is touched."""

import pytest
from lab.processes import free_port

CERT = "refused-site.ferry.test"


@pytest.fixture
def server(lab, product):
    """An nginx with a folder of sites that is not included, and the certificate on it."""
    host = lab.servers["web-1"]
    sites = host.dir / "sites"
    for path in sites.glob("*") if sites.exists() else ():
        path.unlink()
    sites.mkdir(exist_ok=True)

    def configure(webserver="nginx", **more):
        """With links to the sites in MORE folder "enabled", if any."""
        vhosts = {"available": str(sites), "http_port": free_port(), **more}
        entry = lab.server_entry(host, webserver=webserver, vhosts=vhosts)
        domain = lab.wildcard(f"*.{CERT}", ["web-1"], serve=False)
        product.write_config(lab.config([domain], servers={"web-1": entry}))

    configure()
    return sites, configure


def test_what_is_wrong_with_the_command_line(product, server):
    _, configure = server
    cases = [
        ([], "name of a server"),
        (["web-1"], "name of a server"),
        (["web-1", CERT, "more"], "name of a server"),
        (["web-2", CERT], "web-2"),
        (["web-1", "nothing.ferry.test"], "nothing.ferry.test"),
        (["web-1", "../../etc/passwd"], "no certificate's name"),
        (["web-1", CERT, "--force"], "--install"),
        (["web-1", CERT, "--upstream", "http://127.0.0.1:3000;evil"], "--upstream"),
        (["web-1", CERT, "--upstream", "http://127.0.0.1:3000/\n}"], "--upstream"),
        (["web-1", CERT, "--upstream", "https://127.0.0.1"], "not for addresses"),
        (["web-1", CERT, "--upstream", "https://a", "--upstream", "http://a"], "all https"),
        (["web-1", CERT, "--upstream", "https://a", "--upstream", "https://b"], "by one name"),
        (["web-1", CERT, "--upstream", "http://a", "--upstream-ca", "/ca.pem"], "--upstream-ca"),
        (["web-1", CERT, "--upstream", "https://a", "--upstream-ca", "ca.pem;"], "--upstream-ca"),
    ]
    for words, said in cases:
        run = product.run("vhost", *words)
        assert run.code == 2 and said in run.err and run.out == "", run
    configure(webserver="haproxy")
    run = product.run("vhost", "web-1", CERT)
    assert run.code == 2 and "HAProxy serves no files" in run.err, run
    configure(webserver="custom")
    run = product.run("vhost", "web-1", CERT)
    assert run.code == 2 and "servers.web-1.webserver" in run.err, run


def test_a_certificate_that_is_not_there_yet_is_told_and_the_host_undone(lab, product, server):
    sites, _ = server
    run = product.run("vhost", "web-1", CERT, "--json")
    assert run.code == 0 and run.json["result"] == "printed" and "server_name" in run.json["text"], run
    assert "certferry apply" in run.json["notes"][0], run
    # Included, nginx itself says what is missing.
    (lab.servers["web-1"].dir / "conf.d/sites.conf").write_text(f"include {sites}/*;\n")
    try:
        run = product.run("vhost", "web-1", CERT, "--install", "--json")
    finally:
        (lab.servers["web-1"].dir / "conf.d/sites.conf").unlink()
    assert run.code == 1 and run.json["result"] == "rolled_back", run
    assert "cannot load certificate" in run.err and run.json["error"]["step"] == "test", run
    assert list(sites.iterdir()) == []


def test_a_folder_that_is_not_there(product, server):
    sites, configure = server
    sites.rmdir()
    run = product.run("vhost", "web-1", CERT, "--install")
    assert run.code == 1 and str(sites) in run.err and "servers.web-1.vhosts" in run.err, run
    assert not sites.exists()


def test_a_link_that_leads_elsewhere_stays(lab, product, server):
    sites, configure = server
    enabled = lab.servers["web-1"].dir / "links"
    enabled.mkdir(exist_ok=True)
    (enabled / CERT).unlink(missing_ok=True)
    (enabled / CERT).symlink_to("/somewhere/else")
    configure(enabled=str(enabled))
    run = product.run("vhost", "web-1", CERT, "--install", "--force")
    assert run.code == 1 and str(enabled / CERT) in run.err, run
    assert list(sites.iterdir()) == []
    assert (enabled / CERT).readlink().as_posix() == "/somewhere/else"


def test_a_server_that_cannot_be_reached(lab, product, server):
    lab.servers["web-1"].stop_ssh()
    run = product.run("vhost", "web-1", CERT, "--install", "--json")
    assert run.code == 1 and run.json["result"] == "failed" and run.json["error"]["step"] == "connect", run
    assert product.run("vhost", "web-1", CERT).code == 0
