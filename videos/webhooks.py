"""Webhooks from upstreams: bells, never the truth. What rang is fetched by the worker."""

import logging

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from videos import lifecycle, providers
from videos.models import Video

log = logging.getLogger(__name__)

MAX_BYTES = 256 * 1024


@csrf_exempt
def upstream(request: HttpRequest, upstream: str) -> JsonResponse:
    """POST /api/webhooks/<upstream>: 401 for a forged call, 200 for a genuine one of any job."""
    if upstream not in settings.UPSTREAMS:
        return JsonResponse({"detail": "Resource not found"}, status=404)
    if request.method != "POST":
        headers = {"Allow": "POST"}
        return JsonResponse({"detail": "Method not allowed"}, status=405, headers=headers)
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        return JsonResponse({"detail": "Payload too large"}, status=413)
    try:
        job_id = providers.get(upstream).heard(request.headers, body)
    except providers.AuthFailed as error:
        log.warning("webhook of %s refused: %s", upstream, error.detail)
        return JsonResponse({"detail": "Not authenticated"}, status=401)
    named = Video.objects.filter(provider=upstream, upstream_id=job_id)
    # What is not printable is no id, and some databases refuse to look for it.
    if job_id.isprintable() and (video := named.first()):
        lifecycle.ring(video)
    return JsonResponse({"received": True})
