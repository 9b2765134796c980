"""`python -m benchmarks.one_task_per_video PORT VIDEOS SECONDS`: the floor of polling.

What a small program would do: an asyncio task for each video that asks the engine every 5 seconds
and writes the progress to its row in SQLite. It leases nothing, tells nobody and survives nothing.
"""

import asyncio
import resource
import sqlite3
import sys
import tempfile
from pathlib import Path

import aiohttp

INTERVAL_SECONDS = 5


def main() -> None:
    """Print the number of polls and the CPU seconds that they took."""
    port, videos, seconds = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "videos.sqlite3", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("CREATE TABLE video (id INTEGER PRIMARY KEY, progress REAL)")
        database.executemany("INSERT INTO video VALUES (?, 0)", [(n,) for n in range(videos)])
        print(*asyncio.run(_poll_all(database, f"http://127.0.0.1:{port}", videos, seconds)))


async def _poll_all(
    database: sqlite3.Connection, engine: str, videos: int, seconds: int
) -> tuple[int, float]:
    polls = 0

    async def poll(session: aiohttp.ClientSession, n: int) -> None:
        nonlocal polls
        await asyncio.sleep(INTERVAL_SECONDS * n / videos)
        while True:
            async with session.get(f"{engine}/v1/videos/video_{n}") as answer:
                job = await answer.json()
            database.execute("UPDATE video SET progress = ? WHERE id = ?", (job["progress"], n))
            polls += 1
            await asyncio.sleep(INTERVAL_SECONDS)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=128)) as session:
        tasks = [asyncio.create_task(poll(session, n)) for n in range(videos)]
        await asyncio.sleep(INTERVAL_SECONDS)  # the first poll of each opens connections
        before, began = polls, _cpu_seconds()
        await asyncio.sleep(seconds)
        done, used = polls - before, _cpu_seconds() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return done, used


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
