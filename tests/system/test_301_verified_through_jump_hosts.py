# SPDX-License-Identifier: Apache-2.0
"""What a server behind a jump host serves is seen from there: by deployments, which are proven so, and by whoever asks."""

import pytest
from lab.processes import free_port, run
from lab.servers import self_signed, write

CERT = "behind.ferry.test"


@pytest.fixture
def bastion(lab):
    yield lab.servers["web-2"]
    lab.servers["web-2"].rule_ssh()


def behind(lab, target, **verify):
    """TARGET, whose handshakes go the way that SSH goes unless VERIFY says otherwise."""
    return lab.server_entry(target, proxy_jump="bastion", verify={"port": target.port, **verify})


def configure(lab, product, target, bastion, **verify):
    servers = {"web-1": behind(lab, target, **verify), "bastion": lab.server_entry(bastion)}
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers=servers))


def only_to(*ports):
    return "PermitOpen " + " ".join(f"127.0.0.1:{port}" for port in ports) + "\n"


def deployed(run):
    return run.deployed(CERT)["web-1"]


def test_a_deployment_is_proven_from_the_jump_host_within_one_login(lab, product, target, bastion):
    configure(lab, product, target, bastion)
    bastion.rule_ssh(only_to(target.ssh_port, target.port))
    before = bastion.ssh_sessions()
    run = product.run("apply", "--json")
    assert run.code == 0 and deployed(run)["result"] == "deployed", run
    assert lab.verified("web-1", CERT)
    assert bastion.ssh_sessions() == before + 1, "one connection to the jump host"
    again = product.run("deploy", "--json")
    assert deployed(again)["result"] == "unchanged", again


def test_a_jump_host_that_lets_nobody_to_that_port_is_named_and_everything_put_back(lab, product, target, bastion):
    configure(lab, product, target, bastion)
    before = target.fingerprint(CERT)
    bastion.rule_ssh(only_to(target.ssh_port))
    run = product.run("apply", "--json")
    assert run.code == 3 and deployed(run)["result"] == "rolled_back", run
    assert run.seconds < 15, "it waited for what is forbidden"
    error = deployed(run)["error"]
    assert error["step"] == "verify", error
    assert (f"the jump host bastion (127.0.0.1 port {bastion.ssh_port}) does not let us connect to 127.0.0.1 port "
            f"{target.port}") in error["detail"], error  # fmt: skip
    assert "PermitOpen" in error["hint"] and "verify: {address: " in error["hint"], error
    assert "verify: false" in error["hint"], error
    assert target.fingerprint(CERT) == before


@pytest.mark.parametrize("verify", [{"address": "127.0.0.1"}, {"via": "direct"}])
def test_whoever_says_so_looks_from_here(lab, product, target, bastion, verify):
    configure(lab, product, target, bastion, **verify)
    bastion.rule_ssh(only_to(target.ssh_port))
    run = product.run("apply", "--json")
    assert run.code == 0 and deployed(run)["result"] == "deployed", run


def test_an_account_that_may_only_be_gone_through_is_enough(lab, product, target, bastion):
    key = product.home / "through"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    options = f'restrict,port-forwarding,permitopen="127.0.0.1:{target.ssh_port}",permitopen="127.0.0.1:{target.port}"'
    allowed = bastion.ssh_dir / "authorized_keys"
    write(allowed, f"{allowed.read_text()}{options} {key.with_suffix('.pub').read_text()}")
    servers = {"web-1": behind(lab, target), "bastion": lab.server_entry(bastion, identity_file=str(key))}
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers=servers))
    done = product.run("apply", "--json")
    assert done.code == 0 and deployed(done)["result"] == "deployed", done
    assert "serves it" in product.run("list").out


def test_another_address_can_be_looked_at_from_the_jump_host(lab, product, target, bastion):
    """As the jump host knows it: this one it may not connect to, so that is where the question came."""
    configure(lab, product, target, bastion, address="localhost", via="jump")
    bastion.rule_ssh(only_to(target.ssh_port))
    run = product.run("apply", "--json")
    error = deployed(run)["error"]
    assert deployed(run)["result"] == "rolled_back" and f"connect to localhost port {target.port}" in error["detail"], run


def test_server_test_looks_from_the_jump_host(lab, product, target, bastion):
    configure(lab, product, target, bastion)
    bastion.rule_ssh(only_to(target.ssh_port, target.port))
    run = product.run("server", "test", "web-1")
    assert run.code == 0 and f"127.0.0.1 port {target.port} serves another certificate" in run.out, run
    bastion.rule_ssh(only_to(target.ssh_port))
    run = product.run("server", "test", "web-1")
    assert run.code != 0 and "does not let us connect to" in run.text and "PermitOpen" in run.text, run


def test_whoever_lists_is_told_what_is_served_behind_the_jump_host(lab, product, target, bastion):
    configure(lab, product, target, bastion)
    assert product.run("apply").code == 0
    before = bastion.ssh_sessions()
    run = product.run("list", "--json")
    entry = run.json["certificates"][0]["servers"][0]
    assert entry["status"] == "deployed" and entry["serves"]["certificate"] == "live", run
    assert bastion.ssh_sessions() == before + 1
    assert "and serves it" in product.run("plan").out
    assert "serves it" in product.run("show", CERT).out

    self_signed(target.live / "other", [CERT])
    text = (target.dir / f"vhosts/{CERT}.conf").read_text()
    write(target.dir / f"vhosts/{CERT}.conf", text.replace(str(target.live / CERT), str(target.live / "other")))
    target.reload()
    run = product.run("list", "--json")
    assert run.json["certificates"][0]["servers"][0]["status"] == "serves_another", run


def test_whoever_lists_is_told_why_nothing_was_seen(lab, product, target, bastion):
    configure(lab, product, target, bastion)
    assert product.run("apply").code == 0
    bastion.rule_ssh(only_to(target.ssh_port))
    run = product.run("list", "--json")
    assert run.json["certificates"][0]["servers"][0]["status"] == "unseen", run
    assert "does not let us connect" in product.run("show", CERT).out
    bastion.stop_ssh()
    run = product.run("plan")
    assert run.code == 0 and f"at the jump host bastion (127.0.0.1 port {bastion.ssh_port})" in run.out, run
    assert "cannot connect" in run.out, run
    run = product.run("apply", "--json")
    assert run.code == 0, f"what cannot be seen is not deployed to\n{run}"
    bastion.start_ssh()


def test_a_virtual_host_is_seen_from_the_jump_host(lab, product, target, bastion):
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}")]))
    assert product.run("apply").code == 0
    entry = {**behind(lab, target), "webserver": "nginx", "verify": {"port": free_port()},
             "vhosts": {"available": str(target.dir / "vhosts"), "http_port": free_port()}}  # fmt: skip
    servers = {"web-1": entry, "bastion": lab.server_entry(bastion)}
    domain = {**lab.wildcard(f"*.{CERT}", ["web-1"], serve=False)}
    product.write_config(lab.config([domain], servers={**servers, "web-1": {**entry, "verify": False}}))
    assert product.run("deploy").code == 0
    product.write_config(lab.config([domain], servers=servers))
    bastion.rule_ssh(only_to(target.ssh_port))
    refused = product.run("vhost", "web-1", CERT, "--install", "--json")
    assert refused.code != 0 and "does not let us connect to 127.0.0.1 port" in refused.text, refused
    bastion.rule_ssh(only_to(target.ssh_port, entry["verify"]["port"]))
    done = product.run("vhost", "web-1", CERT, "--install", "--json")
    assert done.code == 0, done
