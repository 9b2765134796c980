"""The studio: order a video, and apply, save or delete presets."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.ledger import credits
from config.lib import idempotency, rate_limits
from config.lib.rate_limits import TooManyAttempts
from config.lib.web.responses import UserRequest, see_other
from videos import feed
from videos.catalog import offers, prices
from videos.jobs import finished_orders, moderation, orders
from videos.jobs.engine_choice import circuit_breaker
from videos.library import counts, own_videos
from videos.models import Preset, Video
from videos.prompts import gallery, improvement
from videos.web import composer, image_fields, order_fields, pages
from videos.web.composer import Composer, StalePriceList
from videos.web.forms import PresetForm
from videos.web.image_fields import StoredImages
from videos.web.presenters.video_card import cards_of
from videos.web.presenters.waiting_times import approximate, orders_before, typical_seconds
from videos.web.presenters.wallet import wallet_of

ACTIVE_VIDEOS, RECENT_VIDEOS = 12, 12
OPTIONS = ("model", "size", "seconds", "takes")
MORE_OPTIONS = ("audio", "negative_prompt", "seed")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def studio(request: UserRequest) -> HttpResponse:
    """Show the composer with the newest videos, or handle what the composer sends."""
    if request.method == "POST":
        return _handle_preset(request) if _is_preset_action(request.POST) else _order(request)
    form = _draft_form(request)
    # The first image of an extended video stands alone, whatever the older video had.
    own = image_fields.find_own(request.user, request.GET.get("first_image", ""))
    form.images = own if own.first else form.images
    return _render_studio(request, form)


def _draft_form(request: UserRequest) -> Composer:
    """Return the composer: empty, filled in from an older video, or with the saved draft."""
    from_ = _uuid(request.GET.get("from"))
    if older := from_ and own_videos.find(request.user, from_):
        fields = ("prompt", "model", "size", "seconds")
        order = {name: getattr(older, name) for name in fields} | _suggested_options(request)
        if prompt := request.GET.get("prompt"):
            order["prompt"] = prompt
        form = Composer(request.user, initial=order | order_fields.options_again(older))
        form.images = image_fields.images_of(older)
        return form
    left = dict(request.session.get("draft", {}))
    if prompt := request.GET.get("prompt"):
        left["prompt"] = prompt
    form = Composer(request.user, initial=left)
    form.images = _kept_images(request, left, left.get("reference_images", "").split())
    return form


def _suggested_options(request: UserRequest) -> dict[str, str]:
    """Return the options named in the URL, as links to remedies do, if they are offered."""
    known: dict[str, Iterable[tuple[object, object]]] = {
        "model": composer.model_choices(),
        "size": composer.size_choices(),
        "seconds": composer.length_choices(),
    }
    asked = {name: request.GET.get(name, "") for name in known}
    values = {name: {str(value) for value, _label in known[name]} for name in known}
    return {name: value for name, value in asked.items() if value in values[name]}


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _order(request: UserRequest) -> HttpResponse:
    """Order the videos; show the composer again with what is wrong, or what it has made before."""
    form = Composer(request.user, _with_cheaper_choice(request.POST), request.FILES)
    if not form.is_valid():
        return _render_studio(request, form, 422)
    if "another" not in request.POST and (finished := _find_finished(form)):
        return _render_studio(request, form, finished=finished)
    return _place(request, form)


def _place(request: UserRequest, form: Composer) -> HttpResponse:
    """Place the order of a valid form, or show what is wrong."""
    key = pages.request_key(request)

    def order() -> Video:
        takes = form.chosen_takes
        rate_limits.use("generate", request.user, takes)
        return orders.submit_many(request.user, form.order(), takes, key)[0]

    try:
        idempotency.run(key, order)
    except offers.NotOffered as error:
        field = image_fields.FIELDS.get(error.field, error.field)
        form.add_error(field if field in form.fields else None, str(error))
    except image_fields.NotStored as error:
        form.add_error(error.field, str(error))
    except moderation.NotAllowed as error:
        form.add_error("prompt", str(error))
    except TooManyAttempts as error:
        form.add_error(None, str(error))
        return _render_studio(request, form, 429)
    except (StalePriceList, orders.PriceChanged) as error:
        form.current_prices = prices.current()
        form.add_error(None, str(error))
    except credits.NotEnoughCredits as error:
        return _render_studio(request, form, 402, error)
    else:
        request.session.pop("draft", None)
        return see_other("studio")
    return _render_studio(request, form, 422)


def _find_finished(form: Composer) -> Video | None:
    """Return the video that the same order has made before.

    Who orders several takes wants several, and a file that is sent with the form is another image.
    """
    data = form.cleaned_data
    has_files = data["first_file"] or data["last_file"] or data["reference_files"]
    if has_files or form.chosen_takes > 1:
        return None
    order = orders.VideoOrder(
        data["prompt"],
        data["model"],
        data["size"],
        data["seconds"],
        first_image=form.images.first,
        last_image=form.images.last,
        references=form.images.references,
        choices=form.chosen_choices,
    )
    try:
        return finished_orders.find_finished(form.user, order)
    except offers.NotOffered:
        return None  # ordering it says why


def _with_cheaper_choice(sent: QueryDict) -> QueryDict:
    """Return the form's data, with the cheaper options when that button was pressed."""
    model, seconds, takes = [*sent.get("instead", "").split(), "", "", ""][:3]
    chosen = offers.find_made(model)
    if chosen is None:
        return sent
    data = sent.copy()
    data["model"], data["seconds"], data["takes"] = model, seconds, takes
    size = data.get("size", "")
    if size in dict(composer.size_choices()):
        data["size"] = chosen.size_like(size)
    return data


def _is_preset_action(sent: QueryDict) -> bool:
    """Return whether a preset button was pressed, or Enter in the preset's name."""
    named = bool(sent.get("preset_name")) and not {"go", "instead", "another"} & set(sent)
    return named or bool({"preset", "keep", "forget"} & set(sent))


def _handle_preset(request: UserRequest) -> HttpResponse:
    """Apply, delete or save a preset; the prompt that is being written stays."""
    sent, presets = request.POST, Preset.objects.filter(user_id=request.user.pk)
    order: dict[str, Any] = {name: sent.get(name) for name in ("prompt", *OPTIONS, *MORE_OPTIONS)}
    if number := sent.get("preset") or sent.get("forget"):
        known = int(number) if number.isdecimal() and len(number) < 10 else 0
        preset = get_object_or_404(presets, pk=known)
        if "forget" in sent:
            preset.delete()
            messages.success(request, _("The preset %(name)s was deleted.") % {"name": preset.name})
        else:
            order.update({name: getattr(preset, name) for name in OPTIONS})
            order.update(order_fields.options_again(preset))
            order["prompt"] = ", ".join(filter(None, (order["prompt"], preset.ending)))
    else:
        preset_form = PresetForm(sent)
        if preset_form.is_valid():
            name = preset_form.save(request.user).name
            messages.success(request, _("The preset %(name)s was saved.") % {"name": name})
        else:
            messages.error(request, str(next(iter(preset_form.errors.values()))[0]))
    form = Composer(request.user, initial=order)
    form.images = _kept_images(request, sent, sent.getlist("reference_images"))
    return _render_studio(request, form)


def _kept_images(
    request: UserRequest, kept: Mapping[str, Any], references: list[str]
) -> StoredImages:
    """The user's own images that a form or a draft names."""
    first, last = kept.get("first_image", ""), kept.get("last_image", "")
    return image_fields.find_own(request.user, first, last, references)


def _render_studio(
    request: UserRequest,
    form: Composer,
    status: int = 200,
    short: credits.NotEnoughCredits | None = None,
    finished: Video | None = None,
) -> HttpResponse:
    """Render the page.

    `short` says that the balance does not pay for the order, `finished` is what it has made before.
    """
    seq = feed.current_sequence(
        request.user.pk
    )  # read before the videos, so that no change is missed
    mine = Video.objects.of(request.user).newest()
    in_progress = Video.objects.of(request.user).in_progress()
    active, kept = list(in_progress[:ACTIVE_VIDEOS]), counts.counts_of(request.user)
    # One that ended between the two queries is shown once; its change comes by the socket.
    ended = mine.exclude(status__in=Video.ACTIVE)[:RECENT_VIDEOS]
    recent = [video for video in ended if video not in active]
    wallet = wallet_of(request.user)
    usual = typical_seconds()
    cards = cards_of([*active, *recent], usual)
    context = {
        "at": "studio",
        "seq": seq,
        "form": form,
        "short": short,
        "finished": finished and cards_of([finished])[0],
        "offer": short and form.cheaper_offer(short.available),
        "left": wallet["available"] - form.price,
        "missing": form.price - wallet["available"],
        "paused": circuit_breaker.all_paused(offers.engines_for(form.chosen_model.id)),
        "wait": approximate(usual[form.chosen_model.id]),
        "orders_before": orders_before(),
        "wallet": wallet,
        "active": [card for card in cards if card.video.is_active],
        "most_active": ACTIVE_VIDEOS,
        "library": kept,
        "improves": improvement.is_on(),
        "styles": gallery.STYLES,
        "camera_moves": gallery.CAMERA_MOVES,
        "more_active": max(kept.active - len(active), 0),
        "recent": [card for card in cards if not card.video.is_active],
    }
    return render(request, "videos/studio.html", context, status=status)
