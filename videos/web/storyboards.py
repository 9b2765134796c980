"""The storyboards: the list of them, and the page of one with what its buttons do."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.ledger.credits import NotEnoughCredits
from config.lib import idempotency, rate_limits
from config.lib.web.responses import UserRequest, see_other
from videos import feed
from videos.editing.jobs import TooManyEdits
from videos.editing.recipes import NotEditable
from videos.media import uploads
from videos.media.concurrency import TooManyAtOnce
from videos.media.frames import NoFrame
from videos.media.upload_checks import BadImage
from videos.models import Shot, Storyboard, Video
from videos.storyboards import boards, film, generation, shots
from videos.storyboards.boards import TooManyBoards
from videos.storyboards.shots import TooManyShots
from videos.web import pages
from videos.web.presenters.storyboard import show
from videos.web.presenters.wallet import wallet_of
from videos.web.repeat_orders import NOT_ORDERED, missing_credits
from videos.web.storyboard_forms import BoardForm, FilmForm, NewBoardForm, ShotForm

REFUSED = (
    *NOT_ORDERED,
    BadImage,
    NoFrame,
    NotEditable,
    TooManyAtOnce,
    TooManyEdits,
    TooManyShots,
    uploads.QuotaFull,
    rate_limits.TooManyAttempts,
)


def _board(request: UserRequest, board_id: UUID) -> Storyboard:
    if found := boards.find(request.user, board_id):
        return found
    raise Http404


def _shot(request: UserRequest, board_id: UUID, shot_id: UUID) -> Shot:
    if found := shots.find(_board(request, board_id), shot_id):
        return found
    raise Http404


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def storyboards(request: UserRequest) -> HttpResponse:
    """List the storyboards; a POST creates one."""
    form = NewBoardForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return see_other("storyboard", boards.create(request.user, **form.cleaned_data).pk)
        except TooManyBoards as error:
            form.add_error("title", str(error))
    context = {"at": "storyboards", "boards": boards.of_user(request.user), "form": form}
    status = 422 if form.errors else 200
    return render(request, "videos/storyboards.html", context, status=status)


@login_required
@require_safe
def storyboard(request: UserRequest, board_id: UUID) -> HttpResponse:
    """Show a storyboard."""
    # Read before the videos, so that no change is missed.
    seq = feed.current_sequence(request.user.pk)
    wallet = wallet_of(request.user)
    shown = show(_board(request, board_id), wallet["available"])
    context = {"at": "storyboards", "seq": seq, "wallet": wallet, "board": shown}
    return render(request, "videos/storyboard.html", context)


@login_required
@require_POST
def change(request: UserRequest, board_id: UUID) -> HttpResponse:
    """Change the title and what all shots share."""
    board, form = _board(request, board_id), BoardForm(request.POST)

    def change() -> None:
        given = form.cleaned_data.items()
        boards.change(board, {k: v for k, v in given if v != getattr(board, k)})

    return _answer(request, board, change, form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: UserRequest, board_id: UUID) -> HttpResponse:
    """Ask, then delete a storyboard; its videos stay in the library."""
    board = _board(request, board_id)
    if request.method != "POST":
        context = {"at": "storyboards", "board": board}
        return render(request, "videos/delete_storyboard.html", context)
    boards.delete(board)
    text = _("The storyboard %(name)s was deleted. Its videos are still in your library.")
    messages.success(request, text % {"name": board.title})
    return see_other("storyboards")


@login_required
@require_POST
def add_shot(request: UserRequest, board_id: UUID) -> HttpResponse:
    """Add a shot at the end."""
    board, form = _board(request, board_id), ShotForm(request.POST, request.FILES)

    def add() -> None:
        with form.values(request.user) as values:
            shots.add(board, values)

    return _answer(request, board, add, form, "add-shot")


@login_required
@require_POST
def change_shot(request: UserRequest, board_id: UUID, shot_id: UUID) -> HttpResponse:
    """Change what a shot shows."""
    shot, form = _shot(request, board_id, shot_id), ShotForm(request.POST, request.FILES)

    def change() -> None:
        with form.values(request.user) as values:
            shots.change(shot, values)

    return _answer(request, shot.storyboard, change, form, f"shot-{shot.pk}")


@login_required
@require_POST
def move_shot(request: UserRequest, board_id: UUID, shot_id: UUID) -> HttpResponse:
    """Move a shot up, down, or to a place."""
    shot, to = _shot(request, board_id, shot_id), request.POST.get("to", "")
    steps = {"up": shot.position - 1, "down": shot.position + 1}
    position = steps.get(to, int(to) if to.isascii() and to.isdigit() and len(to) < 4 else 0)
    move = partial(shots.move, shot, position or shot.position)
    return _answer(request, shot.storyboard, move, at=f"shot-{shot.pk}")


@login_required
@require_POST
def delete_shot(request: UserRequest, board_id: UUID, shot_id: UUID) -> HttpResponse:
    """Delete a shot; its takes stay in the library."""
    shot = _shot(request, board_id, shot_id)
    return _answer(request, shot.storyboard, partial(shots.delete, shot), at="shots")


@login_required
@require_POST
def pick_take(request: UserRequest, board_id: UUID, shot_id: UUID) -> HttpResponse:
    """Pick a take of a shot."""
    shot = _shot(request, board_id, shot_id)
    pick = partial(shots.pick, shot, _uuid(request.POST.get("video", "")))
    return _answer(request, shot.storyboard, pick, at=f"shot-{shot.pk}")


@login_required
@require_POST
def generate(request: UserRequest, board_id: UUID) -> HttpResponse:
    """Order a take of one shot, or of all that are due."""
    board = _board(request, board_id)
    chosen = request.POST.get("shot", "")
    ids = [_shot(request, board_id, _uuid(chosen)).pk] if chosen else None
    most = pages.shown_price(request).max_credits
    order, key = generation.GenerateOrder(ids, most), pages.request_key(request)

    def place() -> Video:
        count = len(generation.choose(generation.plan(board), ids))
        rate_limits.use("batch", request.user, count)
        return generation.generate(request.user, board, order, key)

    at = f"shot-{chosen}" if chosen else "shots"
    return _answer(request, board, lambda: idempotency.run(key, place), at=at)


@login_required
@require_POST
def make_film(request: UserRequest, board_id: UUID) -> HttpResponse:
    """Join the picked takes into a film."""
    board, form = _board(request, board_id), FilmForm(request.POST)
    key, most = pages.request_key(request), pages.shown_price(request).max_credits

    def make() -> None:
        rate_limits.use("generate", request.user)
        order = film.FilmOrder(form.cleaned_data["crossfade"] or 0.0, max_credits=most)
        idempotency.run(key, lambda: film.make(request.user, board, order, key))

    return _answer(request, board, make, form, "film")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _answer(
    request: UserRequest,
    board: Storyboard,
    do: Callable[[], object],
    form: Form | None = None,
    at: str = "",
) -> HttpResponse:
    """Do what a form asks for and lead back to the storyboard, which says why it was refused.

    A script that keeps its page gets 204, or 422 with the sentence.
    """
    why = ""
    try:
        if form is None or form.is_valid():
            do()
        else:
            why = " ".join(str(each[0]) for each in form.errors.values())
    except NotEnoughCredits as error:
        why = missing_credits(error)
    except REFUSED as error:
        why = str(error)
    if "quiet" in request.POST:
        return HttpResponse(why, status=422 if why else 204, content_type="text/plain")
    if why:
        messages.error(request, why)
    address = reverse("storyboard", args=[board.pk])
    return see_other(f"{address}#{at}" if at and not why else address)
