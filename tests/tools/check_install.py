#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_install.py BUILD CONFIG: installs the build into a scratch folder, runs the binary there, and looks with readelf
whether the hardening that CMakeLists.txt asks for has arrived in it.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

INSTALLED = {"bin/certferry"}
LIBRARY = ("include/certferry/", "lib/libcertferry-acme.", "lib/pkgconfig/certferry-acme.pc")  # see check_library.py


def output(*argv):
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE).stdout


def hardening(binary, build, config):
    """(what, is it so) for each property."""
    header = output("readelf", "-hW", binary)
    segments = output("readelf", "-lW", binary)
    dynamic = output("readelf", "-dW", binary)
    symbols = output("readelf", "--dyn-syms", "-W", binary)
    yield "position independent", re.search(r"Type:\s+DYN", header) and re.search(r"FLAGS_1\).*\bPIE\b", dynamic)
    yield "bound at start (BIND_NOW)", re.search(r"BIND_NOW|FLAGS_1\).*\bNOW\b", dynamic)
    yield "relocations read-only (RELRO)", "GNU_RELRO" in segments
    yield "no executable stack", re.search(r"GNU_STACK(\s+0x\w+){5}\s+RW\s", segments)
    yield "no segment both writable and executable", not re.search(r"LOAD.*\sRWE\s", segments)
    yield "no text relocations", "TEXTREL" not in dynamic
    yield "no run path", not re.search(r"\((RPATH|RUNPATH)\)", dynamic)
    yield "stack protector", "__stack_chk_fail" in symbols
    # Debug builds are not optimized, so glibc's checked calls are not there.
    if config != "Debug":
        yield "checked libc calls (_FORTIFY_SOURCE)", re.search(r"__\w+_chk@", symbols)
    if "X86-64" in header:
        # Of our objects: whether the whole binary says so is up to the system's start files, and Debian 12's do not.
        notes = output("readelf", "-nW", f"{build}/acme/libacme.a")
        objects = notes.count("\nFile: ")
        yield "indirect branch tracking, shadow stack", objects and notes.count("feature: IBT, SHSTK") == objects


def main():
    build, config = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="certferry-install-") as prefix:
        output("cmake", "--install", build, "--prefix", prefix)
        installed = {str(path.relative_to(prefix)) for path in Path(prefix).rglob("*") if not path.is_dir()}
        rest = {path for path in installed if not path.startswith(LIBRARY)}
        if rest != INSTALLED:
            sys.exit(f"installed beside the library: {sorted(rest)}, should be {sorted(INSTALLED)}")
        binary = f"{prefix}/bin/certferry"
        print(output(binary, "version").splitlines()[0])
        faults = 0
        for what, good in hardening(binary, build, config):
            print(f"  {'yes' if good else 'NO '}  {what}")
            faults += not good
    sys.exit(faults != 0)


if __name__ == "__main__":
    main()
