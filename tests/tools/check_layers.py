#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_layers.py COMPILER FILE: with the include paths that CMake gave each layer (a line "target;folder;folder…" each in
FILE), the compiler finds the headers of exactly the layers it may see, and one that it may not see does not compile.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from layers import FOLDER_OF_TARGET, MAY_INCLUDE, allowed

ROOT = Path(__file__).resolve().parent.parent.parent


def a_header(folder):
    return f"{folder}/{sorted(path.name for path in (ROOT / folder).glob('*.h'))[0]}"


def compiler(argv, source):
    """Runs where no folder of the tree is near: a compiler looks beside the source first."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(argv, input=source, cwd=folder, text=True, capture_output=True, check=False)


def visible(command, paths):
    """The layers whose headers are found through PATHS."""
    source = "".join(f'#if __has_include("{a_header(folder)}")\nfound {folder}\n#endif\n' for folder in MAY_INCLUDE)
    done = compiler([command, "-E", "-P", "-x", "c", *paths, "-"], source)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return {line.removeprefix("found ") for line in done.stdout.splitlines() if line.startswith("found ")}


def main():
    command, failed, checked = sys.argv[1], 0, 0
    for line in Path(sys.argv[2]).read_text().splitlines():
        target, *folders = line.split(";")
        layer = FOLDER_OF_TARGET.get(target, target)
        paths = [f"-I{folder}" for folder in folders if folder]
        seen, wanted = visible(command, paths), allowed(layer)
        checked += 1
        if seen != wanted:
            failed += 1
            print(f"{layer}: sees {sorted(seen - wanted)} that it may not, not {sorted(wanted - seen)} that it may")
        for forbidden in sorted(set(MAY_INCLUDE) - wanted):
            argv = [command, "-fsyntax-only", "-std=c17", "-D_GNU_SOURCE", "-x", "c", *paths, "-"]
            if compiler(argv, f'#include "{a_header(forbidden)}"\n').returncode == 0:
                failed += 1
                print(f'{layer}: #include "{a_header(forbidden)}" compiles')
    if checked != len(MAY_INCLUDE):
        sys.exit(f"{checked} layers were checked, there are {len(MAY_INCLUDE)}")
    print(f"{checked} layers checked, {failed} faults")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
