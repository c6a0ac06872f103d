# SPDX-License-Identifier: Apache-2.0
"""Hooks: once per run or certificate, in certbot's order and with its variables; what fails is told, kept and tried again."""

import json
import os
import signal
import socket

import pytest

from lab.processes import free_port
from lab.wait import until


class Log:
    """A file that hooks write a line into each time they run."""

    def __init__(self, folder):
        self.path = folder / "hooks.log"

    def line(self, what, more=""):
        """A shell line that notes WHAT and its variables, then does MORE."""
        return f'echo "{what}|$RENEWED_LINEAGE|$RENEWED_DOMAINS|$FAILED_DOMAINS" >> {self.path}; {more or ":"}'

    def lines(self):
        return [line.split("|") for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def names(self):
        return [line[0] for line in self.lines()]


@pytest.fixture
def log(product):
    return Log(product.dir)


def folder_hook(product, when, name, script, mode=0o755):
    folder = product.state / "renewal-hooks" / when
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
    return path


def hooks(run, name, when=None):
    return [hook for hook in run.result(name)["hooks"] if when in (None, hook["when"])]


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def record(product, name):
    return json.loads((product.state / f"renewal/{name}.json").read_text())


def test_pre_and_post_once_for_three_certificates_deploy_for_each(lab, product, log):
    names = ["three-1.ferry.test", "three-2.ferry.test", "three-3.ferry.test"]
    own = {"pre": log.line("pre"), "post": log.line("post"), "deploy": log.line("deploy")}
    product.write_config(lab.config([lab.domain(name, aliases=["also-" + name], hooks=own) for name in names]))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert "no effect" not in run.err, run
    lines = log.lines()
    assert log.names() == ["pre", "deploy", "deploy", "deploy", "post"], lines
    for name in names:
        assert ["deploy", str(product.live(name)), f"{name} also-{name}", ""] in lines, lines
        assert [(hook["when"], hook["result"]) for hook in hooks(run, name)] == [
            ("pre", "ok"), ("deploy", "ok"), ("post", "ok")], run  # fmt: skip
    assert sorted(lines[-1][2].split()) == sorted(names + ["also-" + name for name in names]) and lines[-1][3] == ""

    # Nothing is due: no hook runs.
    assert product.run("apply").code == 0
    assert len(log.lines()) == 5
    # One of them is: its own alone.
    product.make_due(names[1])
    assert product.run("renew").code == 0
    assert log.names()[5:] == ["pre", "deploy", "post"]
    assert log.lines()[6][1] == str(product.live(names[1]))


def test_folders_first_in_order_and_nothing_twice(lab, product, log):
    for when in ("pre", "deploy", "post"):
        folder_hook(product, when, "20-b", log.line(f"{when}-b"))
        folder_hook(product, when, "10-a", log.line(f"{when}-a"))
        folder_hook(product, when, "05-backup~", log.line("backup"))
        folder_hook(product, when, "README", log.line("readme"), mode=0o644)
    twice = product.state / "renewal-hooks/deploy/20-b"
    domain = lab.domain("order.ferry.test", hooks={"pre": log.line("pre-own"), "deploy": str(twice), "post": ["/bin/sh", "-c", log.line("post-own")]})  # fmt: skip
    product.write_config(lab.config([domain]))
    run = product.run("apply")
    assert run.code == 0, run
    assert log.names() == ["pre-a", "pre-b", "pre-own", "deploy-a", "deploy-b", "post-a", "post-b", "post-own"]
    assert "pre    hook" in run.out and "deploy hook" in run.out, run


def test_a_hook_has_little_around_it(lab, product, log):
    """Its variables, / as its folder, nothing on stdin, a session of its own, nothing of ours open."""
    look = f"env | sort > {product.dir}/env; pwd > {product.dir}/pwd; ls /proc/self/fd > {product.dir}/fds; " \
           f"cat > {product.dir}/stdin; cut -d' ' -f5,6 /proc/$$/stat > {product.dir}/session; echo $$ >> {product.dir}/session"  # fmt: skip
    product.write_config(lab.config([lab.domain("env.ferry.test", hooks={"deploy": look})]))
    run = product.run("apply", env={"SECRET_OF_OURS": "x"})
    assert run.code == 0, run
    environment = dict(line.split("=", 1) for line in (product.dir / "env").read_text().splitlines())
    assert environment.pop("PWD") == "/" and environment.pop("PATH").startswith("/usr/local/sbin:")
    for name in ("_", "SHLVL", "OLDPWD"):
        environment.pop(name, None)
    assert environment == {
        "LANG": "C.UTF-8",
        "CERTFERRY_HOOK": "deploy",
        "CERTFERRY_CERT_NAME": "env.ferry.test",
        "RENEWED_LINEAGE": str(product.live("env.ferry.test")),
        "RENEWED_DOMAINS": "env.ferry.test",
    }, environment
    assert (product.dir / "stdin").read_text() == ""
    assert len((product.dir / "fds").read_text().split()) <= 4
    group, session, pid = (product.dir / "session").read_text().split()
    assert group == session == pid


def test_a_deploy_hook_that_fails_is_pending_and_retried_without_another_issuance(lab, product, log):
    broken = product.dir / "broken"
    broken.write_text("")
    own = {"deploy": log.line("deploy", f"test ! -e {broken} || {{ echo cannot reload >&2; exit 3; }}")}
    folder_hook(product, "deploy", "10-fine", log.line("fine"))
    product.write_config(lab.config([lab.domain("pending.ferry.test", hooks=own)]))
    run = product.run("apply", "--json")
    assert run.code == 3 and run.result("pending.ferry.test")["action"] == "issued", run
    fine, own = hooks(run, "pending.ferry.test")
    assert fine["result"] == "ok" and fine["error"] is None
    assert own["result"] == "failed" and own["output"] == "cannot reload", own
    assert own["error"]["step"] == "deploy-hook" and "exit code 3" in own["error"]["detail"], own
    assert "cannot reload" in run.err, run
    assert record(product, "pending.ferry.test")["hooks"][0]["failures"] == 1
    assert "certferry deploy pending.ferry.test" in own["error"]["hint"], own
    for command in ("list", "show", "plan"):
        shown = product.run(command, "pending.ferry.test")
        assert "deploy hook failed 1 time, is tried again by the next run: " in shown.out, shown

    mark = lab.ca.mark()
    for attempt in (2, 3, 4):
        run = product.run("apply", "--json")
        assert run.code == 3 and run.result("pending.ferry.test")["action"] == "unchanged", run
        assert record(product, "pending.ferry.test")["hooks"][0]["failures"] == attempt
    assert log.names() == ["fine", "deploy", "deploy", "deploy", "deploy"], "only what failed is run again"
    # Held back now, which is still no success.
    run = product.run("apply", "--json")
    held = hooks(run, "pending.ferry.test")[0]
    assert run.code == 3 and held["result"] == "pending" and held["error"]["retry_at"], run
    assert "held back" in run.err and "certferry deploy pending.ferry.test" in run.err, run
    assert len(log.names()) == 5

    broken.unlink()
    run = product.run("deploy", "pending.ferry.test", "--json")
    assert run.code == 0 and hooks(run, "pending.ferry.test")[0]["result"] == "ok", run
    assert "hooks" not in record(product, "pending.ferry.test")
    assert lab.ca.orders(mark) == 0
    run = product.run("apply", "--json")
    assert run.code == 0 and hooks(run, "pending.ferry.test") == [], run


def test_one_killed_between_the_switch_and_its_hook_runs_it_next_time(lab, product, log):
    gate = product.dir / "gate"
    own = {"deploy": log.line("deploy", f"while [ ! -e {gate} ]; do sleep 0.05; done; echo done >> {log.path}")}
    product.write_config(lab.config([lab.domain("killed.ferry.test", hooks=own)]))
    process = product.start("apply", together=True)
    until(lambda: log.names() == ["deploy"], "the deploy hook")
    process.kill()
    process.communicate(timeout=20)
    assert record(product, "killed.ferry.test")["deploy_hooks_due"] is True
    gate.write_text("")
    mark = lab.ca.mark()
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result("killed.ferry.test")["action"] == "unchanged", run
    assert hooks(run, "killed.ferry.test", "deploy")[0]["result"] == "ok"
    assert lab.ca.orders(mark) == 0
    assert "deploy_hooks_due" not in record(product, "killed.ferry.test")


def test_a_failing_pre_or_post_hook_is_told_and_keeps_nothing_from_being_issued(lab, product, log):
    own = {"pre": log.line("pre", "exit 1"), "post": log.line("post", "kill -9 $$"), "deploy": log.line("deploy")}
    product.write_config(lab.config([lab.domain("goeson.ferry.test", hooks=own)]))
    run = product.run("apply", "--json")
    assert run.code == 3 and run.result("goeson.ferry.test")["action"] == "issued", run
    assert {hook["when"]: hook["result"] for hook in hooks(run, "goeson.ferry.test")} == {
        "pre": "failed", "deploy": "ok", "post": "failed"}, run  # fmt: skip
    assert "exit code 1" in run.err and "signal 9" in run.err, run
    assert log.names() == ["pre", "deploy", "post"]
    # They belong to that run: nothing is pending.
    assert product.run("apply").code == 0


def test_a_rollback_runs_the_deploy_hooks(lab, product, log):
    product.write_config(lab.config([lab.domain("back.ferry.test", hooks={when: log.line(when) for when in ("pre", "deploy", "post")})]))
    assert product.run("apply").code == 0 and product.run("apply", "--force").code == 0
    run = product.run("rollback", "back.ferry.test", "--json")
    assert run.code == 0 and hooks(run, "back.ferry.test")[0]["result"] == "ok", run
    assert log.names() == ["pre", "deploy", "post"] * 2 + ["deploy"]
    assert log.lines()[-1][1] == str(product.live("back.ferry.test"))


def test_output_of_every_kind_does_no_harm(lab, product, log):
    noise = r"""printf '\033[2J\033]0;title\007\n\302\233 line\nerror: forged line\n'; head -c 3000000 /dev/zero | tr '\0' 'x' >&2; echo the cause >&2; exit 1"""
    product.write_config(lab.config([lab.domain("noise.ferry.test", hooks={"deploy": noise})]))
    run = product.run("apply", "-v")
    assert run.code == 3, run
    assert "\x1b" not in run.text and "\x9b" not in run.text and "\x07" not in run.text
    assert len(run.err) < 60_000, len(run.err)
    assert not [line for line in run.err.splitlines() if line.startswith("error: forged")], run.err[:2000]
    run = product.run("apply", "--json")
    output = hooks(run, "noise.ferry.test")[0]["output"]
    assert len(output.encode()) <= 4096 and "bytes left out …\n" in output and output.endswith("the cause"), output
    assert "the cause" in run.err


def test_one_that_hangs_is_killed_with_what_it_started(lab, product, log):
    pids = product.dir / "pids"
    own = {"deploy": f"trap '' TERM; sleep 1000 & echo $! $$ > {pids}; while :; do sleep 1; done"}
    product.write_config(lab.config([lab.domain("hangs.ferry.test", hooks=own)], renewal={"hook_timeout": 1}))
    run = product.run("apply", "--json", timeout=60)
    assert run.code == 3 and 6 <= run.seconds < 20, run
    error = hooks(run, "hangs.ferry.test")[0]["error"]
    assert "did not end in time" in error["detail"] and "hook_timeout" in error["hint"], error
    for pid in pids.read_text().split():
        assert not os.path.exists(f"/proc/{pid}/exe"), "a process of the hook's is left"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_others_could_change_is_not_run(lab, product, log):
    path = folder_hook(product, "deploy", "theirs", log.line("theirs"))
    os.chown(path, 65534, 65534)
    product.write_config(lab.config([lab.domain("owner.ferry.test")]))
    run = product.run("apply", "--json")
    assert run.code == 3, run
    error = hooks(run, "owner.ferry.test")[0]["error"]
    assert str(path) in error["detail"] and "chown root" in error["hint"], error
    os.chown(path, 0, 0)
    path.parent.chmod(0o777)
    run = product.run("apply", "--json")
    assert run.code == 3, run
    assert "could put some there" in run.err, run
    assert log.names() == []
    path.parent.chmod(0o755)
    run = product.run("apply", "--json")
    assert run.code == 0 and log.names() == ["theirs"], run
    assert product.run("apply").code == 0 and len(log.names()) == 1


def issue(lab, ca, product, *args, **more):
    return product.run("issue", "--server", ca.url, "--ca-bundle", ca.ca_bundle, "--state-dir", product.state,
                       "--agree-tos", "--email", "admin@ferry.test", "--json", *args, config=False, **more)  # fmt: skip


def test_issue_remembers_its_hooks_for_the_renewal(lab, product, log):
    own = [f"--{when}-hook" if part else log.line(when) for when in ("pre", "post", "deploy") for part in (1, 0)]
    run = issue(lab, lab.ca, product, "-d", "byhand.ferry.test", "--webroot", lab.webroot, *own)
    assert run.code == 0, run
    assert log.names() == ["pre", "deploy", "post"]
    run = product.run("renew", "--force", "--state-dir", product.state, config=False)
    assert run.code == 0, run
    assert log.names() == ["pre", "deploy", "post"] * 2
    run = issue(lab, lab.ca, product, "-d", "byhand.ferry.test", "--webroot", lab.webroot, "--pre-hook", "")
    assert run.code == 2 and "--pre-hook" in run.err, run


@pytest.fixture(scope="module")
def own_port(lab):
    """A CA that asks at a port which a web server has, unless it is stopped: ca.http_port."""
    port = free_port()
    ca = lab.another_ca(more={"httpPort": port}, authz_reuse=0)
    ca.http_port = port
    return ca


def server_hooks(product, port):
    """A web server of python's at PORT, started and stopped as a service would be."""
    pid = product.dir / "server.pid"
    start = (f"setsid /usr/bin/python3 -m http.server --bind 0.0.0.0 -d {product.home} {port} >/dev/null 2>&1 & "
             f"echo $! > {pid}; while ! /bin/bash -c 'echo > /dev/tcp/127.0.0.1/{port}' 2>/dev/null; do sleep 0.05; done")  # fmt: skip
    stop = f"kill $(cat {pid}); while [ -d /proc/$(cat {pid}) ]; do sleep 0.05; done"
    return start, stop, pid


@pytest.fixture
def web(own_port, product):
    """The same, running; gone afterwards."""
    start, stop, pid = server_hooks(product, own_port.http_port)
    assert os.system(start) == 0
    yield {"pre": stop, "post": start}
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_the_port_is_freed_for_validation_and_taken_again(lab, own_port, product, web, log):
    """In one run with a certificate that is validated through the web server: that one goes first."""
    port = own_port.http_port
    challenge = {"type": "http-01", "listen": f":{port}"}
    domains = [{"name": f"stopped-{number}.ferry.test", "challenge": challenge, "hooks": web} for number in (1, 2)]
    domains.append({"name": "needs-it.ferry.test", "webroot": str(product.home)})
    product.write_config(lab.config(domains, provider=lab.provider(own_port)))
    assert is_open(port)
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert all(run.result(domain["name"])["action"] == "issued" for domain in domains), run
    assert is_open(port), "the web server was not started again"


def test_it_is_taken_again_when_issuing_failed(lab, own_port, product, web, log):
    post = web["post"] + "; " + log.line("post")
    product.write_config(lab.config([{"name": "x.refused.test", "challenge": {"type": "http-01", "listen": f":{own_port.http_port}"},
                                      "hooks": {"pre": web["pre"], "post": post, "deploy": log.line("deploy")}}],
                                    provider=lab.provider(own_port)))  # fmt: skip
    run = product.run("apply", "--json")
    assert run.code == 1 and run.result("x.refused.test")["action"] == "failed", run
    assert is_open(own_port.http_port)
    assert log.lines() == [["post", "", "", "x.refused.test"]]
    # Held back after that: no hook runs for what is not tried.
    product.run("apply")
    if record(product, "x.refused.test").get("retry_at"):
        assert log.names() == ["post"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_taken_again_on_ctrl_c(lab, product, log, number):
    port, elsewhere = free_port(), free_port()
    ca = lab.another_ca(more={"httpPort": elsewhere})
    start, stop, pid = server_hooks(product, port)
    assert os.system(start) == 0
    product.write_config(lab.config([{"name": "ctrlc.ferry.test", "challenge": {"type": "http-01", "listen": f":{port}"},
                                      "hooks": {"pre": stop, "post": start, "deploy": log.line("deploy")}}],
                                    provider=lab.provider(ca)))  # fmt: skip
    with socket.create_server(("127.0.0.1", elsewhere)):  # takes the CA's connection and says nothing
        process = product.start("apply", together=True)
        until(lambda: any("/chalZ/" in path for _, path in ca.requests(0)), "the challenge answered")
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    ca.stop()
    assert process.returncode == 130, out
    assert is_open(port), f"the web server was not started again\n{out}"
    assert log.names() == []
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_interrupting_a_pre_hook_ends_it_and_runs_the_post_hook(lab, product, log):
    own = {"pre": log.line("pre", "sleep 600"), "post": log.line("post")}
    product.write_config(lab.config([lab.domain("prehang.ferry.test", hooks=own)]))
    mark = lab.ca.mark()
    process = product.start("apply", together=True)
    until(lambda: log.names() == ["pre"], "the pre hook")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130, out
    assert log.lines()[-1] == ["post", "", "", "prehang.ferry.test"], log.lines()
    assert lab.ca.orders(mark) == 0


def test_a_deploy_hook_may_look_at_what_is_stored(lab, product, log):
    """No lock of ours is in its way."""
    calls = [product.argv(*words, "--state-dir", product.state, config=False) for words in (["show", "inner.ferry.test"], ["renew"])]
    line = "; ".join(f"{' '.join(call)} >> {product.dir}/shown 2>&1" for call in calls)
    product.write_config(lab.config([lab.domain("inner.ferry.test", hooks={"deploy": line})]))
    run = product.run("apply", "--json")
    shown = (product.dir / "shown").read_text()
    assert run.code == 0, (run, shown)
    assert "validated by" in shown and "unchanged" in shown, shown
