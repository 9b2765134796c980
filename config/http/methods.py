"""Methods of requests: those that no page or call knows, such as TRACE, are refused."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, JsonResponse

KNOWN = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def methods_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer 405 to methods that are not in KNOWN."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.method in KNOWN:
            return get_response(request)
        allow = {"Allow": ", ".join(KNOWN)}
        if request.path.startswith(("/api", "/health")):
            return JsonResponse({"detail": "Method not allowed"}, status=405, headers=allow)
        return HttpResponseNotAllowed(KNOWN)

    return answer
