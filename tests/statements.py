"""What happens while the database is asked: somebody else acts meanwhile, or it fails."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.db import OperationalError, connection

Match = Callable[[str, Any], bool]


def reads(table: str) -> Match:
    return lambda sql, _: sql.startswith("SELECT") and f'FROM "{table}"' in sql


def writes(table: str) -> Match:
    return lambda sql, _: sql.startswith((f'INSERT INTO "{table}"', f'UPDATE "{table}"'))


def names(value: object) -> Match:
    """A statement with this parameter, or one that holds it."""
    wanted = str(value).replace("-", "")
    return lambda _, parameters: any(
        wanted in str(one).replace("-", "") for one in parameters or ()
    )


@contextmanager
def before(match: Match, act: Callable[[], object], *, once: bool = True) -> Iterator[None]:
    """Act right before the first statement that matches, or before each of them."""
    waiting = [act]

    def watch(execute: Callable[..., Any], sql: str, parameters: Any, *words: Any) -> Any:
        if waiting and match(sql, parameters):
            waiting.clear()  # what it asks the database itself does not count
            act()
            if not once:
                waiting.append(act)
        return execute(sql, parameters, *words)

    with connection.execute_wrapper(watch):
        yield


@contextmanager
def after(match: Match, act: Callable[[], object]) -> Iterator[None]:
    """Act right after the first statement that matches."""
    waiting = [act]

    def watch(execute: Callable[..., Any], sql: str, parameters: Any, *words: Any) -> Any:
        result = execute(sql, parameters, *words)
        if waiting and match(sql, parameters):
            waiting.pop()()
        return result

    with connection.execute_wrapper(watch):
        yield


def failing(*matches: Match, error: Exception | None = None) -> AbstractContextManager[None]:
    """Every statement that matches all of these fails."""

    def fail() -> None:
        raise error or OperationalError("disk is full")

    return before(lambda sql, p: all(match(sql, p) for match in matches), fail, once=False)
