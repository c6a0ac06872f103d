# SPDX-License-Identifier: Apache-2.0
"""Runs the product: writes its config, starts it in a clean environment, reads what it says."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9_./@:-]*")
KEEP_ENVIRONMENT = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "TMPDIR", "LLVM_PROFILE_FILE")


def binary():
    path = Path(os.environ.get("CERTFERRY_BIN", ROOT / "build/debug/certferry"))
    return path if path.is_absolute() else ROOT / path


def scalar(value):
    if isinstance(value, (bool, int)):
        return json.dumps(value)
    text = str(value)
    if PLAIN.fullmatch(text) and ": " not in text and not text.endswith(":") and not re.fullmatch(r"[0-9]*\.?[0-9]*|[0-9:]+", text):
        return text
    return json.dumps(text)


def yaml(value, indent=0):
    """Mappings, lists and scalars as block YAML that reads like a config written by hand."""
    pad = "  " * indent
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            if isinstance(inner, dict) and inner or isinstance(inner, list) and any(isinstance(i, dict) for i in inner):
                lines.append(f"{pad}{scalar(key)}:\n{yaml(inner, indent + 1)}")
            else:
                lines.append(f"{pad}{scalar(key)}: {yaml(inner).strip()}\n")
        return "".join(lines) or "{}\n"
    if isinstance(value, list):
        if any(isinstance(item, dict) for item in value):
            return "".join(f"{pad}- {yaml(item, indent + 1).strip()}\n" for item in value)
        return "[" + ", ".join(scalar(item) for item in value) + "]\n"
    return scalar(value) + "\n"


class Run:
    """How one run of the product ended."""

    def __init__(self, argv, code, out, err, seconds):
        self.argv, self.code, self.out, self.err, self.seconds = argv, code, out, err, seconds

    def __repr__(self):
        return f"$ {' '.join(map(str, self.argv))}\n{self.out}{self.err}[exit {self.code}, {self.seconds:.2f} s]"

    @property
    def text(self):
        return self.out + self.err

    @property
    def json(self):
        return json.loads(self.out)

    def result(self, name):
        """The entry of the certificate NAME in "results"."""
        return next(entry for entry in self.json["results"] if entry["name"] == name)

    def deployed(self, name):
        """Server -> its entry in "deployed" of the certificate NAME."""
        return {entry["server"]: entry for entry in self.result(name)["deployed"]}


class Product:
    """certferry with a config of this laboratory and a state folder of its own."""

    def __init__(self, folder, resolver, environment):
        folder.mkdir()
        self.dir, self.resolver, self.environment = folder, resolver, environment
        self.state, self.config, self.home = folder / "state", folder / "certferry.yaml", folder / "home"
        self.home.mkdir()
        self.under = []  # a program that runs it, such as strace, with its arguments

    def write_config(self, config):
        text = config if isinstance(config, str) else yaml(config)
        self.config.write_text(text, encoding="utf-8")
        self.config.chmod(0o600)
        return self.config

    def argv(self, *args, config=True):
        chosen = ["--config", str(self.config)] if config else []
        resolver = ["--resolver", self.resolver] if self.resolver else []  # else this machine's
        return [str(binary()), *chosen, *resolver, *map(str, args)]

    def env(self, changes=None):
        kept = {name: os.environ[name] for name in KEEP_ENVIRONMENT if name in os.environ}
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": str(self.home)}
        env.update(kept)
        env.update(self.environment)
        env.update(changes or {})
        return {name: value for name, value in env.items() if value is not None}

    def start(self, *args, env=None, config=True, together=False):
        """A run in the background, with the config unless not CONFIG, both outputs in one if TOGETHER: the Popen object."""
        return subprocess.Popen([*self.under, *self.argv(*args, config=config)], env=self.env(env), cwd=self.dir, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT if together else subprocess.PIPE, text=True,
                                start_new_session=True)  # fmt: skip

    def run(self, *args, env=None, timeout=120, config=True):
        """A run to its end. One that takes too long is killed, and that is a failure."""
        begin = time.monotonic()
        process = self.start(*args, env=env, config=config)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"not finished after {timeout} s: {' '.join(process.args)}\n{out}{err}") from None
        return Run(process.args, process.returncode, out, err, time.monotonic() - begin)

    # What it left behind.

    def live(self, name):
        return self.state / "live" / name

    def make_due(self, name):
        """Put the time of NAME's renewal, drawn when it was issued, into the past."""
        path = self.state / "renewal" / f"{name}.json"
        record = json.loads(path.read_text())
        assert "renew_at" in record
        record["renew_at"] = int(time.time()) - 3600
        path.write_text(json.dumps(record))

    def let_time_pass(self, name):
        """As if the back-off of NAME's every server were over."""
        path = self.state / "renewal" / f"{name}.json"
        record = json.loads(path.read_text())
        for entry in record["servers"]:
            if "retry_at" in entry:
                entry["retry_at"] = int(time.time()) - 1
        path.write_text(json.dumps(record))

    def order(self, name):
        """The order in flight of NAME, or None."""
        try:
            return json.loads((self.state / "orders" / f"{name}.json").read_text())
        except FileNotFoundError:
            return None
