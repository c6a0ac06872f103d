#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev demo: the main job on real parts. Starts the laboratory, lets certferry do its work, and proves from outside what
came of it. Ends with 0 only when everything was as promised.
"""

import argparse
import os
import shlex
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab import certificates  # noqa: E402
from lab.lab import Lab  # noqa: E402
from lab.processes import LabError  # noqa: E402
from lab.product import Run, binary  # noqa: E402

WILDCARD, WEBROOT = "api.ferry.test", "www.ferry.test"
ALIASES = ["ferry.test", "blog.ferry.test"]


class Failed(Exception):
    """Something was not as promised."""


COLOR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOR else text


def title(text):
    print(f"\n{paint('1', text)}", flush=True)


def proven(text):
    print(f"  {paint('32', '✓')} {text}", flush=True)


def require(condition, text, run=None):
    if not condition:
        raise Failed(text + (f"\n{run}" if run else ""))
    proven(text)


def run_shown(product, *args):
    """certferry as a user would call it, its own output shown as it is."""
    shown = [word.replace(str(product.dir) + "/", "") for word in product.argv(*args)[1:]]
    print(paint("2", f"$ certferry {shlex.join(shown)}"), flush=True)
    process = product.start(*args, together=True)
    begin, lines = time.monotonic(), []
    for line in process.stdout:
        lines.append(line)
        print(f"  {line}", end="", flush=True)
    run = Run(process.args, process.wait(), "".join(lines), "", time.monotonic() - begin)
    print(paint("2", f"  exit code {run.code}, {run.seconds:.1f} s"), flush=True)
    return run


def show_laboratory(lab):
    title("The laboratory, all on loopback")
    print(f"  CA            Pebble at {lab.ca.url}, rejecting 5 % of good nonces")
    print(f"  DNS vendor    Cloudflare stand-in at {lab.cloudflare.url}")
    servers = ", ".join(lab.cloudflare.name_servers) or "none (binding port 53 needs root)"
    print(f"  DNS           resolver {lab.cloudflare.resolver}; authoritative servers: {servers}")
    for server in lab.servers.values():
        print(f"  {server.name:<13} sshd on port {server.ssh_port}, nginx with TLS on port {server.port}")
    print(f"  web root      {lab.webroot}, seen by the CA on port {lab.web.port}")


def main_job(lab, product):
    product.write_config(lab.config([
        lab.wildcard("*.api.ferry.test", list(lab.servers)),
        lab.domain(WEBROOT, list(lab.servers), aliases=ALIASES),
    ]))  # fmt: skip
    before = {name: lab.served(name, "one.api.ferry.test") for name in lab.servers}

    title("First apply: nothing is stored yet, the servers have certificates signed by themselves")
    run = run_shown(product, "apply")
    if run.code != 0:
        raise Failed(f"apply ended with {run.code}")

    title("Proven from outside, by independent TLS handshakes against the CA's root")
    wanted = certificates.fingerprint(product.live(WILDCARD) / "cert.pem")
    for name in lab.servers:
        for host in ("one.api.ferry.test", "two.api.ferry.test", WILDCARD):
            require(lab.verified(name, host) == wanted, f"{name} serves {wanted[:16]}… for {host}, chain verified")
        require(before[name] != wanted, f"{name} served {before[name][:16]}… before")
    webroot = certificates.fingerprint(product.live(WEBROOT) / "cert.pem")
    for name in lab.servers:
        for host in (WEBROOT, *ALIASES):
            require(lab.verified(name, host) == webroot, f"{name} serves {webroot[:16]}… for {host}, chain verified")
    names = certificates.names(product.live(WILDCARD) / "cert.pem")
    require(names == ["*.api.ferry.test", WILDCARD], f"its names: {', '.join(names)}")
    names = certificates.names(product.live(WEBROOT) / "cert.pem")
    require(names == sorted([WEBROOT, *ALIASES]), f"the webroot certificate's names: {', '.join(names)}")
    require(lab.assert_pairs_match(product) >= 6, "every key fits its certificate, here and on both servers")
    require(not lab.cloudflare.records(), "no challenge record is left at the vendor")
    require(not list(lab.webroot.glob(".well-known/acme-challenge/*")), "no challenge file is left in the web root")
    return wanted


def second_apply(lab, product, wanted):
    title("Second apply: everything is as it should be")
    mark, trees = lab.ca.mark(), {name: server.tree() for name, server in lab.servers.items()}
    run = run_shown(product, "apply")
    require(run.code == 0, "it ends with 0")
    require(not lab.ca.requests(mark), "it asked the CA nothing")
    require(all(lab.servers[name].tree() == tree for name, tree in trees.items()), "it wrote nothing on the servers")
    again = product.run("apply", "--json")
    actions = {entry["name"]: entry["action"] for entry in again.json["results"]}
    require(set(actions.values()) == {"unchanged"}, "it says: unchanged", again)
    require(all(lab.served(name, WILDCARD) == wanted for name in lab.servers), "the servers serve what they served")


def summary(lab, product, wanted):
    title("Summary")
    for cert, how in ((WILDCARD, "dns-01 by the Cloudflare module"), (WEBROOT, "http-01 by the servers' web root, over SFTP")):
        live = product.live(cert)
        names = ", ".join(certificates.names(live / "cert.pem"))
        print(f"  issued    {cert}: {names}; {how}; by {certificates.issuer(live / 'cert.pem')}")
    for server in lab.servers.values():
        print(f"  deployed  both on {server.name} by SSH: uploaded, nginx tested and reloaded once, handshakes seen")
    print(f"  verified  {wanted}")
    print(f"  CA        {len(lab.ca.requests())} requests and {lab.ca.orders()} orders in all")


def keep(lab, product):
    title("The laboratory goes on running")
    print(f"  folder    {lab.dir}")
    print(f"  config    {product.config}")
    print(f"  stored    {product.state}/live")
    for server in lab.servers.values():
        print(f"  {server.name:<9} {server.live}, log {server.ssh_dir}/sshd.log, {server.dir}/error.log")
    print(f"  CA's log  {lab.ca.log}")
    print(f"  DNS log   {lab.cloudflare.dir}/requests.log")
    print("\n  To try, in another terminal:\n")
    print(f"    export CLOUDFLARE_API_TOKEN={lab.cloudflare.token}")
    print(f"    alias ferry='{shlex.join(product.argv())}'")
    for command in ("list", "plan", "show " + WILDCARD, "apply --force -v", "deploy --force", "help"):
        print(f"    ferry {command}")
    first = next(iter(lab.servers.values()))
    print(f"    openssl s_client -connect 127.0.0.1:{first.port} -servername one.{WILDCARD} -CAfile {lab.ca.root}")
    print(f"    echo 'broken on;' > {first.dir}/conf.d/broken.conf    # and ferry apply --force again")
    print("\n  Enter or Ctrl-C ends it.", flush=True)
    try:
        if not sys.stdin.readline():  # no terminal: only a signal ends it
            signal.pause()
    except KeyboardInterrupt:
        print()


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description="certferry's main job in a laboratory on loopback")
    parser.add_argument("--keep", action="store_true", help="leave the laboratory running until Enter or Ctrl-C")
    parser.add_argument("--show-config", action="store_true", help="print the config that is used")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not os.access(binary(), os.X_OK):
        print(f"{binary()} is not there: build first (./dev build), or set CERTFERRY_BIN", file=sys.stderr)
        return 1
    try:
        with Lab() as lab:
            product = lab.product()
            show_laboratory(lab)
            wanted = main_job(lab, product)
            second_apply(lab, product, wanted)
            summary(lab, product, wanted)
            if options.show_config:
                title(str(product.config))
                print(product.config.read_text())
            if options.keep:
                keep(lab, product)
            else:
                print("\n  ./dev demo --keep leaves all of this running, and prints where everything is.")
    except (Failed, LabError, AssertionError, OSError) as problem:
        print(f"\n{paint('31', 'Not as promised:')} {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; everything was stopped", file=sys.stderr)
        return 130
    print(f"\n{paint('32', 'Everything as promised.')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
