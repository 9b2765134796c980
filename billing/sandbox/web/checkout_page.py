"""The hosted checkout page: the payer chooses how to pay, or how the payment fails.

Plain forms, no script. Trigger words in the payer's e-mail address choose the faults of one
payment (`checkout.TRIGGERS`).
"""

from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from billing.sandbox import checkout, database, timers
from billing.sandbox.checkout import Outcome
from billing.sandbox.database import Json
from billing.sandbox.web.rendering import METHODS, money, render

OUTCOMES = ("pay", "decline", "later", "later-fail")
EMAIL_LENGTH = 254


@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show a session, or pay it as the payer chose."""
    timers.run_due()
    with database.reading() as db:
        session = db.find("checkout.session", session_id)
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
    with database.reading() as db:
        items = db.children("item", session["id"])
        data = db.get("intent_data", f"{session['id']}.intent")
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
        "triggers": checkout.TRIGGERS.items(),
        "error": error,
    }
    next_url = success_url(session)
    return render(request, "sandbox/checkout.html", context, status=status, next_url=next_url)


def _act(request: HttpRequest, session: Json) -> HttpResponse:
    action = request.POST.get("action", "")
    method = request.POST.get("method") or session["payment_method_types"][0]
    email = (session["customer_email"] or request.POST.get("email", "")).strip()[:EMAIL_LENGTH]
    if action not in (*OUTCOMES, "expire") or method not in session["payment_method_types"]:
        return _show(request, session, error="Choose one of the options below.", status=400)
    with database.writing() as db:
        session = db.get("checkout.session", session["id"])
        if action != "expire":
            session = checkout.pay(db, session["id"], cast(Outcome, action), method, email)
        elif session["status"] == "open":
            session = checkout.expire(db, session["id"])
    if session["status"] == "complete":
        return _see_other(success_url(session))  # also for a second click: only the first one pays
    if session["status"] == "expired":
        return _show(request, session, status=200 if action == "expire" else 409)
    return _show(request, session, error="The payment was declined. Nothing was paid.", status=402)


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
