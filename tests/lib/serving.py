# SPDX-License-Identifier: MIT
"""How the programs in this directory end. Standard library only."""

import asyncio
import os
import stat


async def end_of_input():
    """Returns when the pipe on standard input closes: a test that dies takes its servers along.
    Where that is no pipe (in a shell's background it is /dev/null) only a signal ends us."""
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        await asyncio.Event().wait()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, lambda: os.read(0, 4096) or ended.set())
    await ended.wait()
