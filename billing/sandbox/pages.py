"""The hosted checkout page: where a payer chooses how to pay, or how a payment goes wrong.

Plain forms, no script. Faults of one payment are chosen by a word in the payer's e-mail address
(`checkout.TRAITS`).
"""

from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.template.loader import get_template
from django.views.decorators.http import require_http_methods

from billing.sandbox import checkout, database, scheduler
from billing.sandbox.checkout import Outcome
from billing.sandbox.database import Json

POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; script-src 'self'; "
    "form-action {actions}; base-uri 'none'; frame-ancestors 'none'"
)
SIGNS = {"cny": "¥", "usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "krw": "₩", "hkd": "HK$"}
# Source: docs.stripe.com/currencies, zero-decimal currencies.
WHOLE = ("jpy", "krw")
METHODS = {
    "card": ("Card", "Test card ending in 4242"),
    "alipay": ("Alipay", "Refunds take a few seconds"),
    "wechat_pay": ("WeChat Pay", "Refunds take a few seconds"),
    "customer_balance": ("Bank transfer", "Arrives at once here"),
}
OUTCOMES = ("pay", "decline", "later", "later-fail")
EMAIL_LENGTH = 254


def money(amount: int, currency: str) -> str:
    """Write an amount of minor units as people read it."""
    shown = f"{amount:,}" if currency in WHOLE else f"{amount / 100:,.2f}"
    return f"{SIGNS.get(currency, currency.upper() + ' ')}{shown}"


def render(
    request: HttpRequest,
    name: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    next_url: str | None = None,
) -> HttpResponse:
    """Render a page of the stand-in.

    Without the product's context processors, which look for its people. `next_url` is where the
    page's form may be sent on to: browsers hold redirects of a form against form-action, too.
    """
    theme = request.COOKIES.get("theme")
    context |= {
        "merchant": settings.SITE_NAME,
        "csrf_token": get_token(request),
        "theme": theme if theme in ("light", "dark") else "",
    }
    response = HttpResponse(get_template(name).render(context), status=status)
    target = urlsplit(next_url or "")
    elsewhere = target.netloc and target.netloc != request.get_host()
    actions = f"'self' {target.scheme}://{target.netloc}" if elsewhere else "'self'"
    response["Content-Security-Policy"] = POLICY.format(actions=actions)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show a session, or do what the payer chose."""
    scheduler.turn()
    with database.reading() as desk:
        session = desk.find("checkout.session", session_id)
    if session is None:
        return render(request, "sandbox/closed.html", {"state": "unknown"}, status=404)
    return _act(request, session) if request.method == "POST" else _show(request, session)


def success_url(session: Json) -> str:
    return str(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


def _show(
    request: HttpRequest, session: Json, *, error: str = "", status: int = 200
) -> HttpResponse:
    if session["status"] != "open":
        context = {"state": session["status"], "session": session}
        context["back"] = (
            success_url(session) if session["status"] == "complete" else session["cancel_url"]
        )
        return render(request, "sandbox/closed.html", context, status=status)
    with database.reading() as desk:
        items = desk.children("item", session["id"])
        data = desk.get("intent_data", f"{session['id']}.intent")
    chosen = request.POST.get("method") or session["payment_method_types"][0]
    context = {
        "session": session,
        "amount": money(session["amount_total"], session["currency"]),
        "items": [
            {
                "name": item["description"],
                "quantity": item["quantity"],
                "amount": money(item["amount_total"], item["currency"]),
            }
            for item in items
        ],
        "description": data.get("description"),
        "methods": [(name, *METHODS[name]) for name in session["payment_method_types"]],
        "chosen": chosen,
        "email": request.POST.get("email") or session["customer_email"] or "",
        "fixed_email": session["customer_email"],
        "traits": checkout.TRAITS.items(),
        "error": error,
    }
    next_url = success_url(session)
    return render(request, "sandbox/checkout.html", context, status=status, next_url=next_url)


def _act(request: HttpRequest, session: Json) -> HttpResponse:
    action = request.POST.get("action", "")
    method = request.POST.get("method") or session["payment_method_types"][0]
    email = (session["customer_email"] or request.POST.get("email", "")).strip()[:EMAIL_LENGTH]
    if action not in (*OUTCOMES, "expire") or method not in session["payment_method_types"]:
        return _show(request, session, error="Choose one of the ways below.", status=400)
    with database.writing() as desk:
        session = desk.get("checkout.session", session["id"])
        if action != "expire":
            session = checkout.pay(desk, session["id"], cast(Outcome, action), method, email)
        elif session["status"] == "open":
            session = checkout.expire(desk, session["id"])
    if session["status"] == "complete":
        return _to(success_url(session))  # also when pressed twice: the first time counted
    if session["status"] == "expired":
        return _show(request, session, status=200 if action == "expire" else 409)
    return _show(request, session, error="The payment was declined. Nothing was paid.", status=402)


def _to(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
