"""The pages. Everything but live updates works without JavaScript."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from billing import ledger
from videos import catalog, lifecycle, media, notify
from videos.cards import Card, about, cards_of, log_of, usual_seconds
from videos.forms import SHAPES, Composer, RemixForm
from videos.models import Price, Video, VideoQuerySet

Status = Video.Status

PER_PAGE = 24
THEMES = {"light", "dark"}
YEAR = 365 * 24 * 3600
TOKEN_SECONDS = 3600
MONTH, WEEK = timedelta(days=31), timedelta(days=7)


class UserRequest(HttpRequest):
    user: User


# ---- what every page shows ----


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context of every template; what costs a query is read when a template uses it."""
    theme = request.COOKIES.get("theme")
    user: Any = SimpleLazyObject(lambda: request.user)  # may be missing on an error page
    return {
        "site_name": settings.SITE_NAME,
        "theme": theme if theme in THEMES else "",
        "welcome_credits": settings.WELCOME_CREDITS,
        "sandbox": SimpleLazyObject(_sandbox),
        "wallet": SimpleLazyObject(lambda: _wallet(user)),
        "library": SimpleLazyObject(lambda: _counts(Video.objects.of(user))),
    }


def _sandbox() -> dict[str, Any]:
    """Whether the engine is the stand-in, and how to look around in it."""
    on = settings.SANDBOX and not settings.PRODUCTION
    demo = on and User.objects.filter(username="demo", is_active=True).exists()
    password = "demo-firstlight" if settings.ENVIRONMENT == "development" else ""
    return {"on": on, "demo": demo, "password": password}


def _wallet(user: Any) -> dict[str, Any]:
    """The credits to spend, and the part of them that expires first."""
    lots = list(ledger.lots(user))
    first = lots[0].expires_at if lots else None
    same_day = [lot.remaining for lot in lots if _day(lot.expires_at) == _day(first)]
    return {
        "available": sum(lot.remaining for lot in lots),
        "expires_at": first,
        "expiring": sum(same_day) if first and first - timezone.now() < MONTH else 0,
        "soon": first is not None and first - timezone.now() < WEEK,
    }


def _day(moment: datetime | None) -> date | None:
    return timezone.localdate(moment) if moment else None


def _counts(videos: VideoQuerySet) -> dict[str, int]:
    rendering = Count("pk", filter=Q(status__in=Video.ACTIVE))
    attention = Count("pk", filter=_attention())
    return videos.order_by().aggregate(total=Count("pk"), rendering=rendering, attention=attention)


def _attention() -> Q:
    """Videos that failed and were not tried again."""
    again = Exists(Video.objects.filter(retry_of=OuterRef("pk")))
    return Q(status__in=(Status.FAILED, Status.TIMEOUT)) & ~Q(again)


# ---- the start page ----


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("studio")
    if request.method == "POST":
        prompt = request.POST.get("prompt", "").strip()[: catalog.PROMPT_MAX]
        request.session["draft"] = {"prompt": prompt}
        return _see_other("account_signup")
    price = catalog.price(Price.Kind.TEXT, catalog.DEFAULT_MODEL.name, catalog.DEFAULT_SECONDS)
    enough = settings.WELCOME_CREDITS // price
    return render(request, "home.html", {"price": price, "enough": enough})


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark; anything else follows the system."""
    response = _back(request, "home")
    chosen = request.POST.get("theme")
    if chosen in THEMES:
        response.set_cookie(
            "theme", chosen, max_age=YEAR, samesite="Lax", secure=settings.PRODUCTION
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


# ---- the studio ----


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def studio(request: UserRequest) -> HttpResponse:
    if request.method == "POST":
        return _create(request)
    return _studio(request, _draft(request))


def _draft(request: UserRequest) -> Composer:
    """An empty composer, or one filled in: from an older video, or as it was left."""
    from_ = _uuid(request.GET.get("from"))
    if older := from_ and Video.objects.of(request.user).filter(pk=from_).first():
        fields = ("prompt", "model", "size", "seconds")
        form = Composer(request.user, initial={name: getattr(older, name) for name in fields})
        form.kept = older.reference
        return form
    left = dict(request.session.get("draft", {}))
    if prompt := request.GET.get("prompt"):
        left["prompt"] = prompt
    form = Composer(request.user, initial=left)
    image = _uuid(left.get("reference"))
    form.kept = request.user.uploads.filter(pk=image).first() if image else None
    return form


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _create(request: UserRequest) -> HttpResponse:
    form = Composer(request.user, _instead(request.POST), request.FILES)
    if not form.is_valid():
        return _studio(request, form, 422)
    if _pressed_before(request):
        return _see_other("studio")
    try:
        lifecycle.submit(request.user, form.wish())
    except catalog.NotOffered as error:
        form.add_error(error.field, str(error))
    except media.BadImage as error:
        form.add_error("image", str(error))
    except ledger.NotEnoughCredits as error:
        _may_press_again(request)
        return _studio(request, form, 402, error)
    else:
        request.session.pop("draft", None)
        return _see_other("studio")
    _may_press_again(request)
    return _studio(request, form, 422)


def _instead(sent: QueryDict) -> QueryDict:
    """The order as it was sent, or with the cheaper model and length of the button pressed."""
    model, _space, seconds = sent.get("instead", "").partition(" ")
    if model not in catalog.MODELS:
        return sent
    data = sent.copy()
    data["model"], data["seconds"] = model, seconds
    size = data.get("size", "")
    if size in SHAPES and size not in catalog.MODELS[model].sizes:
        width, height = map(int, size.split("x"))
        data["size"] = catalog.PORTRAIT if height > width else catalog.LANDSCAPE
    return data


def _studio(
    request: UserRequest,
    form: Composer,
    status: int = 200,
    short: ledger.NotEnoughCredits | None = None,
) -> HttpResponse:
    seq = notify.current_seq(request.user.pk)  # before the videos, so that no change is missed
    q, only = request.GET.get("q", "").strip(), request.GET.get("status", "")
    found = Video.objects.of(request.user).matching(q).newest()
    ended = found.exclude(status__in=Video.ACTIVE)
    ended = {"rendering": ended.none(), "attention": ended.filter(_attention())}.get(only, ended)
    page = Paginator(ended, PER_PAGE).get_page(request.GET.get("page"))
    first = page.number == 1 and only != "attention"
    active = found.filter(status__in=Video.ACTIVE) if first else found.none()
    counts, wallet = _counts(found), _wallet(request.user)
    cards = cards_of([*active, *page])
    context = {
        "at": "library" if q or only or page.number > 1 else "studio",
        "seq": seq,
        "form": form,
        "short": short,
        "offer": short and form.cheaper(short.available),
        "left": wallet["available"] - form.price,
        "missing": form.price - wallet["available"],
        "wait": about(usual_seconds()[form.chosen_model.name]),
        "wallet": wallet,
        "counts": counts,
        "q": q,
        "only": only,
        "page": page,
        "active": [card for card in cards if card.video.is_active],
        "days": _days(card for card in cards if not card.video.is_active),
    }
    return render(request, "videos/studio.html", context, status=status)


def _days(cards: Iterable[Card]) -> list[tuple[date, list[Card]]]:
    by_day = groupby(cards, key=lambda card: timezone.localdate(card.video.created_at))
    return [(day, list(group)) for day, group in by_day]


# ---- one video ----


@login_required
@require_safe
def video(request: UserRequest, video_id: UUID) -> HttpResponse:
    return _watch(request, _own(request, video_id), RemixForm())


@login_required
@require_safe
def card(request: UserRequest, video_id: UUID) -> HttpResponse:
    """The card alone, for a page that is open already."""
    cards = cards_of([_own(request, video_id)])
    return render(request, "videos/card.html", {"card": cards[0]})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remix(request: UserRequest, video_id: UUID) -> HttpResponse:
    source = _own(request, video_id)
    if request.method != "POST":
        return HttpResponseRedirect(resolve_url("video", video_id) + "#remix")
    form = RemixForm(request.POST)
    if not form.is_valid():
        return _watch(request, source, form, 422)
    if _pressed_before(request):
        return _see_other("video", video_id)
    try:
        made = lifecycle.remix(source, form.cleaned_data["prompt"])
    except (lifecycle.NotPossible, catalog.NotOffered) as error:
        form.add_error(None, str(error))
        status = 422
    except ledger.NotEnoughCredits as error:
        form.add_error(None, _missing(error))
        status = 402
    else:
        return _see_other("video", made.pk)
    _may_press_again(request)
    return _watch(request, source, form, status)


@login_required
@require_POST
def retry(request: UserRequest, video_id: UUID) -> HttpResponse:
    lost = _own(request, video_id)
    if _pressed_before(request):
        return _see_other("studio")
    try:
        made = lifecycle.retry(lost)
    except (lifecycle.NotPossible, catalog.NotOffered) as error:
        messages.error(request, str(error))
    except ledger.NotEnoughCredits as error:
        messages.error(request, _missing(error))
    else:
        return _back(request, "video", made.pk)
    _may_press_again(request)
    return _back(request, "video", video_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: UserRequest, video_id: UUID) -> HttpResponse:
    rendering = _own(request, video_id)
    if request.method != "POST":
        return _confirm(request, rendering, "cancel")
    try:
        lifecycle.cancel(rendering)
    except lifecycle.NotPossible as error:
        messages.error(request, str(error))
    return _back(request, "video", video_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: UserRequest, video_id: UUID) -> HttpResponse:
    unwanted = _own(request, video_id)
    if request.method != "POST":
        return _confirm(request, unwanted, "delete")
    lifecycle.delete(unwanted)
    messages.success(request, _("The video is deleted."))
    return _see_other("studio")


def _own(request: UserRequest, video_id: UUID) -> Video:
    rows = Video.objects.of(request.user).select_related("source", "reference")
    return get_object_or_404(rows, pk=video_id)


def _confirm(request: UserRequest, video: Video, what: str) -> HttpResponse:
    context = {"card": cards_of([video])[0], "what": what, "at": "library"}
    return render(request, "videos/confirm.html", context)


def _watch(request: UserRequest, video: Video, form: RemixForm, status: int = 200) -> HttpResponse:
    seq = notify.current_seq(request.user.pk)
    wallet = _wallet(request.user)
    family = [video, *video.remixes.filter(deleted_at=None).newest()]
    if video.source and not video.source.deleted_at:
        family.append(video.source)
    shown = {card.video.pk: card for card in cards_of(family)}
    context = {
        "at": "library",
        "seq": seq,
        "wallet": wallet,
        "card": shown[video.pk],
        "source": shown.get(video.source_id) if video.source_id else None,
        "remixes": [shown[remix.pk] for remix in family if remix.source_id == video.pk],
        "form": form,
        "left": wallet["available"] - (shown[video.pk].remix or 0),
        "log": log_of(video),
    }
    return render(request, "videos/video.html", context, status=status)


# ---- between pages ----


def _missing(error: ledger.NotEnoughCredits) -> str:
    return _("This costs %(needed)d. You have %(available)d, so you need %(more)d more.") % {
        "needed": error.needed,
        "available": error.available,
        "more": error.needed - error.available,
    }


def _pressed_before(request: UserRequest) -> bool:
    """Whether this very form was sent already: a second press must not order a second video."""
    token = request.POST.get("token", "")[:64]
    return bool(token) and not cache.add(f"pressed:{request.user.pk}:{token}", 1, TOKEN_SECONDS)


def _may_press_again(request: UserRequest) -> None:
    """Nothing was ordered after all."""
    cache.delete(f"pressed:{request.user.pk}:{request.POST.get('token', '')[:64]}")


def _see_other(to: str, *args: object) -> HttpResponseRedirect:
    response = HttpResponseRedirect(resolve_url(to, *args))
    response.status_code = 303
    return response


def _back(request: HttpRequest, to: str, *args: object) -> HttpResponseRedirect:
    """To the page named in the form, if it is one of ours, else to the one given."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return _see_other(wanted if ours else resolve_url(to, *args))
