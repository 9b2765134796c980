"""What a process uses, as the kernel counts it."""

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def stat_fields(pid: int | str) -> list[str]:
    """Return the fields of /proc/PID/stat that follow the name: state, parent and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process so far, its ended threads included."""
    # clock_getcpuclockid(3), which Python does not have: the clock of another process on Linux.
    return time.clock_gettime(~pid << 3 | 2)


def peak_mb(pid: int) -> int:
    """Return the most memory that a process has had."""
    return _kilobytes(pid, "status", "VmHWM:") // 1000


def resident_mb(pid: int) -> int:
    """Return the memory that a process has now."""
    return _kilobytes(pid, "status", "VmRSS:") // 1000


def private_kib(pid: int) -> int:
    """Return the memory that belongs to a process alone."""
    return _kilobytes(pid, "smaps_rollup", "Private_Dirty:")


def _kilobytes(pid: int, file: str, name: str) -> int:
    return int(Path(f"/proc/{pid}/{file}").read_text().partition(name)[2].split()[0])
