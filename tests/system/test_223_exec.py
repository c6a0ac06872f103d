# SPDX-License-Identifier: Apache-2.0
"""Programs as DNS providers: scripts of every convention, with nsupdate in them, publish on a real BIND what Pebble then
validates; and what programs do wrong is told."""

import base64
import os
import re
import shutil
import signal
import time

import pytest
from conftest import need
from lab.product import ROOT
from lab.selfhosted import Bind, World, wildcard

KEY = "scripts.lab"
SECRET = base64.b64encode(os.urandom(32)).decode()
ZONE = "ferry-exec.test"
NAME = f"_acme-challenge.www.{ZONE}"

# $1: add or remove, $2: name, $3: value. What was done is noted.
UPDATE = """\
#!/bin/sh
echo "$*" >>{dir}/done
op=add; [ "$1" = remove ] && op=delete
printf 'server {host} {port}\\nupdate %s %s 60 TXT "%s"\\nsend\\n' "$op" "$2" "$3" | nsupdate -y hmac-sha256:{key}:{secret}
"""

PROGRAMS = {
    "native": 'exec {dir}/update "$@"',
    "lego": 'case $1 in present) a=add ;; cleanup) a=remove ;; *) exit 9 ;; esac\n[ $# = 3 ] && exec {dir}/update $a "$2" "$3"',
    "lego-raw": 'case $1 in present) a=add ;; cleanup) a=remove ;; *) exit 9 ;; esac\n[ $# = 5 ] && [ "$2" = -- ] || exit 9\n'
    'case $5 in "$4".*) ;; *) exit 9 ;; esac\n'
    "value=$(printf %s \"$5\" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d =)\n"
    'exec {dir}/update $a "_acme-challenge.$3" "$value"',
    "dehydrated": "case $1 in deploy_challenge) a=add ;; clean_challenge) a=remove ;; *) exit 9 ;; esac\n"
    '[ $# = 4 ] && exec {dir}/update $a "_acme-challenge.$2" "$4"',
    "certbot add": '{dir}/update add "_acme-challenge.$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION"\n'
    '[ $# = 0 ] && [ -z "${{CERTBOT_AUTH_OUTPUT+x}}" ] && echo "$CERTBOT_REMAINING_CHALLENGES" >>{dir}/remaining && echo "id of $CERTBOT_VALIDATION"',
    "certbot remove": '[ "$CERTBOT_AUTH_OUTPUT" = "id of $CERTBOT_VALIDATION" ] || exit 9\n'
    'exec {dir}/update remove "_acme-challenge.$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION"',
}


@pytest.fixture(scope="module")
def world(lab):
    need(shutil.which("named", path="/usr/sbin"), "named (package bind9)")
    need(shutil.which("nsupdate"), "nsupdate (package bind9-dnsutils)")
    world = World(lab, "exec")
    world.server = world.add(Bind(world.dir / "server", [ZONE], {KEY: ("hmac-sha256", SECRET)}))
    (world.dir / "scripts").mkdir()
    yield world
    world.stop()


def program(world, name, body, mode=0o755):
    path = world.dir / "scripts" / name.replace(" ", "-")
    path.write_text(body if body.startswith("#!") else f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return str(path)


@pytest.fixture
def scripts(world):
    """Name -> path, and "done" for what they were told to do."""
    folder = world.dir / "scripts"
    host, port = world.server.direct
    values = {"dir": folder, "host": host, "port": port, "key": KEY, "secret": SECRET}
    program(world, "update", UPDATE.format(**values))
    (folder / "done").write_text("")
    return {name: program(world, name, body.format(**values)) for name, body in PROGRAMS.items()} | {"done": folder / "done"}


def settings(scripts, convention):
    if convention == "certbot":
        return {"type": "exec", "convention": "certbot", "add": scripts["certbot add"], "remove": scripts["certbot remove"]}
    return {"type": "exec", "convention": convention, "program": scripts[convention]}


@pytest.mark.parametrize("convention", ["native", "certbot", "lego", "lego-raw", "dehydrated"])
def test_wildcard_and_apex(world, scripts, convention):
    name = f"{convention}.{ZONE}"
    run = world.product({"corp": settings(scripts, convention)}, [wildcard(name, "corp")]).run("apply", "--json")
    assert run.code == 0 and run.json["results"][0]["action"] == "issued", run
    done = [line.split() for line in scripts["done"].read_text().splitlines()]
    assert [line[0] for line in done] == ["add", "add", "remove", "remove"], done
    assert {line[1].rstrip(".") for line in done} == {f"_acme-challenge.{name}"} and len({line[2] for line in done}) == 2
    assert world.txt(world.server, f"_acme-challenge.{name}") == []
    if convention == "certbot":
        assert (world.dir / "scripts" / "remaining").read_text().split() == ["1", "0"]


@pytest.mark.parametrize("convention", ["native", "lego-raw"])
def test_the_round_trip(world, scripts, convention):
    run = world.product({"corp": settings(scripts, convention)}).run("dns", "test", "corp", f"www.{ZONE}", "--json")
    assert run.code == 0 and run.json["servers"], run
    assert world.txt(world.server, NAME) == []


def test_without_a_check_there_is_a_delay(world, scripts):
    entry = {"type": "exec", "program": program(world, "nothing", "exit 0"), "propagation": "none", "delay": 2}
    run = world.product({"corp": entry}).run("dns", "test", "corp", f"www.{ZONE}", "--json")
    assert run.code == 0 and run.json["servers"] == [] and 2 <= run.json["steps"][4]["seconds"] < 3, run


def test_a_program_that_does_nothing_is_found_out(world, scripts):
    entry = {"type": "exec", "program": program(world, "nothing", "exit 0")}
    run = world.product({"corp": entry}).run("dns", "test", "corp", f"www.{ZONE}", "--timeout", "3")
    assert run.code == 1 and "does not show the value" in run.err, run


@pytest.mark.parametrize(
    "body, says",
    [
        ("echo no such zone >&2; exit 4", ["ended with exit code 4", "no such zone"]),
        ("printf 'bad \\033[31m words' >&2; exit 1", ["bad \\x1b[31m words"]),
        ("kill -9 $$", ["killed by signal 9"]),
        ("sleep 60", ["did not end in time"]),
    ],
)
def test_failures_are_told(world, scripts, body, says):
    entry = {"type": "exec", "program": program(world, "bad", f'[ "$1" = remove ] && exit 0\n{body}'), "timeout": 2}
    run = world.product({"corp": entry}).run("dns", "test", "corp", f"www.{ZONE}")
    assert run.code == 1 and "add-record" in run.err, run
    for words in says:
        assert words in run.err, run
    assert "\033" not in run.text


def test_ctrl_c_ends_the_program_and_calls_the_other(world, scripts):
    log = scripts["done"]
    body = f'echo "$@" >>{log}; [ "$1" = add ] && sleep 60; exit 0'
    entry = {"type": "exec", "program": program(world, "slow", body)}
    process = world.product({"corp": entry}).start("dns", "test", "corp", f"www.{ZONE}", together=True)
    end = time.monotonic() + 20
    while not log.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130, out
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["add", "remove"]


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"program": "/nonexistent"}, "No such file"),
        ({"program": None}, "either program, or add and remove"),
        ({"add": "/bin/true"}, "either program, or add and remove"),
        ({"program": "bin/true"}, "absolute path"),
        ({"convention": "bash"}, "native, certbot, lego, lego-raw or dehydrated"),
        ({"timeout": "soon"}, "timeout"),
        ({"propagation": "never"}, "check or none"),
    ],
)
def test_mistakes_in_the_config(world, scripts, changes, says):
    entry = {key: value for key, value in {**settings(scripts, "native"), **changes}.items() if value is not None}
    run = world.product({"corp": entry}).run("dns", "test", "corp", f"www.{ZONE}")
    assert run.code == 2 and says in run.err and "dns_providers.corp" in run.err, run


def test_a_program_that_others_can_write_is_not_run(world, scripts):
    entry = {"type": "exec", "program": program(world, "open", "exit 0", mode=0o777)}
    run = world.product({"corp": entry}).run("dns", "test", "corp", f"www.{ZONE}")
    assert run.code == 2 and "could change it" in run.err and "chmod" in run.err, run


# What an acme.sh is to its dnsapi files, in short.
ACME_SH = """\
#!/usr/bin/env sh
_initpath() { . "$LE_WORKING_DIR/account.conf"; }
_readaccountconf_mutable() { eval "echo \\"\\$SAVED_$1\\""; }
showhelp() { echo Usage: acme.sh; }
main() {
  [ -z "$1" ] && showhelp && return
  "$@"
}
main "$@"
"""
DNS_API = """\
dns_lab_add() { "$(_readaccountconf_mutable LAB_UPDATE)" add "$1" "$2"; }
dns_lab_rm() { "$(_readaccountconf_mutable LAB_UPDATE)" remove "$1" "$2"; }
"""


def test_the_wrapper_for_acme_sh_as_it_is_documented(world, scripts):
    home = world.dir / "acme.sh"
    (home / "dnsapi").mkdir(parents=True)
    (home / "acme.sh").write_text(ACME_SH)
    (home / "account.conf").write_text(f"SAVED_LAB_UPDATE='{world.dir / 'scripts' / 'update'}'\n")
    (home / "dnsapi" / "dns_lab.sh").write_text(DNS_API)
    text = re.search(r"```bash\n(#!/bin/bash\n.*?)```", (ROOT / "docs/dns-exec.md").read_text(), re.S)[1]
    text = text.replace("api=dns_cf", "api=dns_lab").replace("/root/.acme.sh", str(home))
    entry = {"type": "exec", "program": program(world, "acme-sh", text)}
    run = world.product({"corp": entry}, [wildcard(f"acmesh.{ZONE}", "corp")]).run("apply")
    assert run.code == 0, run
    assert world.txt(world.server, f"_acme-challenge.acmesh.{ZONE}") == []
