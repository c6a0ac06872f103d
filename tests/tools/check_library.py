#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_library.py BUILD CC CXX: installs the build into a scratch folder and looks at libcertferry-acme there as a foreign
program would: each header compiles alone, as C and as C++; nothing is visible in the libraries but acme_...; the example of
docs/ is compiled with what pkg-config says, against the shared library and against the static one, and starts.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
NAME = "certferry-acme"


def output(argv, **more):
    done = subprocess.run([str(word) for word in argv], text=True, capture_output=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, argv))}\n{done.stdout}{done.stderr}")
    return done.stdout


def flags(prefix, *options):
    """What pkg-config says, with nothing known but PREFIX and the system."""
    folder = next(prefix.rglob("pkgconfig"))
    text = output(["pkg-config", *options, NAME, "libcurl"], env={**os.environ, "PKG_CONFIG_PATH": str(folder)})
    return text.split()


def check_headers(prefix, cc, cxx, scratch):
    cflags = flags(prefix, "--cflags")
    headers = sorted(path.relative_to(prefix / "include") for path in (prefix / "include").rglob("*.h"))
    for header in headers:
        for suffix, compiler, standards in ((".c", cc, ("c11", "c17")), (".cpp", cxx, ("c++11", "c++20"))):
            source = scratch / f"header{suffix}"
            source.write_text(f"#include <{header}>\nint not_empty;\n")
            for standard in standards if compiler else ():
                output([compiler, f"-std={standard}", *STRICT, *cflags, "-fsyntax-only", source])
    return len(headers)


def check_symbols(prefix):
    shared = next(path for path in prefix.rglob("lib*.so.*") if path.is_symlink())
    soname = re.search(r"SONAME.*\[(.*)\]", output(["readelf", "-dW", shared]))[1]
    if soname != shared.name:
        sys.exit(f"{shared} is called {soname} inside")
    counts = []
    for argv in (["nm", "-D", "--defined-only", shared], ["nm", "-g", "--defined-only", next(prefix.rglob("lib*.a"))]):
        symbols = [line.split()[2] for line in output(argv).splitlines() if len(line.split()) == 3]
        foreign = [symbol for symbol in symbols if not symbol.startswith("acme_")]
        if foreign or "acme_obtain_certificate" not in symbols or "acme_chain_verify" not in symbols:
            sys.exit(f"{argv[-1]}: visible besides acme_...: {foreign}, of {len(symbols)}")
        counts.append(len(symbols))
    if counts[0] != counts[1]:
        sys.exit(f"the shared library shows {counts[0]} symbols, the static one {counts[1]}")
    return counts[0]


def compile_example(prefix, cc, scratch, static):
    """The program's path. STATIC: with the archive, and what it needs from the system."""
    program = scratch / ("example-static" if static else "example")
    libs = flags(prefix, "--libs", *(["--static"] if static else []))
    if static:
        libs = [str(next(prefix.rglob("lib*.a"))) if word == f"-l{NAME}" else word for word in libs]
        libs = [word for word in libs if word in (str(next(prefix.rglob("lib*.a"))), "-lcurl", "-lssl", "-lcrypto",
                                                  "-ljansson", "-pthread")]  # fmt: skip
    output([cc, "-std=c17", *STRICT, *flags(prefix, "--cflags"), DOCS / "example.c", DOCS / "example_world.c", *libs, "-o",
            program])  # fmt: skip
    library = next(prefix.rglob("lib*.so")).parent
    done = subprocess.run([program], text=True, capture_output=True, env={**os.environ, "LD_LIBRARY_PATH": str(library)})
    if done.returncode != 1 or "usage: example" not in done.stderr:
        sys.exit(f"{program}: {done}")
    return program


def main():
    build, cc, cxx = sys.argv[1:4]
    with tempfile.TemporaryDirectory(prefix="certferry-library-") as folder:
        prefix, scratch = Path(folder, "prefix"), Path(folder)
        output(["cmake", "--install", build, "--prefix", prefix])
        print(f"{check_headers(prefix, cc, cxx, scratch)} headers compile alone")
        print(f"{check_symbols(prefix)} symbols, all of them acme_...")
        compile_example(prefix, cc, scratch, static=False)
        compile_example(prefix, cc, scratch, static=True)
        print(f"docs/example.c ({len((DOCS / 'example.c').read_text().splitlines())} lines) is compiled and starts")


if __name__ == "__main__":
    main()
