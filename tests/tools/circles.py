# SPDX-License-Identifier: Apache-2.0
"""Files of a layer that need one another in a circle: what is used of a .c file must not use, straight or through others,
what uses it. Types do not count: a header stands below all that include it.
"""

import re

from c_source import FUNCTION

VARIABLE = re.compile(r"^(?!static\b|typedef\b|extern\b|return\b)[a-z][\w *]*?\b(\w+)(?:\[\w*\])* = ", re.M)
WORD = re.compile(r"(?<!\.)(?<!->)\b[A-Za-z_]\w*")


def definitions(code):
    """The functions and variables that CODE defines: for others, and for itself alone."""
    others, own = set(VARIABLE.findall(code)), set()
    for match in FUNCTION.finditer(code):
        name = re.search(r"(\w+)\(", match.group("head"))
        if name:
            (own if match.group("head").startswith("static") else others).add(name.group(1))
    return others, own


def uses(sources):
    """SOURCES (file: its bare code) as file -> other file of its folder -> the names it uses of that one."""
    defined, own = {}, {}
    for name, code in sources.items():
        others, own[name] = definitions(code)
        for word in others:
            defined.setdefault((name.split("/")[0], word), name)
    found = {name: {} for name in sources}
    for name, code in sources.items():
        for word in set(WORD.findall(code)) - own[name]:
            where = defined.get((name.split("/")[0], word), name)
            if where != name:
                found[name].setdefault(where, set()).add(word)
    return found


def reach(start, edges):
    seen, waiting = set(), [start]
    while waiting:
        for other in edges[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def circles(sources):
    """Each circle as its files, sorted, and a sentence that says what ties them."""
    edges = uses(sources)
    reached = {name: reach(name, edges) for name in edges}
    told = set()
    for name in sorted(edges):
        members = sorted(other for other in reached[name] if name in reached[other])
        if not members or name in told:
            continue
        told.update(members)
        ties = [f"{a} uses {', '.join(sorted(edges[a][b]))} of {b}" for a in members for b in members if b in edges[a]]
        yield members, "; ".join(ties)
