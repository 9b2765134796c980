"""Addresses that browsers, crawlers and password managers try on every site."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe

# What crawlers need not read; all of it needs a sign-in or is for programs.
ROBOTS = """\
User-agent: *
Disallow: /accounts/
Disallow: /admin/
Disallow: /api/
Disallow: /v1/

Sitemap: {url}/sitemap.xml
"""
# For language models (llmstxt.org).
LLMS = """\
# {name}

> {name} makes videos from prompts and images, with several models behind one API.

## Agents

- [MCP server]({url}/mcp): streamable HTTP, with OAuth or an API key as bearer token
- [How to connect an agent]({url}/developers/agents/): lines for each client; needs a sign-in

## API

- [OpenAPI description]({url}/openapi.json): every call, with examples
- [Reference to read and try]({url}/api/docs): the same as a page
- [Models and prices]({url}/api/models): JSON, without sign-in
- [OpenAI's Videos API]({url}/v1): set `base_url` of an OpenAI SDK to this address
- [Quick start]({url}/developers/): from an API key to a finished file; needs a sign-in

## About

- [Examples]({url}/showcase/)
- [Help]({url}/help/)
- [Rules for prompts]({url}/rules/)
"""
WITHOUT_MCP = ("## Agents", "- [MCP", "- [How to connect")
ICONS = ("favicon.ico", "apple-touch-icon.png")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    text = ROBOTS.format(url=settings.BASE_URL)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
def llms(request: HttpRequest) -> HttpResponse:
    """Tell language models where the API, the MCP server and the documentation are."""
    text = LLMS.format(name=settings.SITE_NAME, url=settings.BASE_URL)
    if not settings.MCP:
        kept = [line for line in text.splitlines() if not line.startswith(WITHOUT_MCP)]
        text = "\n".join(kept).replace("\n\n\n", "\n") + "\n"
    if settings.BILLING:
        text += f"- [Prices]({settings.BASE_URL}/pricing/)\n"
    if settings.DOCS_URL:
        text += f"- [Documentation]({settings.DOCS_URL})\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
def icon(request: HttpRequest, name: str) -> HttpResponse:
    """Lead to one of ICONS: browsers ask for them at the root, also beside files."""
    return HttpResponseRedirect(static(f"img/{name}"))


@require_safe
def change_password(request: HttpRequest) -> HttpResponse:
    """Lead to the page on which a password manager lets its user change the password."""
    return redirect("account_change_password")
