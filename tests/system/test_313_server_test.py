# SPDX-License-Identifier: Apache-2.0
"""server test: everything short of a change, on real sshd and nginx; what is in the way is named, and nothing is touched."""

import os
import signal
import time

import pytest
from lab.processes import descendants, signal_all
from lab.servers import write

CERT = "tried.ferry.test"
STEPS = ["resolve", "connect", "host-key", "login", "sftp", "owner", "directory", "copies", "webroot", "space",
         "test", "reload", "verify"]  # fmt: skip


def configure(lab, product, serve=True, **changes):
    """A config where web-1 has CHANGES."""
    servers = {name: lab.server_entry(server) for name, server in lab.servers.items()}
    servers["web-1"].update(changes)
    servers["web-1"] = {key: value for key, value in servers["web-1"].items() if value is not None}
    domain = lab.wildcard(f"*.{CERT}", ["web-1", "web-2"], serve=serve)
    product.write_config(lab.config([domain], servers=servers))
    return product


def rehearse(product, *names, code=0):
    """Server -> step -> what came of it."""
    run = product.run("server", "test", *names, "--json")
    assert run.code == code, run
    return {server["name"]: {step["step"]: step for step in server["steps"]} for server in run.json["servers"]}


def failed(steps):
    return [name for name, step in steps.items() if step["result"] == "failed"]


@pytest.fixture
def deployed(lab, product):
    configure(lab, product)
    run = product.run("apply")
    assert run.code == 0, run
    return product


def test_all_is_well_and_nothing_is_touched(lab, deployed):
    trees = [server.tree() for server in lab.servers.values()]
    for name, steps in rehearse(deployed).items():
        assert list(steps) == STEPS, steps
        assert failed(steps) == [], steps
        assert all(step["seconds"] >= 0 and step["error"] is None for step in steps.values()), steps
        assert "127.0.0.1" in steps["resolve"]["detail"] and "OpenSSH" in steps["connect"]["detail"], steps
        assert "SHA256:" in steps["host-key"]["detail"] and lab.servers[name].user in steps["login"]["detail"], steps
        assert "1 there, 0 would be made" in steps["directory"]["detail"], steps
        assert steps["copies"]["result"] == steps["webroot"]["result"] == "skipped" and "MiB are free" in steps["space"]["detail"], steps
        assert steps["test"]["result"] == "ok" and "nginx" in steps["test"]["detail"], steps
        assert steps["reload"]["result"] == "skipped" and "was not run" in steps["reload"]["detail"], steps
        assert f"the live certificate for {CERT}" in steps["verify"]["detail"], steps
    assert trees == [server.tree() for server in lab.servers.values()]
    run = deployed.run("server", "test", "web-1")
    assert run.code == 0 and run.out.startswith("web-1: ok\n") and "web-2" not in run.out, run
    assert [line.split()[0] for line in run.out.splitlines()[1:]] == STEPS, run


def test_before_the_first_deployment(lab, product):
    configure(lab, product, dir=str(lab.dir / "servers/web-1/not/there/yet"))
    reloads = [(server.dir / "error.log").read_text().count(", reconfiguring") for server in lab.servers.values()]
    steps = rehearse(product)["web-1"]
    assert "would be made" in steps["directory"]["detail"] and "0 there, 1 would" in steps["directory"]["detail"], steps
    assert steps["verify"]["result"] == "ok" and "another certificate" in steps["verify"]["detail"], steps
    assert not (lab.dir / "servers/web-1/not").exists() and not product.state.exists()
    assert reloads == [(s.dir / "error.log").read_text().count(", reconfiguring") for s in lab.servers.values()]


def test_another_certificate_than_the_live_one_is_a_warning(lab, deployed):
    record = deployed.run("list", CERT, "--json").json["certificates"][0]
    lab.servers["web-1"].forget(CERT)
    lab.servers["web-1"].serve(CERT, [CERT])
    step = rehearse(deployed)["web-1"]["verify"]
    assert step["result"] == "warning" and "another certificate" in step["detail"], step
    assert record["fingerprint_sha256"] == lab.served("web-2", CERT)


def test_a_failing_test_command_and_a_server_that_is_down(lab, deployed):
    lab.servers["web-1"].break_nginx()
    lab.servers["web-2"].stop_ssh()
    run = deployed.run("server", "test")
    assert run.code == 1, run
    assert "this_is_no_directive" in run.err and "cannot connect" in run.err, run
    servers = rehearse(deployed, code=1)
    assert failed(servers["web-1"]) == ["test"] and servers["web-1"]["verify"]["result"] == "ok", servers
    assert list(servers["web-2"]) == ["resolve", "connect"] and failed(servers["web-2"]) == ["connect"], servers
    lab.servers["web-2"].start_ssh()
    assert failed(rehearse(deployed, code=3)["web-1"]) == ["test"]


def test_a_host_key_that_is_not_the_known_one(lab, product):
    server = lab.servers["web-1"]
    kind, key = server.known_hosts_line().split()[1:3]
    other = lab.servers["web-2"].known_hosts_line().split()[2]
    for number, (line, words) in enumerate((
        ("", "is not known"),
        (f"[127.0.0.1]:{server.ssh_port} {kind} {other}\n", "HAS CHANGED"),
        (f"[127.0.0.1]:{server.ssh_port} {kind} {key}\n@revoked * {kind} {key}\n", "is revoked"),
    )):  # fmt: skip
        configure(lab, product, known_hosts=str(write(lab.dir / f"hosts-{number}", line)))
        steps = rehearse(product, "web-1", code=1)["web-1"]
        assert list(steps) == ["resolve", "connect", "host-key"] and failed(steps) == ["host-key"], steps
        assert words in steps["host-key"]["error"]["detail"] and "SHA256:" in steps["host-key"]["error"]["detail"], steps


def test_a_login_that_is_refused(lab, product):
    from lab.processes import run

    key = product.dir / "other"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    configure(lab, product, identity_file=str(key))
    steps = rehearse(product, "web-1", code=1)["web-1"]
    assert list(steps)[-1] == "login" and failed(steps) == ["login"], steps
    assert "authorized_keys" in steps["login"]["error"]["hint"], steps


def test_what_the_config_gets_wrong_about_the_server(lab, deployed):
    for changes, step, words in (
        ({"owner": "nobody-of-that-name"}, "owner", "no user called"),
        ({"group": "no-such-group"}, "owner", "no group called"),
        ({"files": {"combined": f"{lab.dir}/nowhere/c.pem"}}, "copies", "there is no directory"),
        ({"files": {"combined": str(lab.dir)}}, "copies", "is no file"),
        ({"dir": str(lab.known_hosts)}, "directory", "is there and is no directory"),
        ({"test_command": "false"}, "test", "exited with status 1"),
        ({"verify": {"address": "127.0.0.1", "port": 1}}, "verify", "cannot connect to 127.0.0.1:1"),
    ):
        configure(lab, deployed, **changes)
        steps = rehearse(deployed, "web-1", code=1)["web-1"]
        assert failed(steps) == [step], steps
        assert words in steps[step]["error"]["detail"] and steps[step]["error"]["step"] == step, steps
        assert list(steps) == STEPS, "the others are looked at all the same"


def test_what_is_not_configured_is_skipped(lab, deployed):
    configure(lab, deployed, test_command="", reload_command="", verify=None)
    steps = rehearse(deployed, "web-1")["web-1"]
    assert {steps[name]["result"] for name in ("owner", "copies", "test", "reload", "verify")} == {"skipped"}, steps
    assert "no test_command" in steps["test"]["detail"] and "no reload_command" in steps["reload"]["detail"], steps


def test_copies_that_can_be_written(lab, deployed):
    configure(lab, deployed, files={"combined": f"{lab.servers['web-1'].home}/all-{{name}}.pem"})
    steps = rehearse(deployed, "web-1")["web-1"]
    assert steps["copies"]["result"] == "ok" and "1 can be written" in steps["copies"]["detail"], steps


def test_a_webroot_that_challenges_go_into(lab, product):
    servers = {"web-1": lab.server_entry(lab.servers["web-1"])}
    below = lab.webroot / ".well-known/acme-challenge"
    for webroot, code, words in (
        (lab.webroot, 0, "challenges can be written; certificates: 1"),
        (lab.webroot / "missing", 1, "there is no directory"),
    ):
        domain = lab.domain(CERT, ["web-1"], webroot=str(webroot))
        product.write_config(lab.config([domain], servers=servers))
        step = rehearse(product, code=code)["web-1"]["webroot"]
        assert words in str(step), step
        assert not below.exists() and not (lab.webroot / "missing").exists(), "nothing was made"


def test_hostile_words_reach_no_terminal(lab, deployed):
    """In sshd's greeting, its banner, and what the test command says."""
    server = lab.servers["web-1"]
    config = server.ssh_dir / "sshd_config"
    before = config.read_text()
    banner = write(server.ssh_dir / "banner", "\x1b[2J\x1b]0;owned\x07 welcome\n")
    server.stop_ssh()
    config.write_text(f"VersionAddendum \x1b[31mowned\x07\nBanner {banner}\n{before}")
    try:
        server.start_ssh()
        configure(lab, deployed, test_command="printf '\\033[2J\\007 owned\\n'; false")
        for args in ((), ("--json",), ("-v",)):
            run = deployed.run("server", "test", "web-1", *args)
            assert run.code == 1 and "owned" in run.text, run
            assert "\x1b" not in run.text and "\x07" not in run.text, run
    finally:
        server.stop_ssh()
        config.write_text(before)
        server.start_ssh()


def test_a_server_that_does_not_answer_any_more(lab, deployed):
    """Its time is over soon, and the other one does not wait for it."""
    configure(lab, deployed, timeout=2)
    server = lab.servers["web-1"]
    family = [server.sshd.process.pid, *descendants(server.sshd.process.pid)]
    signal_all(family, signal.SIGSTOP)
    try:
        run = deployed.run("server", "test", "--json")
    finally:
        signal_all(family, signal.SIGCONT)
    assert run.code == 3 and run.seconds < 15, run
    first, second = run.json["servers"]
    assert first["error"]["step"] == "connect" and "did not answer in time" in first["error"]["detail"], run
    assert second["ok"] is True, run


def test_ctrl_c_ends_it_at_once(lab, deployed):
    marker = lab.dir / "begun"
    configure(lab, deployed, test_command=f"touch {marker}; exec sleep 60")
    process, begin = deployed.start("server", "test", "web-1"), time.monotonic()
    while not marker.exists():
        assert time.monotonic() < begin + 20, "the test command was not run"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130


def test_the_wrong_words(lab, deployed):
    run = deployed.run("server", "test", "nobody")
    assert run.code == 2 and 'no server "nobody"' in run.err, run
    assert "nothing" in deployed.run("help", "server").out


# As an unprivileged user.


def test_a_directory_that_is_not_the_users(lab, deployed, account):
    server = lab.servers["web-1"]
    before = server.tree()
    configure(lab, deployed, user=account.name, test_command="true")
    steps = rehearse(deployed, "web-1", code=1)["web-1"]
    assert failed(steps) == ["directory"] and f"user {account.name} may not write in" in str(steps["directory"]), steps
    assert "sudo" in steps["directory"]["error"]["hint"], steps
    assert server.tree() == before

    empty = lab.dir / "servers/web-1/empty"
    empty.mkdir(mode=0o755)
    configure(lab, deployed, user=account.name, test_command="true", dir=str(empty / "below"))
    steps = rehearse(deployed, "web-1", code=1)["web-1"]
    assert failed(steps) == ["directory"] and f"may not write in {empty}" in str(steps["directory"]), steps
    # For a group that the user is not in: a list that modes do not show may let it in.
    empty.chmod(0o775)
    step = rehearse(deployed, "web-1")["web-1"]["directory"]
    assert step["result"] == "warning" and "cannot be told without trying" in step["detail"], step
    empty.chmod(0o777)
    steps = rehearse(deployed, "web-1", code=1)["web-1"]
    assert failed(steps) == ["directory"] and f"anybody on the server may change what is in {empty}" in str(steps), steps
    empty.chmod(0o755)
    os.chown(empty, *account.ids())
    assert failed(rehearse(deployed, "web-1")["web-1"]) == []
    assert list(empty.iterdir()) == []


def test_a_webroot_that_is_not_the_users(lab, product, account):
    entry = lab.server_entry(lab.servers["web-1"], user=account.name, dir=str(lab.dir / "servers/web-1/open"),
                             test_command="true")  # fmt: skip
    (lab.dir / "servers/web-1/open").mkdir()
    os.chown(lab.dir / "servers/web-1/open", *account.ids())
    product.write_config(lab.config([lab.domain(CERT, ["web-1"])], servers={"web-1": entry}))
    steps = rehearse(product, code=1)["web-1"]
    assert failed(steps) == ["webroot"] and "may not write in" in steps["webroot"]["error"]["detail"], steps


def test_files_that_the_user_may_not_give_away(lab, deployed, account):
    mine = lab.dir / "servers/web-1/mine"
    mine.mkdir(exist_ok=True)
    os.chown(mine, *account.ids())
    for changes, words in (({"owner": "root"}, "to user root"), ({"group": "root"}, "to group root")):
        configure(lab, deployed, user=account.name, test_command="true", dir=str(mine), **changes)
        steps = rehearse(deployed, "web-1", code=1)["web-1"]
        assert failed(steps) == ["owner"] and words in steps["owner"]["error"]["detail"], steps
    configure(lab, deployed, user=account.name, test_command="true", dir=str(mine), group=account.name)
    assert failed(rehearse(deployed, "web-1")["web-1"]) == []


def test_through_sudo(lab, deployed, account):
    server = lab.servers["web-1"]
    configure(lab, deployed, user=account.name, sudo=True, owner="root", group="root")
    account.sudo()
    steps = rehearse(deployed, "web-1", code=1)["web-1"]
    assert failed(steps) == ["sftp"] and "sudoers" in steps["sftp"]["error"]["hint"], steps
    account.sudo(f'{account.name} ALL=(root) NOPASSWD: /usr/lib/openssh/sftp-server ""',
                 f"{account.name} ALL=(root) NOPASSWD: {server.test_command}")  # fmt: skip
    before = server.tree()
    steps = rehearse(deployed, "web-1")["web-1"]
    assert failed(steps) == [] and "sudo" in steps["sftp"]["detail"], steps
    assert server.tree() == before
