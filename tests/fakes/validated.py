#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in behind prism, a proxy that knows the vendor's published description: a request or an answer that violates it
ends with an error, and what prism says of it goes to the log.

    validated.py DESCRIPTION STANDIN [the stand-in's options]

DESCRIPTION is a file of tests/providers/descriptions/, STANDIN one of tests/. Prints "ready {JSON}" as the stand-in does, with
"port" of the proxy and "lab_port" of the stand-in. $CERTFERRY_PRISM_LOG names the log; $CERTFERRY_PRISM names prism, by
default the one that ./dev test --all installs into build/tools.
"""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
PRISM = os.environ.get("CERTFERRY_PRISM", str(TESTS.parent / "build/tools/prism/node_modules/.bin/prism"))
START_SECONDS = 60  # node on a busy machine


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_listening(process, port):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"prism ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"prism was not ready after {START_SECONDS} s")


def main(description, standin, *options):
    log = open(os.environ.get("CERTFERRY_PRISM_LOG", os.devnull), "ab")
    vendor = subprocess.Popen(["/usr/bin/python3", str(TESTS / standin), *options], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    told = json.loads(vendor.stdout.readline().split(" ", 1)[1])
    port = free_port()
    proxy = subprocess.Popen(
        [PRISM, "proxy", "-p", str(port), "--errors", str(TESTS / "providers/descriptions" / description),
         f"http://127.0.0.1:{told['port']}"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not here: the thread that is interrupted may hold the lock of the very event.
        signal.signal(number, lambda *_: threading.Thread(target=ended.set).start())

    def watch_input():
        while os.read(0, 4096):
            pass
        ended.set()

    try:
        wait_listening(proxy, port)
        print("ready", json.dumps({**told, "lab_port": told["port"], "port": port}), flush=True)
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            threading.Thread(target=watch_input, daemon=True).start()
        ended.wait()
    finally:
        os.killpg(proxy.pid, signal.SIGTERM)
        vendor.stdin.close()
        vendor.terminate()
        vendor.wait()
        proxy.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
