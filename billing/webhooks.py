"""POST /api/payments/webhook/stripe: verify events from Stripe, store them and process them."""

import logging

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from billing.payments import stripe_client, stripe_events

log = logging.getLogger(__name__)

MAX_BYTES = 512 * 1024


@csrf_exempt
def stripe(request: HttpRequest) -> JsonResponse:
    """Answer 200 to an event that is stored, even if processing it failed.

    400 if the signature or the body is not valid; 413 if the body is larger than 512 KiB.
    """
    if request.method != "POST":
        headers = {"Allow": "POST"}
        return JsonResponse({"detail": "Method not allowed"}, status=405, headers=headers)
    if int(request.headers.get("Content-Length") or 0) > MAX_BYTES:
        return JsonResponse({"detail": "Payload too large"}, status=413)
    try:
        event = stripe_client.read_event(request.body, request.headers.get("Stripe-Signature", ""))
    except stripe_client.InvalidEvent as error:
        log.warning("Stripe webhook refused: %s", error)
        return JsonResponse({"detail": "Invalid signature"}, status=400)
    stripe_events.receive(event)
    return JsonResponse({"received": True})
