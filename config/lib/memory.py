"""Keep a process with many threads from holding much more memory than it uses."""

import ctypes

# Parameter of mallopt(3).
M_ARENA_MAX = -8
# glibc would give each thread a heap of its own, up to eight for each core, and what a request or a
# picture has freed in one of them is of no use to the others. Python's threads run one at a time.
ARENAS = 2


def limit_heaps() -> None:
    """Have the C library use two heaps; where it has no such setting nothing happens.

    Call it before threads start.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_ARENA_MAX, ARENAS)
