# SPDX-License-Identifier: Apache-2.0
"""The server's side of the connection ends at every SFTP request of a deployment: a reader sees a matching pair at every
instant, and the next run leaves nothing of what happened. CERTFERRY_THOROUGH=1 tries each request, else some of them.
"""

import pytest
from lab.slots import spread


# At a reboot the process that serves a login goes with all its channels; else only the SFTP server does.
@pytest.mark.parametrize("state, do, points", [
    ("ours", "end", 20), ("ours", "kill sshd", 10), ("plain", "end", 20), ("plain", "kill sshd", 10), ("empty", "end", 10),
])  # fmt: skip
def test_ended(slots, state, do, points):
    for numbers in slots.rounds(spread(slots.clean_run(state), points)):
        slots.settle(state)
        for slot, number in zip(slots, numbers):
            slot.plan(at=number, do=do)
        with slots.watched():
            run = slots.deploy(timeout=20)
        slots.check(run)
        for slot, number in zip(slots, numbers):
            assert slot.reached(), f"request {number} never came"
        slots.recover()


def test_a_copy_is_on_disk_before_what_was_there_is_given_up(slots):
    """A power cut behind a deployment brings no content of before back: the folder is flushed behind the rename."""
    slots.clean_run("ours")
    for slot in slots:
        requests, extra = slot.requests(), str(slot.extra)

        def first(kind, ending, since=0):
            return next(at for at, what, paths in requests if at > since and what == kind and paths.endswith(ending))

        replaced = first("extended", f"{extra}/combined.pem")
        flushed = first("extended", "", since=first("open", extra, since=replaced))
        given_up = first("remove", f"{extra}/.combined.pem.certferry-previous", since=replaced)
        assert replaced < flushed < given_up, requests[replaced - 1 :]
