# SPDX-License-Identifier: Apache-2.0
"""What the checks know of C's text. It is read as text, not compiled: clang-format has put everything into its place."""

import re

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
# clang-format puts a function's braces into the first column, and nothing else's opening one.
FUNCTION = re.compile(r"^(?!\s|#|//|/\*|\}|struct \w+ \{|enum )(?P<head>[^\n;={}]*(?:\n[ \t][^\n;={}]*)*)\n\{\n(?P<body>.*?)^\}", re.M | re.S)


def bare(text):
    """TEXT with comments and literals blanked, line numbers kept."""
    return TOKEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
