"""Owners offer their videos to the showcase, and withdraw them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.lib.web.responses import UserRequest, see_other
from showcase import gallery
from videos.models import Video


@login_required
@require_POST
def offer(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Offer a video to the showcase, or withdraw it."""
    video = get_object_or_404(Video.objects.of(request.user), pk=video_id)
    if request.POST.get("withdraw"):
        gallery.withdraw(video)
        messages.success(request, _("Your video is private again."))
    else:
        try:
            gallery.offer(video)
        except gallery.NotReady as error:
            messages.error(request, str(error))
        else:
            messages.success(
                request, _("Thank you. Our staff will decide whether to show your video.")
            )
    return see_other("video", video_id)
