"""The pages. Everything but live updates works without JavaScript."""

from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import get_object_or_404, render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.ledger import credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import catalog, feed
from videos.jobs import circuit_breaker, moderation, state_machine
from videos.library import collections
from videos.library.lineage import changes, earlier_of, family_of, members
from videos.library.share_links import open_share, token_of
from videos.media import uploads
from videos.models import Preset, Upload, Video, VideoQuerySet
from videos.web.context_processors import THEMES, UserRequest, deleted, wallet_of
from videos.web.context_processors import back as _back
from videos.web.context_processors import own as _own
from videos.web.context_processors import see_other as _see_other
from videos.web.forms import SHAPES, Composer, PresetForm, RemixForm
from videos.web.presenters import about, branch_of, cards_of, curl_of, log_of, usual_seconds

YEAR = 365 * 24 * 3600
RECENT = 12
LENGTHS = [str(n) for n in catalog.DEFAULT_MODEL.seconds]
OPTIONS = ("model", "size", "seconds", "takes")


# ---- how it looks ----


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
        return _preset(request) if _about_a_preset(request.POST) else _create(request)
    form = _draft(request)
    form.kept = _picture(request, request.GET.get("reference", "")) or form.kept
    return _studio(request, form)


def _draft(request: UserRequest) -> Composer:
    """An empty composer, or one filled in: from an older video, or as it was left."""
    from_ = _uuid(request.GET.get("from"))
    if older := from_ and Video.objects.of(request.user).filter(pk=from_).first():
        fields = ("prompt", "model", "size", "seconds")
        order = {name: getattr(older, name) for name in fields} | _advised(request)
        form = Composer(request.user, initial=order)
        form.kept = older.reference
        return form
    left = dict(request.session.get("draft", {}))
    if prompt := request.GET.get("prompt"):
        left["prompt"] = prompt
    form = Composer(request.user, initial=left)
    image = _uuid(left.get("reference"))
    form.kept = uploads.pictures_of(request.user).filter(pk=image).first() if image else None
    return form


def _advised(request: UserRequest) -> dict[str, str]:
    """The options an address names, as a failure's remedy does; none that is not offered."""
    known = {"model": [*catalog.MODELS], "size": [*SHAPES], "seconds": LENGTHS}
    asked = {name: request.GET.get(name, "") for name in known}
    return {name: value for name, value in asked.items() if value in known[name]}


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _create(request: UserRequest) -> HttpResponse:
    form = Composer(request.user, _instead(request.POST), request.FILES)
    if not form.is_valid():
        return _studio(request, form, 422)
    key = _request_key(request)

    def order() -> Video:
        takes = form.chosen_takes
        return state_machine.submit_all(request.user, form.wish(), takes, key)[0]

    try:
        idempotency.run(key, order)
    except catalog.NotOffered as error:
        form.add_error(error.field if error.field in form.fields else "image", str(error))
    except (uploads.BadImage, uploads.QuotaFull) as error:
        form.add_error("image", str(error))
    except moderation.Stopped as error:
        form.add_error("prompt", str(error))
    except credits.NotEnoughCredits as error:
        return _studio(request, form, 402, error)
    else:
        request.session.pop("draft", None)
        return _see_other("studio")
    return _studio(request, form, 422)


def _instead(sent: QueryDict) -> QueryDict:
    """The order as it was sent, or with the cheaper model and length of the button pressed."""
    model, seconds, takes = [*sent.get("instead", "").split(), "", "", ""][:3]
    if model not in catalog.MODELS:
        return sent
    data = sent.copy()
    data["model"], data["seconds"], data["takes"] = model, seconds, takes
    size = data.get("size", "")
    if size in SHAPES and size not in catalog.MODELS[model].sizes:
        width, height = map(int, size.split("x"))
        data["size"] = catalog.PORTRAIT if height > width else catalog.LANDSCAPE
    return data


def _about_a_preset(sent: QueryDict) -> bool:
    """Whether a button of the presets was pressed; Enter in a preset's name presses none."""
    named = bool(sent.get("preset_name")) and not {"go", "instead"} & set(sent)
    return named or bool({"preset", "keep", "forget"} & set(sent))


def _preset(request: UserRequest) -> HttpResponse:
    """Apply a preset, forget one, or keep the options as one; the order stays as it is written."""
    sent, presets = request.POST, Preset.objects.filter(user_id=request.user.pk)
    order: dict[str, Any] = {name: sent.get(name) for name in ("prompt", *OPTIONS)}
    if number := sent.get("preset") or sent.get("forget"):
        known = int(number) if number.isdecimal() and len(number) < 10 else 0
        preset = get_object_or_404(presets, pk=known)
        if "forget" in sent:
            preset.delete()
            messages.success(request, _("The preset %(name)s is deleted.") % {"name": preset.name})
        else:
            order.update({name: getattr(preset, name) for name in OPTIONS})
            order["prompt"] = ", ".join(filter(None, (order["prompt"], preset.ending)))
    else:
        keeping = PresetForm(sent)
        if keeping.is_valid():
            name = keeping.save(request.user).name
            messages.success(request, _("The preset %(name)s is kept.") % {"name": name})
        else:
            messages.error(request, str(next(iter(keeping.errors.values()))[0]))
    form = Composer(request.user, initial=order)
    form.kept = _picture(request, sent.get("reference", ""))
    return _studio(request, form)


def _picture(request: UserRequest, upload_id: str) -> Upload | None:
    """The reader's own picture of this id, if there is one."""
    try:
        return uploads.pictures_of(request.user).filter(pk=UUID(upload_id)).first()
    except ValueError:
        return None


def _studio(
    request: UserRequest,
    form: Composer,
    status: int = 200,
    short: credits.NotEnoughCredits | None = None,
) -> HttpResponse:
    seq = feed.current_seq(request.user.pk)  # before the videos, so that no change is missed
    mine = Video.objects.of(request.user).newest()
    active = mine.filter(status__in=Video.ACTIVE)
    recent = mine.exclude(status__in=Video.ACTIVE)[:RECENT]
    wallet = wallet_of(request.user)
    cards = cards_of([*active, *recent])
    context = {
        "at": "studio",
        "seq": seq,
        "form": form,
        "short": short,
        "offer": short and form.cheaper(short.available),
        "left": wallet["available"] - form.price,
        "missing": form.price - wallet["available"],
        "paused": circuit_breaker.all_paused(catalog.upstreams_for(form.chosen_model.name)),
        "wait": about(usual_seconds()[form.chosen_model.name]),
        "wallet": wallet,
        "active": [card for card in cards if card.video.is_active],
        "recent": [card for card in cards if not card.video.is_active],
    }
    return render(request, "videos/studio.html", context, status=status)


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
    key, prompt = _request_key(request), form.cleaned_data["prompt"]
    try:
        made = idempotency.run(key, partial(state_machine.remix, source, prompt, key)).result
    except (state_machine.NotPossible, catalog.NotOffered, moderation.Stopped) as error:
        form.add_error(None, str(error))
        status = 422
    except credits.NotEnoughCredits as error:
        form.add_error(None, _missing(error))
        status = 402
    else:
        return _see_other("video", made.pk)
    return _watch(request, source, form, status)


@login_required
@require_POST
def retry(request: UserRequest, video_id: UUID) -> HttpResponse:
    lost = _own(request, video_id)
    key = _request_key(request)
    try:
        made = idempotency.run(key, partial(state_machine.retry, lost, key)).result
    except (state_machine.NotPossible, catalog.NotOffered, moderation.Stopped) as error:
        messages.error(request, str(error))
    except credits.NotEnoughCredits as error:
        messages.error(request, _missing(error))
    else:
        return _back(request, "video", made.pk)
    return _back(request, "video", video_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: UserRequest, video_id: UUID) -> HttpResponse:
    rendering = _own(request, video_id)
    if request.method != "POST":
        return _confirm(request, rendering, "cancel")
    try:
        state_machine.cancel(rendering)
    except state_machine.NotPossible as error:
        messages.error(request, str(error))
    return _back(request, "video", video_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: UserRequest, video_id: UUID) -> HttpResponse:
    unwanted = _own(request, video_id)
    if request.method != "POST":
        return _confirm(request, unwanted, "delete")
    state_machine.delete(unwanted, undo=True)
    return deleted(request, [unwanted])


def _confirm(request: UserRequest, video: Video, what: str) -> HttpResponse:
    context = {"card": cards_of([video])[0], "what": what, "at": "library"}
    return render(request, "videos/confirm.html", context)


def _watch(request: UserRequest, video: Video, form: RemixForm, status: int = 200) -> HttpResponse:
    seq = feed.current_seq(request.user.pk)
    wallet = wallet_of(request.user)
    tree = family_of(video)
    shown = {card.video.pk: card for card in cards_of({*(members(tree) if tree else ()), video})}
    source = video.source if video.source and not video.source.deleted_at else None
    share = open_share(video)
    context = {
        "at": "library",
        "seq": seq,
        "wallet": wallet,
        "card": shown[video.pk],
        "source": shown.get(source.pk) if source else None,
        "comparable": earlier_of(video) is not None,
        "changes": changes(source.prompt, video.prompt) if source else [("same", video.prompt)],
        "tree": tree and branch_of(tree, shown),
        "versions": len(shown),
        "form": form,
        "left": wallet["available"] - (shown[video.pk].remix or 0),
        "log": log_of(video),
        "share": share,
        "link": share and request.build_absolute_uri(reverse("shared", args=[token_of(share)])),
        "collections": collections.collections_of(request.user),
        "call": curl_of(video, settings.BASE_URL),
        **_beside(video),
    }
    return render(request, "videos/video.html", context, status=status)


def _beside(video: Video) -> dict[str, UUID | None]:
    """The videos before and after this one, in the library's own order."""
    mine = Video.objects.filter(user_id=video.user_id, deleted_at=None)
    at, same = video.created_at, Q(created_at=video.created_at)
    newer = mine.filter(Q(created_at__gt=at) | same & Q(pk__gt=video.pk)).newest().reverse()
    older = mine.filter(Q(created_at__lt=at) | same & Q(pk__lt=video.pk)).newest()
    return {"newer": _first(newer), "older": _first(older)}


def _first(videos: VideoQuerySet) -> UUID | None:
    return videos.values_list("pk", flat=True).first()


# ---- between pages ----


def _missing(error: credits.NotEnoughCredits) -> str:
    return _("This costs %(needed)d. You have %(available)d, so you need %(more)d more.") % {
        "needed": error.needed,
        "available": error.available,
        "more": error.needed - error.available,
    }


def _request_key(request: UserRequest) -> RequestKey | None:
    """The key of the form that was sent: pressed twice, it orders once."""
    token = request.POST.get("token", "")[:64]
    return idempotency.key_of_form(request.user, request.path, token)
