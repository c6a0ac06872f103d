# SPDX-License-Identifier: Apache-2.0
"""Checks docs/conformance.md: every file, function and test that it names is there, and every item is explained.

    check_conformance.py [FILE]
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SECTIONS = range(1, 22)


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def test_files(name):
    """The files that a name in the test column may mean."""
    if match := re.fullmatch(r"test_(\d+)", name):
        return sorted((ROOT / "tests/system").glob(f"test_{match[1]}_*.py"))
    if name.startswith("test_"):
        return sorted((ROOT / "tests").glob(f"*/{name}.c"))
    if name.startswith("fuzz_"):
        return sorted((ROOT / "fuzz").glob(f"{name}.c"))
    if name.endswith(".txt"):
        return sorted((ROOT / "tests/transcripts").glob(name))
    return []


def check_code(cell):
    """What is wrong with a cell of the code column."""
    names = re.findall(r"`([^`]+)`", cell)
    files = [ROOT / name for name in names if "/" in name]
    for path in files:
        if not path.exists():
            yield f"there is no file {path.relative_to(ROOT)}"
    text = "".join(read(path) for path in files if path.exists())
    for name in names:
        if "/" not in name and re.fullmatch(r"\w+(\(\))?", name) and name.rstrip("()") not in text:
            yield f"{name} is in none of its files"
    if not files:
        yield "names no file"


def check_tests(cell):
    """What is wrong with a cell of the test column: each quoted test has to be in one of the files named before it."""
    text, files = "", 0
    for name, quoted in re.findall(r"`([^`]+)`|\"([^\"]+)\"", cell):
        if name and re.fullmatch(r"(test|fuzz)_\w+|[\w-]+\.txt", name):
            found = test_files(name)
            if not found:
                yield f"there is no test {name}"
            files += len(found)
            text = "".join(map(read, found))
        elif quoted and quoted not in text:
            yield f'there is no test "{quoted}" where it is said to be'
    if not files and "every transcript" not in cell:
        yield "names no test"


def rows(text):
    """(line number, cells) of each row of the tables, their heads apart."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("| ") and not line.startswith(("| item |", "| type |")):
            yield number, [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def problems(text):
    seen = []
    for number, cells in rows(text):
        if len(cells) not in (4, 5):
            yield number, f"{len(cells)} columns"
            continue
        if len(cells) == 5:
            if cells[0] in seen:
                yield number, f"{cells[0]} is there twice"
            seen.append(cells[0])
        for found in (*check_code(cells[-2]), *check_tests(cells[-1])):
            yield number, f"{cells[0]}: {found}"
    for section in SECTIONS:
        if not any(item.startswith(f"{section}.") for item in seen):
            yield 0, f"section {section} has no item"


def main(argv):
    path = Path(argv[1]) if len(argv) > 1 else ROOT / "docs/conformance.md"
    found = list(problems(read(path)))
    for number, text in found:
        print(f"{path.name}:{number}: {text}")
    print(f"{len(list(rows(read(path))))} items, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
