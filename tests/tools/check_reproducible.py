#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_reproducible.py BUILD: builds the release binary once more, from a copy of the source at another path into a folder
elsewhere and under another locale and time zone, and compares it byte for byte with BUILD/certferry.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    first = ROOT / sys.argv[1] / "certferry"
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "Pacific/Chatham"}
    with tempfile.TemporaryDirectory(prefix="certferry-another-place-") as folder:
        source, build = Path(folder, "a source"), Path(folder, "build")
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"), symlinks=True)
        for argv in (
            ["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCERTFERRY_TESTS=OFF"],
            ["cmake", "--build", build, "--target", "certferry"],
        ):
            subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)
        second = build / "certferry"
        print(f"  {digest(first)}  {sys.argv[1]}/certferry\n  {digest(second)}  built elsewhere")
        if digest(first) != digest(second):
            sys.exit("they differ: something depends on the path, the time or the order of files")


if __name__ == "__main__":
    main()
