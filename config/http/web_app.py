"""What makes the site an app that can be installed: manifest, service worker and offline page.

The service worker only acts when the network does not answer a page: it shows the offline page.
"""

import json
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

SCRIPT = "js/service-worker.js"
# The colours of the page in light, which the manifest cannot give for dark.
BACKGROUND = "#fbfaf7"


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Describe the app to browsers, in the language of the request."""
    described = {
        "id": "/",
        "name": settings.SITE_NAME,
        "short_name": settings.SITE_NAME[:12],
        "description": _("Turn a sentence into a short video."),
        "lang": get_language(),
        "start_url": reverse("studio"),
        "scope": "/",
        "display": "standalone",
        "background_color": BACKGROUND,
        "theme_color": BACKGROUND,
        "icons": [
            _icon("app-192.png", "192x192", "any"),
            _icon("app-512.png", "512x512", "any"),
            _icon("app-maskable-512.png", "512x512", "maskable"),
        ],
        "shortcuts": [
            {"name": _("Studio"), "url": reverse("studio")},
            {"name": _("Library"), "url": reverse("library")},
        ],
    }
    return JsonResponse(described, content_type="application/manifest+json")


def _icon(name: str, sizes: str, purpose: str) -> dict[str, str]:
    source = static(f"img/{name}")
    return {"src": source, "sizes": sizes, "type": "image/png", "purpose": purpose}


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Send the service worker from the root, whose scope is the whole site.

    Its first line names what it keeps, under the names that this version's files have.
    """
    kept = [reverse("offline"), static("css/app.css"), static("css/landing.css")]
    script = Path(str(finders.find(SCRIPT))).read_text()
    text = f"const OFFLINE_FILES = {json.dumps(kept)};\n{script}"
    response = HttpResponse(text, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Show the page that the service worker keeps for the time without a network."""
    return render(request, "offline.html")
