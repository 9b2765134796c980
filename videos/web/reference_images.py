"""Reference images of orders: upload one while the prompt is being written, and show it."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.lib import rate_limits
from config.lib.rate_limits import TooManyAttempts
from config.lib.web.responses import UserRequest, file_or_404
from videos.media import http_ranges, upload_checks, uploads


@login_required
@require_POST
def upload(request: UserRequest) -> HttpResponse:
    """Store an image before the order is sent; without JavaScript it is sent with the order."""
    sent = request.FILES.get("image")
    if sent is None:
        return JsonResponse({"detail": _("Choose an image.")}, status=422)
    try:
        rate_limits.use("upload", request.user)
        image = uploads.store_image(request.user, sent)
    except (upload_checks.BadImage, uploads.QuotaFull) as error:
        return JsonResponse({"detail": str(error)}, status=422)
    except TooManyAttempts as error:
        return JsonResponse({"detail": str(error)}, status=429)
    return JsonResponse({"id": str(image.pk), "name": image.name}, status=201)


@login_required
@require_safe
def show(request: UserRequest, upload_id: UUID) -> HttpResponseBase:
    """Send a reference image to its owner."""
    image = get_object_or_404(uploads.reference_images_of(request.user), pk=upload_id)
    name = str(image.file.name)
    file = http_ranges.StoredFile(name, image.content_type, image.name, image.pk.hex)
    with file_or_404():
        return http_ranges.file_response(request, file, attachment=False)
