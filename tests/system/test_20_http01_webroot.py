# SPDX-License-Identifier: Apache-2.0
"""A certificate with several names by http-01 through a web root."""

from lab import certificates


def test_several_names_by_one_web_root(lab, product):
    keep = lab.webroot / "index.html"
    keep.write_text("hello\n")
    aliases = ["ferry.test", "blog.ferry.test", "shop.ferry.test"]
    product.write_config(lab.config([lab.domain("www.ferry.test", aliases=aliases)]))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert run.result("www.ferry.test")["action"] == "issued", run
    assert run.result("www.ferry.test")["deployed"] == [], run
    cert = product.live("www.ferry.test") / "cert.pem"
    assert certificates.names(cert) == sorted(["www.ferry.test", *aliases])
    assert certificates.pair_matches(product.live("www.ferry.test"))
    assert not list(lab.webroot.glob(".well-known/acme-challenge/*")), "challenge files are left"
    assert keep.read_text() == "hello\n"
    assert not lab.cloudflare.requests(), "http-01 needs no DNS vendor"


def test_the_challenge_files_are_readable_by_the_web_server(lab, product):
    """The umask of who runs this is no excuse: the CA must get the files from a web server of another user."""
    product.write_config(lab.config([lab.domain("umask.ferry.test")]))
    run = product.run("apply")
    assert run.code == 0, run
    log = (lab.web.dir / "access.log").read_text()
    assert '" 200 ' in log and "/.well-known/acme-challenge/" in log


def test_a_web_root_shared_with_foreign_challenges(lab, product):
    folder = lab.webroot / ".well-known/acme-challenge"
    folder.mkdir(parents=True, exist_ok=True)
    foreign = folder / "somebody-elses-token"
    foreign.write_text("x")
    product.write_config(lab.config([lab.domain("shared.ferry.test")]))
    run = product.run("apply")
    assert run.code == 0, run
    assert [path.name for path in folder.iterdir()] == [foreign.name]
    foreign.unlink()


def test_without_a_config(lab, product):
    run = product.run("issue", "-d", "cli.ferry.test", "-d", "cli2.ferry.test", "--webroot", lab.webroot, "--server",
                      lab.ca.url, "--ca-bundle", lab.ca.ca_bundle, "--state-dir", product.state, "--agree-tos",
                      "--email", "admin@ferry.test", "--json", config=False)  # fmt: skip
    assert run.code == 0, run
    assert run.json["results"][0]["action"] == "issued", run
    name = run.json["results"][0]["name"]
    assert certificates.names(product.live(name) / "cert.pem") == ["cli.ferry.test", "cli2.ferry.test"]
