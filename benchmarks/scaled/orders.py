"""Orders of many users, each repeated under its idempotency key until it is accepted."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import httpx2

from tests.faults.users import AT_SANDBOX, HttpUser

# Of twenty orders: two fail, two lose the answer of the engine, one meets a broken poll, one is
# cancelled by its user while it waits or renders.
ENDINGS = (
    *["[[instant]]"] * 7, "[[fail:internal_error]]", "[[instant]] [[drop:after]]", "[[cancel]]",
    *["[[instant]]"] * 7, "[[fail:moderation_blocked]]", "[[instant]] [[drop:after]]",
    "[[poll:500x2]]",
)  # fmt: skip
PATIENCE = 600
PAUSE_SECONDS = 0.3
give_up = threading.Event()


@dataclass
class Customer:
    """A user, and the ids of the videos that were accepted."""

    user: HttpUser
    urls: Sequence[str]

    def order(self, number: int) -> Counter[int]:
        """Order one video; return the statuses of all tries, 0 for a broken connection."""
        ending = ENDINGS[number % len(ENDINGS)]
        prompt = (
            f"Boat {number} of {self.user.account.pk} {ending.replace('[[cancel]]', '')}".strip()
        )
        statuses, why = Counter[int](), ""
        for turn in count(number):
            assert statuses.total() < PATIENCE, (statuses, why)
            try:
                answer = self.user.http.post(
                    f"{self.urls[turn % len(self.urls)]}/api/videos",
                    json={"prompt": prompt, **AT_SANDBOX},
                    headers={"Idempotency-Key": prompt},
                )
            except httpx2.TransportError as error:
                statuses[0], why = statuses[0] + 1, repr(error)
            else:
                statuses[answer.status_code] += 1
                if answer.status_code == 201:
                    self.user.accepted.append(answer.json()["id"])
                    break
                assert answer.status_code >= 500, answer.text
            assert not give_up.wait(PAUSE_SECONDS), "the run was given up"
        if ending == "[[cancel]]":
            self._cancel(self.user.accepted[-1], number)
        return statuses

    def _cancel(self, video: str, number: int) -> None:
        """Press Cancel once; the answer may get lost, and the video may have ended."""
        url = self.urls[number % len(self.urls)]
        try:
            self.user.http.post(f"{url}/v/{video}/cancel/")
        except httpx2.TransportError:
            pass


def place(
    customers: Sequence[Customer], orders: int, threads: int, has_room: Callable[[], bool]
) -> Counter[int]:
    """Place so many orders, each when there is room; return the statuses of all tries."""
    found: Counter[int] = Counter()
    each = [range(n, orders, len(customers)) for n in range(len(customers))]

    def work(pair: tuple[Customer, range]) -> Counter[int]:
        customer, numbers = pair
        statuses: Counter[int] = Counter()
        for number in numbers:
            while not has_room():
                assert not give_up.wait(PAUSE_SECONDS), "the run was given up"
            statuses += customer.order(number)
        return statuses

    with ThreadPoolExecutor(threads) as pool:
        for statuses in pool.map(work, zip(customers, each, strict=True)):
            found += statuses
    return found


def count_answers(user: HttpUser, urls: Sequence[str], video: str, calls: int) -> Counter[int]:
    """Ask every web process for one task at once, `calls` times; return the statuses."""
    with ThreadPoolExecutor(16) as pool:
        paths = [f"{urls[n % len(urls)]}/api/tasks/{video}" for n in range(calls)]
        return Counter(pool.map(lambda path: user.http.get(path).status_code, paths))
