# SPDX-License-Identifier: Apache-2.0
"""Test and reload commands that hang, flood, talk to the terminal, die, go on in the background, change what they should not,
or take the server's sshd with them: the run ends in time, says what happened, and the server has what it had or the new.
"""

import contextlib
import os
import shutil
import signal

from lab import certificates
from lab.hostile import dangerous
from lab.processes import descendants
from lab.product import ROOT
from lab.wait import until

from conftest import need

PATIENCE, SLACK = 2, 20  # seconds: command_timeout, and for ten couriers and an nginx each on a busy machine
FLOOD = 100_000_000
HOSTILE = r"""printf '\033]0;owned\007\033[2J\033[31mred\r\nOK forged\000behind\377\376\302\233 \342\200\256gpj\342\200\254 \342\200\250line'"""


def meet(slots, cases, watched=True, **changes):
    """One run in which each slot has one of CASES, (changes of its server, result, step, texts that its error has); what
    must hold after it, and the next run."""
    slots.settle("ours")
    for slot, (change, *_) in zip(slots, cases):
        slot.changes = {key: value.format(slot=slot, go=slot.control) for key, value in change.items()}
    with slots.watched() if watched else contextlib.nullcontext(), slots.commands_ended():
        run = slots.deploy(command_timeout=PATIENCE, **changes)
    deployed = slots.check(run) if watched else run.deployed(slots.cert)
    assert not dangerous(run.text), (dangerous(run.text), run)
    for slot, (_, result, step, texts) in zip(slots, cases):
        entry = deployed[slot.name]
        assert entry["result"] == result, f"{slot.name}: not {result}: {entry}"
        if result == "deployed":
            continue
        assert entry["error"]["step"] == step and len(entry["error"]["detail"]) < 6000, entry
        for text in texts:
            assert text in entry["error"]["detail"], f"{slot.name}: does not say {text!r}: {entry['error']['detail']}"
        assert not any(ord(letter) < 32 and letter not in "\n\t" for letter in entry["error"]["detail"]), entry
    slots.recover()
    return run, deployed


def in_test(command, result, *texts):
    return {"test_command": command}, result, "test", texts


def in_reload(command, result, *texts):
    return {"reload_command": command}, result, "reload", texts


def no_effect(command, *texts, result="rolled_back"):
    return {"reload_command": command}, result, "verify", ("still serves", *texts)


def test_while_they_are_tested(slots):
    late = f"did not end within {PATIENCE} s"
    run, deployed = meet(slots, [
        in_test("echo I wait for you; sleep 600", "rolled_back", late, "I wait for you"),
        in_test("trap '' TERM HUP INT; while [ -e {go} ]; do sleep 1; done", "rolled_back", late),
        in_test("yes out", "rolled_back", late, "out\nout"),
        in_test("yes err >&2", "rolled_back", late, "err\nerr"),
        in_test(HOSTILE + "; head -c 90000 /dev/zero | tr '\\0' x; echo; echo the cause; exit 1", "rolled_back", "exited with status 1",
                "\\x1b]0;owned", "bytes left out …\n", "\nthe cause"),
        in_test("kill -SEGV $$", "rolled_back", "signal SEGV"),
        in_test("sleep 600 & echo $! > {go}/pid", "deployed"),
        in_test("yes & echo $! > {go}/pid; {slot.nginx.test_command}", "deployed"),
        in_test("cat && ! read line && {slot.nginx.test_command}", "deployed"),
        in_test("kill -9 $PPID; sleep 600", "rolled_back", "cut"),
    ])  # fmt: skip
    assert run.seconds < 2 * PATIENCE + SLACK, run
    for name in ("s0", "s1", "s2", "s3"):
        assert "command_timeout" in deployed[name]["error"]["hint"], deployed[name]


def test_while_they_reload(slots):
    late = f"did not end within {PATIENCE} s"
    twice = "if [ -e {go}/once ]; then echo not twice; exit 7; fi; touch {go}/once"
    long = ": " + "x" * 3000 + "; exit 9"
    meet(slots, [
        in_reload("sleep 600", "rolled_back", late, "but reloading them failed too"),
        in_reload("exec >&- 2>&-; sleep 1; exit 3", "rolled_back", "exited with status 3"),
        in_reload("{slot.nginx.reload_command}; kill -9 $PPID; sleep 600", "rolled_back", "cut"),
        in_reload("{slot.nginx.reload_command}; sleep 600 & echo $! > {go}/pid", "deployed"),
        in_reload(long, "rolled_back", "exited with status 9", "but reloading them failed too"),
        no_effect("true"),
        no_effect(twice, "but reloading them failed too", "exited with status 7"),
    ])  # fmt: skip


def test_that_change_the_files_themselves(slots):
    """What they destroy is theirs; the run still ends with what it knows, and the next one puts everything in order."""
    meet(slots, [
        in_test("rm -rf {slot.home}; exit 1", "failed", "exited with status 1", "putting the previous files back failed"),
        in_test("rm -rf {slot.home}/generations/*; exit 1", "failed", "removed the previous files meanwhile"),
        in_test("rm {slot.home}/current; ln -s /etc {slot.home}/current; exit 1", "rolled_back"),
        in_test("rm {slot.home}/*.pem; cp {slot.slots.plain}/*.pem {slot.home}; exit 1", "rolled_back"),
        in_test("rm {slot.home}/.certferry-*; exit 1", "rolled_back"),
        in_test("rm {slot.extra}/*; exit 1", "rolled_back"),
        in_test(": > {slot.home}/privkey.pem; exit 1", "rolled_back"),
        in_reload("{slot.nginx.reload_command}; rm {slot.home}/cert.pem", "deployed"),
    ], watched=False)  # fmt: skip


def test_that_remove_what_there_is_to_go_back_to(slots):
    """The new files stay then, whole, and that is said, with what to do."""
    previous, gone = "{slot.home}/$(readlink {slot.home}/.certferry-previous)", "something has removed"
    kept = "{slot.extra}/.combined.pem.certferry-previous"
    _, deployed = meet(slots, [
        in_test(f"rm -r {previous}; exit 1", "failed", "exited with status 1", gone),
        in_test(f"rm {kept}; exit 1", "failed", gone, "combined.pem meanwhile"),
        in_reload(f"{{slot.nginx.reload_command}}; rm -r {previous}; exit 1", "failed", gone),
        no_effect(f"rm -r {previous}", gone, result="failed"),
    ])  # fmt: skip
    for slot, entry in zip(slots, list(deployed.values())[:4]):
        assert "the new files" in entry["error"]["hint"] and "stay there" in entry["error"]["hint"], entry
        assert "`certferry deploy` tests and loads them" in entry["error"]["hint"], entry


def test_that_remove_a_part_of_it(slots):
    """A key without its certificate, or the other way round, is nothing to go back to."""
    slots.settle("ours")
    for slot, name in zip(slots, ("privkey.pem", "fullchain.pem")):
        slot.changes = {"test_command": f"rm {slot.home}/$(readlink {slot.home}/.certferry-previous)/{name}; exit 1"}
        slot.previous = slot.home / os.readlink(slot.home / "current")
    run = slots.deploy("--to", "s0", "--to", "s1")
    assert run.code == 1, run
    for slot in slots.slots[:2]:
        entry = run.deployed(slots.cert)[slot.name]
        slot.check(entry, slots.new)
        assert entry["result"] == "failed" and f"removed the previous files meanwhile: {slot.previous}" in entry["error"]["detail"], entry
        assert slot.look() == (slots.new, slots.new) and "the new files stay there" in entry["error"]["hint"], entry
        shutil.rmtree(slot.previous)
    slots.recover()


def test_one_that_hangs_costs_the_others_nothing(slots):
    """They are done while it still runs."""
    slots.settle("ours")
    first, others = slots.slots[0], slots.slots[1:]
    first.changes = {"test_command": f"touch {first.control}/there; until [ -e {first.control}/go ]; do sleep 0.1; done"}
    process = slots.start(command_timeout=300)
    try:
        until((first.control / "there").exists, "the command runs")
        for slot in others:
            until(lambda: slot.seen() == slots.new, f"{slot.name} has the new certificate")
        assert process.poll() is None and first.seen() == first.before
    finally:
        (first.control / "go").touch()
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    slots.recover()


def peak_memory(process):
    """In kB, of the only courier of a run."""
    (courier,) = descendants(process.pid)
    with open(f"/proc/{courier}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def test_a_flood_takes_no_memory(slots, monkeypatch):
    """With the binary that has no sanitizers: these keep hundreds of megabytes of what was freed."""
    plain = ROOT / "build/debug/certferry"
    need(plain.exists(), "the debug build")
    monkeypatch.setenv("CERTFERRY_BIN", str(plain))
    slots.settle("ours")
    slot, peaks, flag = slots.slots[0], [], slots.slots[0].control
    wait = f"touch {flag}/there; until [ -e {flag}/go ]; do sleep 0.1; done; rm {flag}/there {flag}/go; exit 1"
    much = f"head -c {FLOOD} /dev/zero | tr '\\0' x"
    for command in (wait, f"{much}; {much} >&2; {wait}"):
        slot.changes = {"test_command": command}
        process = slots.start("--to", slot.name, command_timeout=300)
        try:
            until((flag / "there").exists, "the command has written everything")
            peaks.append(peak_memory(process))
        finally:
            (flag / "go").touch()
            out, err = process.communicate(timeout=120)
        assert process.returncode == 1 and "exited with status 1" in out and len(out + err) < 20_000, (out + err)[:3000]
    # What came in one read of a fast network.
    assert peaks[1] - peaks[0] < 30_000, peaks
    slots.recover()


def test_that_takes_the_whole_sshd_with_it(lab, product):
    """As a reboot: nobody answers any more who could put the previous files back."""
    server = lab.servers["web-2"]
    domain = lab.domain("gone.ferry.test", ["web-2"])
    product.write_config(lab.config([domain]))
    run = product.run("apply")
    assert run.code == 0, run
    before = server.fingerprint("gone.ferry.test")
    gone = f"p=$(cat {server.ssh_dir}/sshd.pid); kill $p; while [ -e /proc/$p/exe ]; do sleep 0.02; done"
    entry = lab.server_entry(server, test_command=f"{gone}; kill -9 $PPID; sleep 600")
    product.write_config(lab.config([domain], servers={"web-2": entry}))
    run = product.run("apply", "--force", "--json")
    server.stop_ssh()
    error = run.deployed("gone.ferry.test")["web-2"]["error"]
    assert run.code == 3 and run.deployed("gone.ferry.test")["web-2"]["result"] == "failed", run
    assert "cut" in error["detail"] and "putting the previous files back failed" in error["detail"], error
    assert "cannot connect" in error["detail"] and "next run" in error["hint"], error
    assert server.fingerprint("gone.ferry.test") == before
    lab.assert_pairs_match(product)
    server.start_ssh()
    product.write_config(lab.config([domain]))
    run = product.run("deploy")
    assert run.code == 0, run
    now = certificates.fingerprint(product.live("gone.ferry.test") / "cert.pem")
    assert server.fingerprint("gone.ferry.test") == now != before
    lab.assert_pairs_match(product)
