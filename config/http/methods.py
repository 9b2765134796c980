"""Requests that nothing here understands: unknown methods, such as TRACE, and encoded bodies."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from config.lib.api import envelope

KNOWN = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def methods_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer 405 to methods that are not in KNOWN, and 415 to bodies that are compressed."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.method not in KNOWN:
            return _refusal(request, 405, "Method not allowed", {"Allow": ", ".join(KNOWN)})
        coding = request.headers.get("Content-Encoding", "identity")
        if coding.strip().lower() != "identity":
            detail = "Unsupported Content-Encoding. Send the body as it is."
            return _refusal(request, 415, detail, {"Accept-Encoding": "identity"})
        return get_response(request)

    return answer


def _refusal(
    request: HttpRequest, status: int, detail: str, headers: dict[str, str]
) -> HttpResponse:
    if envelope.applies_to(request.path):
        return JsonResponse(envelope.body(status, detail), status=status, headers=headers)
    if request.path.startswith(("/api", "/health")):
        return JsonResponse({"detail": detail}, status=status, headers=headers)
    return HttpResponse(detail, status=status, headers=headers, content_type="text/plain")
