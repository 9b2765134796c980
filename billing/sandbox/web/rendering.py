"""Pages of the sandbox Stripe: their template context, security headers and amounts."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import get_template

POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; script-src 'self'; "
    "form-action {actions}; base-uri 'none'; frame-ancestors 'none'"
)
SYMBOLS = {"cny": "¥", "usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "krw": "₩", "hkd": "HK$"}
# Source: docs.stripe.com/currencies, zero-decimal currencies.
ZERO_DECIMAL = ("jpy", "krw")
METHODS = {
    "card": ("Card", "Test card ending in 4242"),
    "alipay": ("Alipay", "Refunds take a few seconds"),
    "wechat_pay": ("WeChat Pay", "Refunds take a few seconds"),
    "customer_balance": ("Bank transfer", "Arrives at once in the sandbox"),
}


def money(amount: int, currency: str) -> str:
    """Format an amount of minor units."""
    text = f"{amount:,}" if currency in ZERO_DECIMAL else f"{amount / 100:,.2f}"
    return f"{SYMBOLS.get(currency, currency.upper() + ' ')}{text}"


def render(
    request: HttpRequest,
    name: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    next_url: str | None = None,
) -> HttpResponse:
    """Render a page of the sandbox, without the context processors of the product.

    `next_url` is where a form of the page may redirect to: browsers check the redirects of a form
    against form-action, too.
    """
    theme = request.COOKIES.get("theme")
    context |= {
        "merchant": settings.SITE_NAME,
        "csrf_token": get_token(request),
        "theme": theme if theme in ("light", "dark") else "",
    }
    response = HttpResponse(get_template(name).render(context), status=status)
    target = urlsplit(next_url or "")
    is_external = target.netloc and target.netloc != request.get_host()
    actions = f"'self' {target.scheme}://{target.netloc}" if is_external else "'self'"
    response["Content-Security-Policy"] = POLICY.format(actions=actions)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    return response
