"""The page that says that something was done too often, for all pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from config.lib.rate_limits import TooManyAttempts


class RateLimitPageMiddleware(MiddlewareMixin):
    """Answer with status 429 when a page raises TooManyAttempts; the API answers it itself."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, TooManyAttempts):
            return None
        answer = render(request, "429.html", {"why": str(exception)}, status=429)
        answer["Retry-After"] = str(exception.wait)
        return answer
