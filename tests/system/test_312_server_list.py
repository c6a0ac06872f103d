# SPDX-License-Identifier: Apache-2.0
"""server list: what is meant for each server and what came of it last, from the records alone."""

from lab.servers import write

CERT = "listed.ferry.test"


def config(lab, **more):
    servers = {name: lab.server_entry(server) for name, server in lab.servers.items()}
    servers["web-1"]["webserver"] = "nginx"
    servers["idle"] = {"host": "2001:db8::7", "user": "deploy", "port": 2222}
    domains = [lab.domain(CERT, ["web-1", "web-2"]), lab.domain("second.ferry.test", ["web-2"])]
    return lab.config(domains, servers=servers, groups={"both": ["web-1", "web-2"], "one": ["web-2"]}, **more)


def listed(product, *names):
    run = product.run("server", "list", *names, "--json")
    assert run.code == 0, run
    return {entry["name"]: entry for entry in run.json["servers"]}


def test_before_anything_was_deployed(lab, product):
    product.write_config(config(lab))
    sessions = [server.ssh_sessions() for server in lab.servers.values()]
    entries = listed(product)
    assert list(entries) == ["web-1", "web-2", "idle"], "as the config has them"
    web = entries["web-2"]
    assert (web["host"], web["port"], web["webserver"]) == ("127.0.0.1", lab.servers["web-2"].ssh_port, "custom")
    assert web["user"] == lab.servers["web-2"].user
    assert web["certificates"] == [CERT, "second.ferry.test"] and web["groups"] == ["both", "one"], web
    assert web["status"] == "missing" and web["last_try"] is None and web["error"] is None, web
    assert entries["idle"]["certificates"] == [] and entries["idle"]["status"] is None, entries["idle"]
    run = product.run("server", "list")
    assert run.code == 0 and "deploy@[2001:db8::7]:2222" in run.out and "groups: both, one" in run.out, run
    assert sessions == [server.ssh_sessions() for server in lab.servers.values()], "no server was asked"
    assert not product.state.exists(), "and nothing was made here"


def test_what_came_of_it_last(lab, product):
    product.write_config(config(lab))
    lab.servers["web-2"].stop_ssh()
    assert product.run("apply").code == 3
    entries = listed(product)
    assert entries["web-1"]["status"] == "deployed" and entries["web-1"]["last_try"], entries["web-1"]
    web = entries["web-2"]
    assert web["status"] == "failed" and web["error"]["step"] == "connect", web
    assert list(listed(product, "web-1")) == ["web-1"]
    run = product.run("server", "list", "web-2")
    assert "failed" in run.out and "cannot connect" in run.out and "web-1" not in run.out, run

    lab.servers["web-2"].start_ssh()
    assert product.run("apply", "second.ferry.test", "--force").code == 0, "it is validated through web-2"
    assert product.run("deploy").code == 0
    assert {entry["status"] for entry in listed(product).values()} == {"deployed", None}
    # One that cannot be read hides nothing of the others.
    write(product.state / "renewal" / f"{CERT}.json", "{", 0o600)
    entries = listed(product)
    assert entries["web-1"]["status"] == "unknown" and "damaged" in str(entries["web-1"]["error"]), entries["web-1"]


def test_certificates_that_no_config_describes(lab, product):
    product.write_config(config(lab))
    lab.servers["web-1"].serve("by-hand.ferry.test", ["by-hand.ferry.test"])
    run = product.run("issue", "-d", "by-hand.ferry.test", "--webroot", lab.webroot, "--agree-tos", "--deploy", "web-1")
    assert run.code == 0, run
    assert "by-hand.ferry.test" in listed(product)["web-1"]["certificates"]
    run = product.run("server", "test", "web-1", "--json")
    (entry,) = run.json["servers"]
    served = next(step for step in entry["steps"] if step["step"] == "verify")
    assert "the live certificate for by-hand.ferry.test" in served["detail"], run


def test_the_wrong_words(lab, product):
    product.write_config(config(lab))
    for args, words in (
        ((), "told what to do"),
        (("lst",), 'server does not know "lst"'),
        (("list", "nobody"), 'no server "nobody"'),
    ):
        run = product.run("server", *args)
        assert run.code == 2 and words in run.err, run
    run = product.run("help", "server")
    assert run.code == 0 and "list" in run.out, run
