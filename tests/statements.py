"""Hooks on SQL statements: run an action before or after one, or make it fail."""

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
    """Match statements with a parameter that contains this value."""
    wanted = str(value).replace("-", "")
    return lambda _, parameters: any(
        wanted in str(one).replace("-", "") for one in parameters or ()
    )


@contextmanager
def before(match: Match, action: Callable[[], object], *, once: bool = True) -> Iterator[None]:
    """Run the action before the first statement that matches, or before each of them."""
    waiting = [action]

    def watch(execute: Callable[..., Any], sql: str, parameters: Any, *arguments: Any) -> Any:
        if waiting and match(sql, parameters):
            waiting.clear()  # statements of the action itself do not count
            try:
                action()
            finally:
                if not once:
                    waiting.append(action)
        return execute(sql, parameters, *arguments)

    with connection.execute_wrapper(watch):
        yield


@contextmanager
def after(match: Match, action: Callable[[], object]) -> Iterator[None]:
    """Run the action after the first statement that matches."""
    waiting = [action]

    def watch(execute: Callable[..., Any], sql: str, parameters: Any, *arguments: Any) -> Any:
        result = execute(sql, parameters, *arguments)
        if waiting and match(sql, parameters):
            waiting.pop()()
        return result

    with connection.execute_wrapper(watch):
        yield


def failing(*matches: Match, error: Exception | None = None) -> AbstractContextManager[None]:
    """Make every statement fail that matches all of these."""

    def fail() -> None:
        raise error or OperationalError("disk is full")

    return before(lambda sql, p: all(match(sql, p) for match in matches), fail, once=False)
