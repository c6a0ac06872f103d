# SPDX-License-Identifier: Apache-2.0
"""server trust: a host key is accepted after its fingerprint was shown; a changed one only with a word of its own, a
revoked one never."""

import os
import pty
import stat
import subprocess

import pytest
from lab.processes import run as run_tool
from lab.servers import write

CERT = "trusted.ferry.test"


@pytest.fixture
def target(lab, product):
    """A product whose known_hosts, for web-1, is a file of its own that is not there yet."""
    hosts = product.dir / "ssh" / "known_hosts"
    servers = {name: lab.server_entry(server) for name, server in lab.servers.items()}
    servers["web-1"]["known_hosts"] = str(hosts)
    product.write_config(lab.config([lab.domain(CERT, ["web-1"])], servers=servers))
    product.hosts = hosts
    return product


def shown_by_ssh_keygen(server):
    return run_tool(["ssh-keygen", "-lf", server.ssh_dir / "host_key.pub"]).split()[1]


def of(server, host=None):
    """The line of SERVER's key, as it should be in the file."""
    return server.known_hosts_line() if host is None else f"{host} {server.known_hosts_line().split(' ', 1)[1]}"


def trust(product, *args):
    return product.run("server", "trust", "web-1", *args)


def on_terminal(product, *args, answer):
    """The same with a terminal, on which ANSWER is typed: exit status and what was shown."""
    control, terminal = pty.openpty()
    process = subprocess.Popen(product.argv("server", "trust", "web-1", *args), env=product.env(), cwd=product.dir,
                               stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)  # fmt: skip
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(control, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
        if b'"yes"' in part and answer is not None:
            os.write(control, answer)
            answer = None
    os.close(control)
    return process.wait(30), shown.decode()


def test_an_unknown_key_is_accepted_and_then_deployed_with(lab, target):
    server, fingerprint = lab.servers["web-1"], shown_by_ssh_keygen(lab.servers["web-1"])
    assert "server trust web-1" in target.run("server", "test", "web-1").err
    sessions = server.ssh_sessions()
    run = trust(target, "--yes", "--json")
    assert run.code == 0, run
    (entry,) = run.json["trusted"]
    assert entry["result"] == "trusted" and entry["fingerprint"] == fingerprint, entry
    assert entry["name"] == "web-1" and entry["key_type"] == "ssh-ed25519" and entry["replaced"] == 0, entry
    assert target.hosts.read_text() == of(server)
    assert stat.S_IMODE(target.hosts.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.hosts.parent.stat().st_mode) == 0o700
    assert sessions == server.ssh_sessions(), "nobody logged in"

    before = target.hosts.stat()
    run = trust(target)
    assert run.code == 0 and "known already" in run.out and fingerprint in run.out, run
    assert target.hosts.stat().st_mtime_ns == before.st_mtime_ns, "nothing to write"
    assert target.run("apply").code == 0


def test_what_else_is_in_the_file_stays(lab, target):
    text = f"# ours\n\n|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|aGFzaGhhc2hoYXNoaGFzaGhhc2g= ssh-rsa AAAA\n{of(lab.servers['web-2'])}".rstrip()
    write(target.hosts, text, 0o644)
    assert trust(target, "--yes").code == 0
    assert target.hosts.read_text() == f"{text}\n{of(lab.servers['web-1'])}"
    assert stat.S_IMODE(target.hosts.stat().st_mode) == 0o644, "others may have had to read it"
    assert [path.name for path in target.hosts.parent.iterdir()] == ["known_hosts"], "nothing is left beside it"


def test_nobody_can_be_asked(lab, target):
    run = trust(target)
    assert run.code == 2 and "--yes" in run.err and shown_by_ssh_keygen(lab.servers["web-1"]) in run.err, run
    assert "ssh-keygen -lf" in run.err and not target.hosts.exists(), run


def test_on_a_terminal_the_fingerprint_is_shown_first(lab, target):
    for answer in (b"no\n", b"\n", b"\x04"):
        code, shown = on_terminal(target, answer=answer)
        assert code == 2 and "not confirmed" in shown and not target.hosts.exists(), shown
    code, shown = on_terminal(target, answer=b"yes\n")
    assert code == 0, shown
    question, _, after = shown.partition('"yes"')
    assert shown_by_ssh_keygen(lab.servers["web-1"]) in question and "ssh-keygen -lf" in question, shown
    assert "is known from now on" in after and target.hosts.read_text() == of(lab.servers["web-1"]), shown


def test_a_changed_key_needs_a_word_of_its_own(lab, target):
    server = lab.servers["web-1"]
    old = lab.servers["web-2"].known_hosts_line().split()[2]
    mine = f"[127.0.0.1]:{server.ssh_port}"
    run_tool(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", "", "-f", target.dir / "ecdsa"])
    ecdsa = " ".join((target.dir / "ecdsa.pub").read_text().split()[:2])
    text = f"{mine} ssh-ed25519 {old}\n{mine} {ecdsa}\nother,{mine} ssh-ed25519 {old} two names\n"
    write(target.hosts, text, 0o600)
    for args in (("--yes",), ()):
        run = trust(target, *args)
        assert run.code == 1 and "HAS CHANGED" in run.err and "--replace" in run.err, run
        assert target.hosts.read_text() == text
    assert trust(target, "--replace").code == 2, "the word replaces no confirmation"
    code, shown = on_terminal(target, "--replace", answer=b"no\n")
    assert code == 2 and "HAS CHANGED" in shown and target.hosts.read_text() == text, shown

    run = trust(target, "--replace", "--yes", "--json")
    assert run.code == 0, run
    assert run.json["trusted"][0]["result"] == "replaced" and run.json["trusted"][0]["replaced"] == 2, run
    assert target.hosts.read_text() == f"{mine} {ecdsa}\nother ssh-ed25519 {old} two names\n{of(server)}"
    assert target.run("server", "test", "web-1").code == 0


def test_hashed_names_are_found_too(lab, target):
    """As ssh(1) writes them with HashKnownHosts."""
    server = lab.servers["web-1"]
    old = lab.servers["web-2"].known_hosts_line().split()[2]
    write(target.hosts, f"[127.0.0.1]:{server.ssh_port} ssh-ed25519 {old}\nkept.test ssh-ed25519 {old}\n", 0o600)
    run_tool(["ssh-keygen", "-q", "-H", "-f", target.hosts])
    hashed = target.hosts.read_text().splitlines()
    assert all(line.startswith("|1|") for line in hashed)
    assert trust(target, "--replace", "--yes").code == 0
    assert target.hosts.read_text() == f"{hashed[1]}\n{of(server)}"


def test_a_revoked_key_is_never_accepted(lab, target):
    server = lab.servers["web-1"]
    for more in ("", of(server)):
        text = f"@revoked * {server.known_hosts_line().split(' ', 1)[1]}{more}"
        write(target.hosts, text, 0o600)
        for args in (("--yes",), ("--yes", "--replace")):
            run = trust(target, *args)
            assert run.code == 1 and "is revoked" in run.err, run
            assert target.hosts.read_text() == text


def test_a_line_for_more_hosts_is_not_touched(lab, target):
    old = lab.servers["web-2"].known_hosts_line().split()[2]
    text = f"[127.*]:{lab.servers['web-1'].ssh_port} ssh-ed25519 {old}\n"
    write(target.hosts, text, 0o600)
    run = trust(target, "--yes", "--replace")
    assert run.code == 2 and "line 1 stands for more hosts" in run.err, run
    assert target.hosts.read_text() == text


def test_a_malformed_line_about_the_host_is_told(lab, target):
    server = lab.servers["web-1"]
    text = f"{of(server)}[127.0.0.1]:{server.ssh_port} ssh-rsa AAAA\n"
    write(target.hosts, text, 0o600)
    # Reading such a line, libssh 0.10 loses some memory.
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    run = target.run("server", "trust", "web-1", "--yes", env={"ASAN_OPTIONS": sanitizer})
    assert run.code == 2 and "line 1" in run.err and "malformed" in run.err, run
    assert target.hosts.read_text() == text


def test_a_link_is_followed(lab, target):
    real = write(target.dir / "real_hosts", "# real\n", 0o600)
    target.hosts.parent.mkdir(mode=0o700)
    target.hosts.symlink_to(real)
    assert trust(target, "--yes").code == 0
    assert target.hosts.is_symlink() and real.read_text() == f"# real\n{of(lab.servers['web-1'])}"


def test_two_at_once_lose_nothing_of_each_other(lab, target):
    servers = {name: lab.server_entry(server, known_hosts=str(target.hosts)) for name, server in lab.servers.items()}
    target.write_config(lab.config([lab.domain(CERT, list(servers))], servers=servers))
    for _ in range(3):
        target.hosts.unlink(missing_ok=True)
        running = [target.start("server", "trust", name, "--yes") for name in servers]
        assert [process.wait(30) for process in running] == [0, 0], [p.communicate() for p in running]
        assert sorted(target.hosts.read_text().splitlines(True)) == sorted(map(of, lab.servers.values()))


def test_a_server_behind_a_jump_host(lab, target):
    """The jump host's key is accepted first, by its own name."""
    servers = {name: lab.server_entry(server, known_hosts=str(target.hosts)) for name, server in lab.servers.items()}
    servers["web-1"]["proxy_jump"] = "web-2"
    target.write_config(lab.config([lab.domain(CERT, ["web-1"])], servers=servers))
    run = trust(target, "--yes")
    assert run.code == 1 and "jump host web-2" in run.err and "server trust web-2" in run.err, run
    assert target.run("server", "trust", "web-2", "--yes").code == 0
    assert trust(target, "--yes").code == 0
    run = target.run("server", "test", "web-1", "--json")
    assert run.code == 0 and run.json["servers"][0]["steps"][0]["step"] == "jump", run
    assert "via web-2" in target.run("server", "list").out


def test_a_server_of_the_ssh_config(lab, target):
    """Reached as ssh(1) would, and its key is known where ssh(1) looks for it."""
    server = lab.servers["web-1"]
    write(target.home / ".ssh/config", f"Host far\n\tHostName 127.0.0.1\n\tPort {server.ssh_port}\n"
          f"\tUser {server.user}\n\tIdentityFile {lab.client_key}\n", 0o600)  # fmt: skip
    config = lab.config([{"name": CERT, "webroot": str(lab.webroot), "servers": ["far"]}])
    del config["ssl"]["servers"]
    target.write_config(config)
    assert f"{server.user}@127.0.0.1:{server.ssh_port}" in target.run("server", "list").out
    run = target.run("server", "trust", "far", "--yes")
    assert run.code == 0 and (target.home / ".ssh/known_hosts").read_text() == of(server), run
    steps = {step["step"]: step["result"] for step in target.run("server", "test", "--json").json["servers"][0]["steps"]}
    assert steps["login"] == "ok" and steps["sftp"] == "ok" and steps["test"] == "skipped", steps


def test_hostile_words_reach_no_terminal(lab, target):
    server = lab.servers["web-1"]
    banner = write(server.ssh_dir / "banner", "\x1b[2J\x1b]0;owned\x07 welcome\n")
    server.rule_ssh(f"VersionAddendum \x1b[31mowned\x07\nBanner {banner}\n")
    try:
        for args in (("-v",), ("--yes", "-v", "-v"), ("--json",)):
            run = trust(target, *args)
            assert "\x1b" not in run.text and "\x07" not in run.text, run
        code, shown = on_terminal(target, "-v", answer=b"yes\n")
        assert code == 0 and "\x1b" not in shown and "\x07" not in shown, shown
    finally:
        server.rule_ssh()


def test_no_server_there(lab, target):
    lab.servers["web-1"].stop_ssh()
    run = trust(target, "--yes")
    assert run.code == 1 and "cannot connect" in run.err and not target.hosts.exists(), run
    lab.servers["web-1"].start_ssh()
    for args, words in (((), "name of one server"), (("web-1", "web-2"), "name of one server"), (("x",), 'no server "x"')):
        run = target.run("server", "trust", *args, "--yes")
        assert run.code == 2 and words in run.err, run
