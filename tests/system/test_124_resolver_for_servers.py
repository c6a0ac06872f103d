# SPDX-License-Identifier: Apache-2.0
"""--resolver is asked for every name: also for SSH hosts, and for where a deployment is verified."""

import subprocess

import pytest

HOST = "ssh.hosts.ferry.test"


@pytest.fixture
def entry(lab):
    """web-1 by a name that only the laboratory's DNS knows, with an IPv6 address where nobody listens before IPv4's."""
    server = lab.servers["web-1"]
    kind, key = (server.ssh_dir / "host_key.pub").read_text().split()[:2]
    known_hosts = lab.dir / "known_hosts-by-name"
    known_hosts.write_text(f"[{HOST}]:{server.ssh_port} {kind} {key}\n")
    lab.cloudflare.add("ferry.test", HOST, "::1", kind="AAAA")
    lab.cloudflare.add("ferry.test", HOST, "127.0.0.1", kind="A")
    return lab.server_entry(server, host=HOST, known_hosts=str(known_hosts),
                            verify={"address": HOST, "port": server.port})  # fmt: skip


def test_a_server_by_a_name_of_the_laboratory(lab, product, entry):
    product.write_config(lab.config([lab.wildcard("*.byname.ferry.test", ["web-1"])], servers={"web-1": entry}))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert run.deployed("byname.ferry.test")["web-1"]["result"] == "deployed", run
    lab.verified("web-1", "byname.ferry.test")


def test_the_host_key_is_still_looked_up_by_name(lab, product, entry):
    entry["known_hosts"] = str(lab.known_hosts)  # knows [127.0.0.1]:PORT alone
    product.write_config(lab.config([lab.wildcard("*.keyname.ferry.test", ["web-1"])], servers={"web-1": entry}))
    run = product.run("apply", "--json")
    assert run.code == 3, run
    error = run.deployed("keyname.ferry.test")["web-1"]["error"]
    assert f"the host key of {HOST} port" in error["detail"] and "is not known" in error["detail"], error


def test_a_name_that_does_not_exist_is_told_before_anything_is_begun(lab, product, entry):
    entry["host"] = "missing.ferry.test"
    product.write_config(lab.config([lab.wildcard("*.noname.ferry.test", ["web-1"])], servers={"web-1": entry}))
    run = product.run("apply", "--json")
    assert run.code == 3, run
    error = run.deployed("noname.ferry.test")["web-1"]["error"]
    assert "missing.ferry.test" in error["detail"] and "--resolver" in error["hint"], error


def test_without_resolver_the_system_is_asked(lab, product, entry):
    """It does not know the laboratory's names, but those of /etc/hosts."""
    product.write_config(lab.config([lab.domain("system.ferry.test", [])]))
    assert product.run("apply").code == 0
    entry["host"] = "localhost"
    server = lab.servers["web-1"]
    known_hosts = lab.dir / "known_hosts-localhost"
    known_hosts.write_text((lab.dir / "known_hosts-by-name").read_text().replace(HOST, "localhost"))
    entry.update(known_hosts=str(known_hosts), verify={"address": "localhost", "port": server.port})
    product.write_config(lab.config([lab.domain("system.ferry.test", ["web-1"])], servers={"web-1": entry}))
    resolver = product.resolver
    argv = [word for word in product.argv("deploy", "--json") if word not in ("--resolver", resolver)]
    done = subprocess.run(argv, env=product.env(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    lab.verified("web-1", "system.ferry.test")
