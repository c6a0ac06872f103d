# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM while commands hang and verifications wait: what was begun goes back to what was there before, in bounded
time, with what became of each server, and the next run brings the new certificate.
"""

import json
import os
import signal
import threading
import time

import pytest
from lab.hostile import dangerous
from lab.product import Run
from lab.terminal import watch
from lab.wait import until

HANG = "echo $$ > {go}/pid; touch {go}/held; exec sleep 600"
DEAF = "trap '' TERM; echo $$ > {go}/pid; touch {go}/held; while :; do sleep 0.1; done"
RELOAD = "{sudo}{slot.nginx.reload_command}; "
ONCE = "if [ -e {go}/once ]; then " + RELOAD + "exit; fi; touch {go}/once; "  # a second time it is well
CASES = [
    ({"test_command": HANG}, "test", ["interrupted while `", "sleep 600` ran, which {became}"]),
    ({"test_command": DEAF}, "test", ["ran, which {became}"]),
    ({"reload_command": ONCE + HANG}, "reload", ["ran, which {became}"]),
    ({"reload_command": ONCE + RELOAD + HANG}, "reload", ["ran, which {became}"]),  # the new one is loaded
    ({"reload_command": ONCE + DEAF}, "reload", ["ran, which {became}"]),
    ({"reload_command": "touch {go}/held"}, "verify", ["interrupted before 127.0.0.1 port", "to serve the new certificate for"]),
]
# Who deploys: what goes before a command that needs root, and what becomes of a command that hangs. Debian 12's sshd
# ends none of root's; and of what runs through sudo nobody hears more than that the shell around it ended.
WHO = {
    "root": ("", ""),
    "account": ("sudo -n ", "was stopped there"),
    "account with sudo": ("", "may still be running there"),
}


def begin(slots, cases, prefix="", **changes):
    """A run of which each slot is held by what CASES changes of its server, (changes, step, texts of its error)."""
    for slot, (change, *_) in zip(slots, cases):
        slot.changes = {key: value.format(slot=slot, go=slot.control, sudo=prefix) for key, value in change.items()}
        slot.link = os.readlink(slot.home / "current")
    process = slots.start(*(arg for slot, _ in zip(slots, cases) for arg in ("--to", slot.name)),
                          timeout=120, command_timeout=300, **changes)  # fmt: skip
    for slot, (change, *_) in zip(slots, cases):
        until((slot.control / "held").exists, f"{slot.name} is held by {change}")
    return process


def interrupt(process, number, within=90):
    process.send_signal(number)
    out, err = process.communicate(timeout=within)
    assert not dangerous(out + err), out + err
    return Run(process.args, process.returncode, out, err, 0)


def not_held_against(slots):
    record = json.loads((slots.product.state / "renewal" / f"{slots.cert}.json").read_text())
    return all(entry.get("failures", 0) == 0 and not entry.get("retry_at") for entry in record["servers"])


def check_back(slots, run, cases, became=""):
    """Each is as it was, and said so."""
    assert run.code == 130, run
    deployed = run.deployed(slots.cert)
    for slot, (change, step, texts) in zip(slots, cases):
        entry = deployed[slot.name]
        assert entry["result"] == "rolled_back" and entry["error"]["step"] == step, (change, entry)
        for text in ["interrupted", *texts]:
            text = text.format(became=became)
            assert text in entry["error"]["detail"], (text, change, entry)
        assert "the previous files are live again" in entry["error"]["hint"], (change, entry)
        assert os.readlink(slot.home / "current") == slot.link, change
        slot.check_tidy(slot.before)
    assert not_held_against(slots), run


def entries_of(account, who):
    """What the config says of a server that WHO deploys to."""
    if who == "root":
        return {}
    account.sudo(f"{account.name} ALL=(root) NOPASSWD: ALL")
    entry = {"user": account.name, "sftp_server": "/usr/lib/openssh/sftp-server"}
    return {**entry, "sudo": True} if who == "account with sudo" else {**entry, "test_command": "true"}


def give(slots, ids):
    """The servers' files and the tests' own belong to the user with IDS."""
    for slot in slots:
        for top in (slot.dir, slot.control):
            for folder, _, files in os.walk(top):
                for path in [folder, *(os.path.join(folder, name) for name in files)]:
                    os.chown(path, *ids, follow_symlinks=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("who", WHO)
def test_what_hangs_is_given_up_and_taken_back(slots, account, who, number):
    prefix, became = WHO[who]
    slots.settle("ours")
    give(slots, account.ids() if who == "account" else (0, 0))
    with slots.watched(), slots.commands_ended():
        run = interrupt(begin(slots, CASES, prefix, **entries_of(account, who)), number)
    check_back(slots, run, CASES, became)
    give(slots, (0, 0))
    slots.recover()


def test_a_reload_that_hangs_behind_the_roll_back_too(slots):
    """It is given up as well, and what is on the server and what it may serve is said."""
    slots.settle("ours")
    give(slots, (0, 0))
    cases = [
        ({"reload_command": HANG}, "reload", ["the previous files are back, but reloading them failed too", "did not end within 10 s"]),
        ({"reload_command": ONCE.replace("exit;", HANG + ";") + RELOAD + HANG}, "reload", ["but reloading them failed too"]),
    ]
    loaded = ({"reload_command": "[ -e {go}/once ] || " + RELOAD + "touch {go}/once; " + HANG}, "reload", [])
    with slots.watched(), slots.commands_ended():
        run = interrupt(begin(slots, [*cases, loaded]), signal.SIGINT)
    assert run.code == 130 and not_held_against(slots), run
    for slot, (change, step, texts) in zip(slots, [*cases, loaded]):
        entry = run.deployed(slots.cert)[slot.name]
        assert entry["result"] == "rolled_back" and entry["error"]["step"] == step, (change, entry)
        for text in texts:
            assert text in entry["error"]["detail"], (text, change, entry)
        assert "may serve the new certificate until it is reloaded" in entry["error"]["hint"], (change, entry)
        assert slot.look() == (slot.before, slot.before) and os.readlink(slot.home / "current") == slot.link, change
    assert slots["s0"].served({slots["s0"].before}) == slots["s0"].before
    assert slots["s2"].served({slots.new}) == slots.new  # as was said
    slots.recover(sessions=True)
    slots.check_no_sessions()


def test_the_second_time_it_ends_at_once(slots):
    """Whatever hangs; and the next run puts right what is left of it."""
    with slots.watched(), slots.commands_ended():
        slots.settle("ours")
        process = begin(slots, CASES)
        process.send_signal(signal.SIGINT)
        time.sleep(0.6)  # a second one right behind the first is the same one, told twice
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert process.returncode == 130 and "ended at once; the next run puts right what was begun" in err, out + err
    for slot in slots.slots[: len(CASES)]:
        live, copies = slot.look()
        assert live in (slot.before, slots.new) and copies in (slot.before, slots.new), slot.name
    slots.recover(sessions=True)
    slots.check_no_sessions()


def test_nothing_live_was_changed_yet(slots):
    """A server that hangs before the switch is left where it is; one that waits for its turn goes away and leaves nothing."""
    slots.settle("ours")
    slots.configure()
    slots["s0"].plan(at=12, do="hold")
    process = slots.start("--to", "s0", timeout=120)
    until((slots["s0"].control / "held").exists, "s0 is held in a request")
    run = interrupt(process, signal.SIGINT, within=30)
    entry = run.deployed(slots.cert)["s0"]
    assert run.code == 130 and entry["result"] == "failed" and "interrupted before anything live was changed" in entry["error"]["detail"], run
    assert slots["s0"].look() == (slots["s0"].before, slots["s0"].before) and not_held_against(slots)
    (slots["s0"].control / "go").touch()
    slots.recover(sessions=True)


def test_on_a_terminal_it_says_what_goes_on(slots):
    slots.settle("ours")
    slot, started, seen = slots["s0"], [], set()
    slot.changes = {"test_command": HANG.format(go=slot.control)}
    slots.configure(command_timeout=300)

    def on_start(process):
        threading.Thread(target=lambda: (until((slot.control / "held").exists, "it hangs"), process.send_signal(signal.SIGINT))).start()

    with slots.commands_ended():
        screen, code = watch(slots.product, "deploy", "--to", "s0", on_start=on_start, on_frame=lambda screen, _: seen.add(screen.text))
    assert code == 130 and "interrupted while" in screen.text.replace("\n", ""), screen.text
    assert any("-> s0: interrupted ..." in text and "again Ctrl-C: at once" in text for text in seen), seen
    assert any("-> s0: roll-back ..." in text for text in seen), seen
    slots.recover(sessions=True)
