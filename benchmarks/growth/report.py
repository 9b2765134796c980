"""Measure what pages and lists cost when the tables are large."""

from benchmarks.growth.measure import cost_of
from benchmarks.growth.pages import requests_of, requests_of_staff
from benchmarks.growth.rows import add_staff, fill


def run(videos: int, users: int, shares: tuple[int, ...], rounds: int) -> None:
    """Print the cost of each page for users with so many videos, and of staff pages."""
    named = fill(videos, users, shares)
    print(f"{videos:,} videos, {users:,} users; CPU ms, statements, large tables scanned\n")
    print("| page | " + " | ".join(f"{share:,} videos" for share in shares) + " |")
    print("|---" * (len(shares) + 1) + "|")
    for requests in zip(*map(requests_of, named), strict=True):
        costs = [cost_of(request, rounds) for _name, request in requests]
        print(f"| {requests[0][0]} | {' | '.join(map(str, costs))} |", flush=True)
    print(f"\n| page | {videos:,} videos |\n|---|---|")
    for name, request in requests_of_staff(add_staff()):
        print(f"| {name} | {cost_of(request, rounds)} |", flush=True)
