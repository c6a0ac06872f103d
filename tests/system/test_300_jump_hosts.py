# SPDX-License-Identifier: Apache-2.0
"""Servers that are reached through others, and servers that only the SSH config describes: real sshd at each end."""

from lab.servers import write

CERT = "jump.ferry.test"


def domain(lab, server="web-1"):
    return lab.wildcard(f"*.{CERT}", [server], serve=server in lab.servers)


def result(run, server="web-1"):
    return run.deployed(CERT)[server]


def by_way_of(lab, target, jump, **servers):
    return lab.config([domain(lab)], servers={"web-1": lab.server_entry(target, proxy_jump=jump), **servers})


def test_a_server_is_deployed_to_through_another(lab, product, target):
    jump = lab.servers["web-2"]
    before = jump.ssh_sessions()
    product.write_config(by_way_of(lab, target, "bastion", bastion=lab.server_entry(jump)))
    run = product.run("apply", "--json")
    assert run.code == 0 and result(run)["result"] == "deployed", run
    assert lab.verified("web-1", CERT)
    assert jump.ssh_sessions() == before + 1, "one connection to the jump host"


def test_an_unknown_host_key_on_the_way_is_told_with_the_jump_host(lab, product, target):
    known = product.home / "nobody"
    write(known, "")
    entry = lab.server_entry(lab.servers["web-2"], known_hosts=str(known))
    product.write_config(by_way_of(lab, target, "bastion", bastion=entry))
    run = product.run("apply", "--json")
    assert run.code != 0 and result(run)["result"] == "failed", run
    error = result(run)["error"]
    port = lab.servers["web-2"].ssh_port
    words = f"at the jump host bastion (127.0.0.1 port {port}) on the way there: the host key of 127.0.0.1"
    assert words in error["detail"], error
    assert "certferry server trust bastion" in error["hint"], error


def test_jump_hosts_in_a_circle_are_an_error_of_the_config(lab, product, target):
    entry = lab.server_entry(lab.servers["web-2"], proxy_jump="web-1")
    product.write_config(by_way_of(lab, target, "bastion", bastion=entry))
    run = product.run("config", "check")
    assert run.code == 2 and 'the jump hosts of "web-1" lead back to themselves' in run.err, run


def ssh_config(lab, product, text):
    folder = product.home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    write(folder / "config", text)


def host(lab, name, server, more=""):
    return (f"Host {name}\n  HostName 127.0.0.1\n  Port {server.ssh_port}\n  User {server.user}\n"
            f"  IdentityFile {lab.client_key}\n  UserKnownHostsFile {lab.known_hosts}\n{more}")  # fmt: skip


def test_a_server_of_the_ssh_config_gets_its_files_through_its_jump_host(lab, product, target):
    ssh_config(lab, product, host(lab, "far", target, "  ProxyJump near\n") + host(lab, "near", lab.servers["web-2"]))
    product.write_config(lab.config([domain(lab, "far")], servers={"web-2": lab.server_entry(lab.servers["web-2"])}))
    run = product.run("config", "check")
    assert run.code == 0 and "far" not in run.err, run
    shown = product.run("server", "list", "--json")
    assert [server["name"] for server in shown.json["servers"]] == ["web-2", "far"], "near is only on the way"
    tried = product.run("server", "test", "far")
    assert "127.0.0.1" in tried.text and "unknown" not in tried.text, tried


def test_what_decides_by_running_programs_is_refused_where_it_stands(lab, product, target):
    product.write_config(lab.config([domain(lab, "far")], servers={"web-2": lab.server_entry(lab.servers["web-2"])}))
    ssh_config(lab, product, host(lab, "far", target, "  ProxyCommand nc %h %p\n"))
    run = product.run("config", "check")
    assert run.code == 2 and ".ssh/config:7" in run.err and "proxy_jump" in run.err, run
    ssh_config(lab, product, 'Match originalhost far exec "true"\n  Port 22\n')
    run = product.run("config", "check")
    assert run.code == 2 and ".ssh/config:1: Match exec runs a program" in run.err, run
