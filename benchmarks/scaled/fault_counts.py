"""What went wrong in a run, counted; every count must be 0."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from accounts.models import User
from benchmarks.scaled.orders import Customer
from benchmarks.scaled.websocket_clients import Listener
from billing.ledger import credits, invariants
from tests.faults.users import PRICE
from videos.models import Video


def count_faults(
    customers: Iterable[Customer],
    listeners: Iterable[Listener],
    savers: Iterable[User],
    folder: Path,
    welcome: int,
) -> dict[str, int]:
    """Compare what was accepted with rows, credits, files, jobs and what sockets notified."""
    found = Counter(broken_invariants=len(invariants.problems()))
    made = _jobs_made(folder / "sandbox" / "sandbox.sqlite3")
    for customer in customers:
        videos = list(Video.objects.filter(user=customer.user.account))
        found["lost"] += len(set(customer.user.accepted) - {str(video.pk) for video in videos})
        found["double_orders"] += len(videos) - len(set(customer.user.accepted))
        found["duplicate_jobs"] += sum(made[video.prompt] > 1 for video in videos)
        found["files_not_stored"] += sum(
            video.status == Video.Status.SUCCEEDED and not _has_file(folder, video)
            for video in videos
        )
        found.update(_credit_faults(customer, videos, welcome))
    found["ends_not_notified"] = sum(len(_ended_of(one) - one.notified) for one in listeners)
    found["wrong_expiries"] = wrong_expiries(savers)
    return dict(found)


def _credit_faults(customer: Customer, videos: list[Video], welcome: int) -> Counter[str]:
    entries = list(credits.history(customer.user.account))
    spent = Counter(e.reference_id for e in entries if e.type == "spent")
    returned = Counter(e.reference_id for e in entries if e.type == "refunded")
    kept = sum(not video.is_refunded for video in videos)
    ids = {str(video.pk) for video in videos}
    return Counter(
        double_charges=sum(n > 1 or pk not in ids for pk, n in spent.items()),
        never_charged=len(ids - set(spent)),
        missed_refunds=sum(video.is_refunded and not returned[str(video.pk)] for video in videos),
        wrong_refunds=sum(returned[str(video.pk)] > int(video.is_refunded) for video in videos),
        wrong_balances=int(credits.available(customer.user.account) != welcome - PRICE * kept),
    )


def _has_file(folder: Path, video: Video) -> bool:
    file = folder / "media" / str(video.file)
    return bool(video.file) and file.is_file() and file.stat().st_size == video.file_bytes


def _ended_of(listener: Listener) -> set[str]:
    ended = Video.objects.filter(user=listener.user.account).exclude(status__in=Video.ACTIVE)
    return {str(pk) for pk in ended.values_list("pk", flat=True)}


def _jobs_made(database: Path) -> Counter[str]:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        return Counter(prompt for (prompt,) in connection.execute("SELECT prompt FROM made"))


def all_notified(listeners: Iterable[Listener]) -> bool:
    """Return whether each listener was notified of every end of its user's videos."""
    return all(_ended_of(one) <= one.notified for one in listeners)


def wrong_expiries(savers: Iterable[User]) -> int:
    """Count users whose one lot did not expire exactly once."""
    return sum(credits.history(user, "expired").count() != 1 for user in savers)
