#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What no compiler looks at: includes against the layers, circles inside them, banned calls, sizes, first lines, leftovers.
./dev lint runs it.
"""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

from c_source import FUNCTION, bare
from circles import circles
from layers import LIBRARIES, MAY_INCLUDE, allowed

ROOT = Path(__file__).resolve().parent.parent.parent

FILE_LINES, TEST_LINES, FUNCTION_LINES, HARNESS_LINES = 700, 750, 90, 80
# "file:function" -> why it may be longer: a flat table or a flow in the order of its RFC.
LONGER = {}

# Circles of files inside a layer that are left, whole; the rule is circles.py's.
CIRCLES = [
    # A session may go through a tunnel, which is a session of its own at the jump host: one thing in five files.
    ["transport/ssh.c", "transport/ssh_connect.c", "transport/ssh_host_key.c", "transport/ssh_login.c",
     "transport/ssh_tunnel.c"],
]

# Call -> what to use instead. CONTRIBUTING.md has the reasons.
BANNED = {
    "strcpy": "str_set or a struct buf",
    "stpcpy": "str_set or a struct buf",
    "strcat": "a struct buf",
    "strncpy": "str_set_n, or snprintf",
    "strncat": "a struct buf",
    "sprintf": "snprintf, str_format or buf_printf",
    "vsprintf": "vsnprintf or buf_vprintf",
    "gets": "a struct reader",
    "scanf": "a struct reader",
    "sscanf": "a struct reader, parse_u64",
    "fscanf": "a struct reader",
    "atoi": "parse_u64",
    "atol": "parse_u64",
    "atoll": "parse_u64",
    "atof": "parse_u64: nothing here is a fraction",
    "strtol": "parse_u64",
    "strtoll": "parse_u64",
    "strtoul": "parse_u64",
    "strtoull": "parse_u64",
    "strtod": "parse_u64: nothing here is a fraction",
    "strtok": "memchr over a length",
    "strtok_r": "memchr over a length",
    "strerror": "error_errno, or strerror_r: strerror is not thread-safe",
    "gmtime": "rfc3339_format",
    "localtime": "localtime_r",
    "asctime": "rfc3339_format",
    "ctime": "rfc3339_format",
    "mktemp": "the store's atomic write",
    "tmpnam": "the store's atomic write",
    "tempnam": "the store's atomic write",
    "system": "posix_spawn without a shell",
    "popen": "posix_spawn without a shell",
    "alloca": "a struct buf or calloc",
    "rand": "getrandom",
    "srand": "getrandom",
    "random": "getrandom",
    "sleep": "deadline_sleep, or wait for the event itself",
    "usleep": "deadline_sleep, or wait for the event itself",
    "nanosleep": "deadline_sleep, or wait for the event itself",
    "gethostbyname": "transport/dns.h",
    "assert": "an ERROR_INTERNAL",
}
# Where a banned call is the thing that makes the replacement.
BANNED_BUT = {("base/clock.c", "nanosleep")}

CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)', re.M)
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def files():
    argv = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.c", "*.h"]
    listed = subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE).stdout.split("\n")
    return sorted(name for name in set(listed) if name and (ROOT / name).is_file())


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_includes(name, text):
    folder = name.split("/")[0]
    may = allowed(folder) if folder in MAY_INCLUDE else None  # tests and harnesses may use anything
    for match in INCLUDE.finditer(text):
        kind, header = match.groups()
        where, top = line_of(text, match.start()), header.split("/")[0]
        if ".." in header or header.endswith(".c"):
            yield where, f'"{header}": include headers, from the top of the tree'
        elif may is not None and kind == '"' and top not in may:
            yield where, f'{folder}/ may not include "{header}" (docs/layers.md)'
        for library, places in LIBRARIES.items():
            if may is None or not header.startswith(library):
                continue
            if not any(fnmatch.fnmatch(name, place) for place in places):
                yield where, f"<{header}> belongs behind {', '.join(places)} (docs/layers.md)"


def check_calls(name, text):
    if name.split("/")[0] not in MAY_INCLUDE:
        return
    for match in CALL.finditer(text):
        call = match.group(1)
        if (name, call) not in BANNED_BUT:
            yield line_of(text, match.start()), f"{call}() is banned: use {BANNED[call]}"


def check_sizes(name, text, code):
    lines = text.count("\n")
    cap = HARNESS_LINES if re.match(r"fuzz/fuzz_", name) else TEST_LINES if name.startswith("tests/") else FILE_LINES
    if lines > cap:
        yield lines, f"{lines} lines, at most {cap}: two files are hiding in it"
    for match in FUNCTION.finditer(code):
        length = match.group().count("\n") + 1
        called = re.search(r"(\w+)\s*\(", match.group("head"))
        if length > FUNCTION_LINES and called and f"{name}:{called.group(1)}" not in LONGER:
            yield line_of(code, match.start()), f"{called.group(1)}() has {length} lines, at most {FUNCTION_LINES}"


UNSET_BUFFER = re.compile(r"CLEANUP\(buf_done\)\s*struct buf ([\w, ]+);((?:.|\n)*?)(?=\n})")


def check_buffers(text, code):
    """A buffer that is cleaned up must be one by the first return: what the stack held would be freed."""
    for match in UNSET_BUFFER.finditer(code):
        for buffer in re.findall(r"\w+", match.group(1)):
            begun = re.search(rf"\bbuf_init\(&{buffer}\b|\breturn\b", match.group(2))
            if begun and begun.group() == "return":
                yield line_of(text, match.start()), f"{buffer} may be cleaned up before buf_init(): begin it with = {{0}}"


def check_head(name, text):
    lines = text.split("\n", 2)
    if lines[0] != "/* SPDX-License-Identifier: Apache-2.0 */":
        yield 1, "the first line names the licence: /* SPDX-License-Identifier: Apache-2.0 */"
    elif not re.match(r"tests/\w+/test_", name) and not lines[1].startswith("/*"):
        yield 2, "the second line begins a comment of 1 to 6 lines: its job, and the one idea that is not obvious"
    guard = re.sub(r"[^A-Z0-9]+", "_", name.split("/include/")[-1].upper())
    if name.endswith(".h") and not re.search(rf"^#ifndef {guard}$", text, re.M):
        yield 1, f"its guard is {guard}"


def check(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    code = bare(text)
    yield from check_includes(name, text)
    yield from check_calls(name, code)
    yield from check_sizes(name, text, code)
    yield from check_buffers(text, code)
    yield from check_head(name, text)
    for match in LEFTOVER.finditer(text):
        yield line_of(text, match.start()), f"{match.group()}: finish it or write an issue"


def check_circles(names):
    sources = [name for name in names if name.endswith(".c") and name.split("/")[0] in MAY_INCLUDE]
    for members, ties in circles({name: bare((ROOT / name).read_text(encoding="utf-8")) for name in sources}):
        if members not in CIRCLES:
            yield members[0], f"a circle: {ties}; what both need stands in a file below them (docs/layers.md)"


def main():
    names, found = files(), 0
    for name in names:
        for line, what in check(name):
            print(f"{name}:{line}: {what}")
            found += 1
    for name, what in check_circles(names):
        print(f"{name}: {what}")
        found += 1
    print(f"{len(names)} files, {found} found")
    sys.exit(found != 0)


if __name__ == "__main__":
    main()
