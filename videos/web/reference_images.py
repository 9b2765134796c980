"""Pictures that orders begin with: sent while the prompt is being written, and shown again."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from videos.media import files, uploads
from videos.web.context_processors import UserRequest


@login_required
@require_POST
def keep(request: UserRequest) -> HttpResponse:
    """Store a picture for the order that is being written; without scripts it comes with it."""
    sent = request.FILES.get("image")
    if sent is None:
        return JsonResponse({"detail": _("Choose an image.")}, status=422)
    try:
        kept = uploads.keep_image(request.user, sent)
    except (uploads.BadImage, uploads.QuotaFull) as error:
        return JsonResponse({"detail": str(error)}, status=422)
    return JsonResponse({"id": str(kept.pk), "name": kept.name}, status=201)


@login_required
@require_safe
def shown(request: UserRequest, upload_id: UUID) -> HttpResponseBase:
    """A picture that was chosen as a reference, for its owner."""
    picture = get_object_or_404(uploads.pictures_of(request.user), pk=upload_id)
    name = str(picture.file.name)
    file = files.Deliverable(name, picture.content_type, picture.name, picture.pk.hex)
    try:
        return files.deliver(request, file, attachment=False)
    except FileNotFoundError as error:
        raise Http404 from error
