"""Order a remix of a public clip, at the visitor's own expense and with credit to its maker."""

from typing import cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, resolve_url
from django.views.decorators.http import require_POST

from billing.ledger import credits
from config.lib import idempotency, rate_limits
from config.lib.web.responses import UserRequest, see_other, user_of
from showcase.web.clips import public_clips, render_clip
from videos.jobs import orders
from videos.models import Video
from videos.web import pages
from videos.web.forms import RemixForm
from videos.web.video import NOT_ORDERED, missing_credits


@require_POST
def remix(request: HttpRequest, clip_id: int) -> HttpResponse:
    """Order a remix, or show on the clip's page what is wrong with the order."""
    if not request.user.is_authenticated:
        return redirect_to_login(resolve_url("clip", clip_id))
    clip = get_object_or_404(public_clips(), pk=clip_id)
    form = RemixForm(request.POST)
    if not form.is_valid():
        return render_clip(request, clip, form, 422)
    user, prompt = user_of(request), form.cleaned_data["prompt"]
    signed_in = cast("UserRequest", request)
    key, terms = pages.request_key(signed_in), pages.shown_price(signed_in)

    def order() -> Video:
        rate_limits.use("generate", user)
        if clip.video.user_id == user.pk:
            return orders.remix(clip.video, prompt, key, terms=terms)
        return orders.remix_public(user, clip.video, prompt, key, terms)

    try:
        made = idempotency.run(key, order).result
    except rate_limits.TooManyAttempts as error:
        form.add_error(None, str(error))
        status = 429
    except NOT_ORDERED as error:
        form.add_error(None, str(error))
        status = 422
    except credits.NotEnoughCredits as error:
        form.add_error(None, missing_credits(error))
        status = 402
    else:
        return see_other("video", made.pk)
    return render_clip(request, clip, form, status)
