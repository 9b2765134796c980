"""Pages of lists that are not counted."""

from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from config.lib.web.paging import FAR, page_of, uncounted_page_of


@pytest.fixture
def rows(db: None) -> Any:
    User.objects.bulk_create(User(username=f"{n:02}", email=f"{n}@example.com") for n in range(25))
    return User.objects.order_by("username")


@pytest.mark.parametrize(
    ("asked", "number", "names", "has_previous", "has_next"),
    [
        ("", 1, ("00", "09"), False, True),
        ("1", 1, ("00", "09"), False, True),
        ("2", 2, ("10", "19"), True, True),
        ("3", 3, ("20", "24"), True, False),
        ("4", 1, ("00", "09"), False, True),
        ("0", 1, ("00", "09"), False, True),
        ("-1", 1, ("00", "09"), False, True),
        ("x", 1, ("00", "09"), False, True),
        ("9" * 30, 1, ("00", "09"), False, True),
    ],
)
def test_uncounted_page_knows_its_neighbours(
    rows: Any, asked: str, number: int, names: tuple[str, str], has_previous: bool, has_next: bool
) -> None:
    page = uncounted_page_of(RequestFactory().get("/", {"page": asked}), rows, 10)
    shown = [user.username for user in page]
    assert (page.number, (shown[0], shown[-1])) == (number, names)
    assert (page.has_previous(), page.has_next()) == (has_previous, has_next)
    assert page.has_other_pages()
    if has_next:
        assert page.next_page_number() == number + 1
    if has_previous:
        assert page.previous_page_number() == number - 1


@pytest.mark.parametrize("page", [1, 2])
def test_pages_are_not_counted(
    rows: Any, page: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = RequestFactory().get("/", {"page": str(page)})
    with django_assert_num_queries(1):
        assert len(uncounted_page_of(request, rows, 20).object_list) == {1: 20, 2: 5}[page]
    with django_assert_num_queries(1):
        counted = page_of(request, rows, 20, total=25)
        assert (len(list(counted)), counted.paginator.num_pages) == ({1: 20, 2: 5}[page], 2)


def test_a_list_of_one_page_has_no_other_pages(rows: Any) -> None:
    page = uncounted_page_of(RequestFactory().get("/"), rows, 25)
    assert (page.has_other_pages(), page.has_next()) == (False, False)
    empty = uncounted_page_of(RequestFactory().get("/"), rows.none(), 25)
    assert (list(empty), empty.number, empty.has_other_pages()) == ([], 1, False)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_far_page_has_the_rows_of_its_place(
    db: None, more: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Also where the number of rows that is known differs from that of the rows."""
    number = 3 * FAR + 5
    User.objects.bulk_create(
        User(username=f"{n:05}", email=f"{n}@example.com", display_name=str(n % 7))
        for n in range(number)
    )
    rows = User.objects.exclude(display_name="9").order_by("-display_name", "username")
    every = list(rows.all())
    pages = -(-(number + more) // 10)
    for page in (1, 100, 101, 102, 150, 151, pages - 1, pages):
        request = RequestFactory().get("/", {"page": str(page)})
        with django_assert_num_queries(1):
            shown = list(page_of(request, rows, 10, total=number + more))
        near_the_end = 10 * (page - 1) > number + more - 10 * page
        shift = -more if near_the_end and page > 101 else 0
        first = 10 * (page - 1) + shift
        assert shown == every[first : first + len(shown)]
        assert len(shown) == min(10, number + more - 10 * (page - 1))
