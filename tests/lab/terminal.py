# SPDX-License-Identifier: Apache-2.0
"""A terminal as a person sees it: runs a program on a pty and keeps what is on the screen, and what scrolled off it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

ESCAPE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


class Screen:
    """As much of a terminal as the product's output needs: lines that wrap and scroll, cursor up, erase, colours."""

    def __init__(self, columns=80, lines=24):
        self.columns, self.lines = columns, lines
        self.rows, self.row, self.column, self.scrolled = [""], 0, 0, []
        self.pending = ""

    def feed(self, text):
        """Take TEXT; an escape sequence cut in two waits for its rest."""
        text = self.pending + text
        self.pending = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = ESCAPE.match(text, at)
                if found is None:
                    self.pending = text[at:]
                    return
                self.control(found.group(2), found.group(1))
                at = found.end()
                continue
            self.character(text[at])
            at += 1

    def control(self, letter, argument):
        if letter == "A":
            self.row = max(0, self.row - int(argument or 1))
        elif letter == "J":
            self.rows[self.row] = self.rows[self.row][: self.column]
            del self.rows[self.row + 1 :]
        elif letter == "K":
            self.rows[self.row] = ""
        else:
            assert letter == "m", f"a sequence that no test expects: {argument}{letter}"

    def next_row(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")
        if len(self.rows) > self.lines:
            self.scrolled.append(self.rows.pop(0))
            self.row -= 1

    def character(self, letter):
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.next_row()
        else:
            if self.column == self.columns:
                self.column = 0
                self.next_row()
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + letter + row[self.column + 1 :]
            self.column += 1

    @property
    def text(self):
        return "\n".join(self.rows)


def set_size(fd, columns, lines):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def watch(product, *args, columns=80, lines=24, on_frame=None, on_start=None):
    """Run the product on a terminal of that size; ON_START gets its Popen object, ON_FRAME (the screen, a function that
    resizes it) after each read. The screen, and the exit code."""
    master, slave = pty.openpty()
    set_size(slave, columns, lines)
    screen = Screen(columns, lines)

    def resize(columns, lines):
        screen.columns, screen.lines = columns, lines
        while len(screen.rows) > lines:
            screen.scrolled.append(screen.rows.pop(0))
            screen.row -= 1
        set_size(master, columns, lines)

    process = subprocess.Popen(product.argv(*args), env=product.env({"TERM": "xterm"}), cwd=product.dir, stdin=slave,
                               stdout=slave, stderr=slave, start_new_session=True)  # fmt: skip
    os.close(slave)
    if on_start:
        on_start(process)
    try:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # the program and everything it started is gone
                break
            if not data:
                break
            screen.feed(data.decode("utf-8", "replace"))
            if on_frame:
                on_frame(screen, resize)
    finally:
        os.close(master)
    return screen, process.wait(60)
