"""The stand-in's dashboard: what a merchant does by hand, and what a provider gets wrong.

Refunds made here carry no metadata of the product, as those of the real dashboard do not.
"""

import itertools

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from billing.sandbox import (
    checkout,
    database,
    disputes,
    faults,
    pages,
    refunds,
    scheduler,
    webhooks,
)
from billing.sandbox.database import Books, Json
from billing.sandbox.request_parsing import Refused

SHOWN = 30
SWITCHES = {
    "twice": "Send every event twice",
    "shuffled": "Send events in any order",
    "late": "Send events 30 seconds late",
    "silent": "Send no events",
}


@require_http_methods(["GET", "HEAD", "POST"])
def dashboard(request: HttpRequest) -> HttpResponse:
    scheduler.turn()
    if request.method != "POST":
        return _show(request)
    try:
        _act(request)
    except (Refused, ValueError) as error:
        return _show(request, error=str(error), status=400)
    response = HttpResponseRedirect(request.path)
    response.status_code = 303
    return response


def _show(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    with database.reading() as desk:
        sessions = list(itertools.islice(desk.newest("checkout.session"), SHOWN))
        context = {
            "error": error,
            "payments": [_payment(desk, session) for session in sessions],
            "switches": [
                (name, words, name in desk.switches()) for name, words in SWITCHES.items()
            ],
            "faults": faults.pending(desk),
            "fault_routes": faults.ROUTES,
            "fault_kinds": faults.KINDS,
        }
    return pages.render(request, "sandbox/dashboard.html", context, status=status)


def _payment(desk: Books, session: Json) -> Json:
    """Return what the page shows of a session and the payment it led to."""
    intent_id = session["payment_intent"]
    currency = session["currency"]
    intent = desk.get("payment_intent", intent_id) if intent_id else None
    charge = desk.get("charge", intent["latest_charge"]) if intent else None
    left = charge["amount"] - charge["amount_refunded"] if charge and charge["paid"] else 0
    return {
        "session": session,
        "charge": charge,
        "method": charge and pages.METHODS[charge["payment_method_details"]["type"]][0],
        "amount": pages.money(session["amount_total"], currency),
        "left": left,
        "may_dispute": charge is not None and disputes.possible(desk, charge),
        "refunds": [
            {
                "id": refund["id"],
                "status": refund["status"],
                "amount": pages.money(refund["amount"], currency),
                "may_fail": refund["status"] in ("pending", "succeeded"),
            }
            for refund in (desk.children("refund", intent_id) if intent_id else ())
        ],
        "disputes": [
            {
                "id": dispute["id"],
                "status": dispute["status"],
                "amount": pages.money(dispute["amount"], currency),
                "steps": disputes.steps(dispute),
            }
            for dispute in (desk.children("dispute", intent_id) if intent_id else ())
        ],
        "events": _events(desk, session),
    }


def _events(desk: Books, session: Json) -> list[Json]:
    rows = desk.connection.execute(
        "SELECT thing.id, json_extract(thing.body, '$.type') AS type, delivery.answer,"
        " delivery.attempts, delivery.due_at FROM thing"
        " LEFT JOIN delivery ON delivery.event = thing.id"
        " WHERE thing.kind = 'event' AND (thing.parent = ?"
        " OR json_extract(thing.body, '$.data.object.id') = ?) ORDER BY thing.sequence",
        (session["payment_intent"], session["id"]),
    )
    return [dict(row) for row in rows]


def _act(request: HttpRequest) -> None:
    """Do what a button says. Raises Refused or ValueError; then nothing has changed."""
    form = request.POST
    target = form.get("target", "")
    match form.get("action", ""):
        case "switch":
            _switch(target)
        case "fault":
            faults.next(form.get("route", ""), form.get("kind", ""))
        case "refund":
            _refund(target, form.get("amount", "").strip())
        case "resend":
            webhooks.resend([target])
        case "resend-all" | "resend-shuffled" as action:
            shuffled = action == "resend-shuffled"
            webhooks.resend(_event_ids(target), copies=2 if shuffled else 1, shuffled=shuffled)
        case action:
            with database.writing() as desk:
                _change(desk, action, target)


def _change(desk: Books, action: str, target: str) -> None:
    if desk.find_any(target) is None:
        raise ValueError(f"There is no {target[:100]!r}.")
    if action == "expire":
        checkout.expire(desk, target)
    elif action == "fail-refund":
        refunds.fail(desk, target)
    elif action in ("dispute", "inquiry"):
        if disputes.open_(desk, target, inquiry=action == "inquiry") is None:
            raise ValueError("This payment cannot be disputed.")
    elif action in disputes.STEPS:
        disputes.move(desk, target, action)
    else:
        raise ValueError(f"Unknown action {action[:40]!r}.")


def _switch(name: str) -> None:
    if name not in SWITCHES:
        raise ValueError(f"Unknown switch {name[:40]!r}.")
    with database.writing() as desk:
        if desk.connection.execute("DELETE FROM switch WHERE name = ?", (name,)).rowcount == 0:
            desk.connection.execute("INSERT INTO switch (name) VALUES (?)", (name,))


def _refund(intent_id: str, amount: str) -> None:
    """Refund minor units of a payment, or the rest of it when no amount is given."""
    order: Json = {"payment_intent": intent_id}
    if amount:
        if not amount.isascii() or not amount.isdigit() or not 0 < int(amount) < 10**9:
            raise ValueError("The amount is a whole number of cents.")
        order["amount"] = int(amount)
    with database.writing() as desk:
        refunds.create(desk, order)


def _event_ids(session_id: str) -> list[str]:
    with database.reading() as desk:
        session = desk.find("checkout.session", session_id)
        return [event["id"] for event in _events(desk, session)] if session else []
