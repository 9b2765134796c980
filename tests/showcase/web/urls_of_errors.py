"""The URLs of the product and one page that raises the error a test asks for."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from config import urls
from config.urls import handler400, handler403, handler404, handler429, handler500

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500", "urlpatterns"]

errors: list[Exception] = []


def raise_error(_request: HttpRequest) -> HttpResponse:
    raise errors.pop()


urlpatterns = [*urls.urlpatterns, path("error/", raise_error)]
