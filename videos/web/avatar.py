"""The avatar of the signed-in user: show it, upload another, remove it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.lib import rate_limits
from config.lib.rate_limits import TooManyAttempts
from config.lib.web.responses import UserRequest, see_other
from videos.account import avatars
from videos.media.upload_checks import BadImage

# Its address changes with each upload.
YEAR = "private, max-age=31536000, immutable"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def avatar(request: UserRequest) -> HttpResponse:
    """Send the avatar; a POST stores the uploaded one, or removes it."""
    if request.method == "POST":
        return _change(request)
    body = avatars.read(request.user)
    if body is None:
        raise Http404
    headers = {"Cache-Control": YEAR}
    return HttpResponse(body, content_type=avatars.CONTENT_TYPE, headers=headers)


def _change(request: UserRequest) -> HttpResponse:
    sent = request.FILES.get("image")
    try:
        rate_limits.use("upload", request.user)
        if "remove" in request.POST:
            avatars.remove(request.user)
            messages.success(request, _("Your picture was removed."))
        elif sent is None:
            messages.error(request, _("Choose an image."))
        else:
            avatars.store(request.user, sent)
            messages.success(request, _("Your picture was saved."))
    except (BadImage, TooManyAttempts) as error:
        messages.error(request, str(error))
    return see_other("settings")
