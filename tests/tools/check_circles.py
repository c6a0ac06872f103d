#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The rule about circles (circles.py) finds those that are there, and no others."""

import sys

from c_source import bare
from circles import circles

UPPER = """
static int helper(void)
{
	return lower_one();
}

int upper_one(void)
{
	return helper();
}
"""
LOWER = """
int lower_one(void)
{
	return %s;
}
"""
CASES = [
    # What it is, what lower.c returns, whether there is a circle.
    ("down only", "1", False),
    ("a call", "upper_one()", True),
    ("an address", "run(&upper_one)", True),
    ("a member of that name", "it->upper_one(0) + it.upper_one", False),
    ("in a comment", "1 /* upper_one() */", False),
    ("in a text", 'run("upper_one()")', False),
    ("through a third file", "middle_one()", True),
    ("a variable", "upper_table[0]", True),
    ("a namesake that is another's own", "helper()", False),
]


def main():
    failed = 0
    for what, expression, expected in CASES:
        sources = {
            "a/upper.c": UPPER + "\nconst int upper_table[] = {1};\n",
            "a/middle.c": "\nint middle_one(void)\n{\n\treturn upper_one();\n}\n",
            "a/lower.c": LOWER % expression,
            "b/lower.c": LOWER % "upper_one()",  # another layer's: the compiler sees to those
        }
        found = list(circles({name: bare(text) for name, text in sources.items()}))
        members = [name for names, _ in found for name in names]
        if bool(found) != expected or (expected and not {"a/upper.c", "a/lower.c"} <= set(members)) or "b/lower.c" in members:
            failed += 1
            print(f"{what}: {found}")
    print(f"{len(CASES)} cases, {failed} faults")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
