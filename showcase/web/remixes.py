"""Order a remix of a public clip, at the visitor's own expense and with credit to its maker."""

from typing import cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_POST

from config.lib.web.responses import UserRequest, see_other, user_of
from showcase.web.clips import get_public_clip, render_clip
from videos.jobs import orders
from videos.web.forms import RemixForm
from videos.web.repeat_orders import place_remix


@require_POST
def remix(request: HttpRequest, clip_id: int) -> HttpResponse:
    """Order a remix, or show on the clip's page what is wrong with the order."""
    if not request.user.is_authenticated:
        return redirect_to_login(resolve_url("clip", clip_id))
    clip = get_public_clip(clip_id)
    form = RemixForm(request.POST)
    if not form.is_valid():
        return render_clip(request, clip, form, 422)
    made, status = place_remix(
        cast("UserRequest", request),
        form,
        lambda prompt, key, terms: orders.remix_public(
            user_of(request), clip.video, prompt, key, terms
        ),
    )
    if made:
        return see_other("video", made.pk)
    return render_clip(request, clip, form, status)
