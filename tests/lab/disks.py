# SPDX-License-Identifier: Apache-2.0
"""File systems of the tests' own, to run out of room: as root, who may mount."""

import os
import shutil
import subprocess

from .processes import run



def why_no_disks():
    """Why there can be none, or None."""
    return "root, who mounts file systems" if os.geteuid() != 0 else None


class Disk:
    """What is below FOLDER until unmount(): room for MEGABYTES in so many FILES."""

    def __init__(self, folder, megabytes=1, files=128):
        self.folder, self.filler = folder, folder / "filler"
        folder.mkdir(parents=True, exist_ok=True)
        run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,nr_inodes={files},mode=700", "certferry-test", folder])

    def leave(self, blocks=None, inodes=None):
        """No more than so many are free from now on."""
        self.filler.mkdir()
        now = os.statvfs(self.folder)
        if blocks is not None:
            (self.filler / "blocks").write_bytes(bytes((now.f_bfree - blocks) * now.f_frsize))
        for number in range(now.f_ffree - inodes if inodes is not None else 0):
            (self.filler / str(number)).touch()

    def read_only(self):
        run(["mount", "-o", "remount,ro", self.folder])

    def make_room(self):
        run(["mount", "-o", "remount,rw", self.folder])
        shutil.rmtree(self.filler, ignore_errors=True)

    def unmount(self):
        if subprocess.run(["umount", self.folder], capture_output=True, check=False).returncode != 0:
            run(["umount", "-l", self.folder])
