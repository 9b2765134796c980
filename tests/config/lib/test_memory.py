"""In how many heaps the C library keeps what the threads of a process allocate."""

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from config.lib import memory

def allocate(barrier):
    barrier.wait()
    sum(len(bytes(n)) for n in range(1000, 50_000, 100))
    barrier.wait()

if sys.argv[1] == "limited":
    memory.limit_heaps()
barrier = threading.Barrier(5)
threads = [threading.Thread(target=allocate, args=[barrier], daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
barrier.wait()
barrier.wait()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def heaps_of_four_threads(argument: str) -> int:
    command = [sys.executable, "-c", PROGRAM, argument]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return made.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_threads_share_two_heaps() -> None:
    assert [heaps_of_four_threads("limited"), heaps_of_four_threads("not")] == [2, 5]
