"""The dashboard of the sandbox Stripe: refunds, disputes, events and faults by hand.

Refunds made here carry no metadata of the product, like those of the real dashboard.
"""

import itertools

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from billing.sandbox import checkout, database, disputes, faults, refunds, timers, webhooks
from billing.sandbox.database import Database, Json
from billing.sandbox.errors import ApiError
from billing.sandbox.web import rendering

PAYMENTS_SHOWN = 30
SWITCHES = {
    "twice": "Send every event twice",
    "shuffled": "Send events in random order",
    "late": "Send events 30 seconds late",
    "silent": "Send no events",
}


@require_http_methods(["GET", "HEAD", "POST"])
def dashboard(request: HttpRequest) -> HttpResponse:
    timers.run_due()
    if request.method != "POST":
        return _show(request)
    try:
        _run_action(request)
    except (ApiError, ValueError) as error:
        return _show(request, error=str(error), status=400)
    response = HttpResponseRedirect(request.path)
    response.status_code = 303
    return response


def _show(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    with database.reading() as db:
        sessions = list(itertools.islice(db.newest("checkout.session"), PAYMENTS_SHOWN))
        context = {
            "error": error,
            "payments": [_payment(db, session) for session in sessions],
            "switches": [(name, words, name in db.switches()) for name, words in SWITCHES.items()],
            "faults": faults.pending(db),
            "fault_routes": faults.ROUTES,
            "fault_kinds": faults.KINDS,
        }
    return rendering.render(request, "sandbox/dashboard.html", context, status=status)


def _payment(db: Database, session: Json) -> Json:
    """Return what the page shows of a session and its payment."""
    intent_id = session["payment_intent"]
    currency = session["currency"]
    intent = db.get("payment_intent", intent_id) if intent_id else None
    charge = db.get("charge", intent["latest_charge"]) if intent else None
    left = charge["amount"] - charge["amount_refunded"] if charge and charge["paid"] else 0
    return {
        "session": session,
        "charge": charge,
        "method": charge and rendering.METHODS[charge["payment_method_details"]["type"]][0],
        "amount": rendering.money(session["amount_total"], currency),
        "left": left,
        "may_dispute": charge is not None and disputes.can_dispute(db, charge),
        "refunds": [
            {
                "id": refund["id"],
                "status": refund["status"],
                "amount": rendering.money(refund["amount"], currency),
                "may_fail": refund["status"] in ("pending", "succeeded"),
            }
            for refund in (db.children("refund", intent_id) if intent_id else ())
        ],
        "disputes": [
            {
                "id": dispute["id"],
                "status": dispute["status"],
                "amount": rendering.money(dispute["amount"], currency),
                "steps": disputes.next_steps(dispute),
            }
            for dispute in (db.children("dispute", intent_id) if intent_id else ())
        ],
        "events": _events(db, session),
    }


def _events(db: Database, session: Json) -> list[Json]:
    rows = db.connection.execute(
        "SELECT object.id, json_extract(object.body, '$.type') AS type, delivery.response,"
        " delivery.attempts, delivery.due_at FROM object"
        " LEFT JOIN delivery ON delivery.event = object.id"
        " WHERE object.kind = 'event' AND (object.parent = ?"
        " OR json_extract(object.body, '$.data.object.id') = ?) ORDER BY object.sequence",
        (session["payment_intent"], session["id"]),
    )
    return [dict(row) for row in rows]


def _run_action(request: HttpRequest) -> None:
    """Do what a button asks for. Raises ApiError or ValueError when nothing was changed."""
    form = request.POST
    target = form.get("target", "")
    match form.get("action", ""):
        case "switch":
            _switch(target)
        case "fault":
            faults.enqueue(form.get("route", ""), form.get("kind", ""))
        case "refund":
            _refund(target, form.get("amount", "").strip())
        case "resend":
            webhooks.resend([target])
        case "resend-all" | "resend-shuffled" as action:
            shuffled = action == "resend-shuffled"
            webhooks.resend(_event_ids(target), copies=2 if shuffled else 1, shuffled=shuffled)
        case action:
            with database.writing() as db:
                _change_object(db, action, target)


def _change_object(db: Database, action: str, target: str) -> None:
    if db.find_any(target) is None:
        raise ValueError(f"There is no object {target[:100]!r}.")
    if action == "expire":
        checkout.expire(db, target)
    elif action == "fail-refund":
        refunds.fail(db, target)
    elif action in ("dispute", "inquiry"):
        if disputes.open_dispute(db, target, inquiry=action == "inquiry") is None:
            raise ValueError("This payment cannot be disputed.")
    elif action in disputes.TRANSITIONS:
        disputes.take_step(db, target, action)
    else:
        raise ValueError(f"Unknown action {action[:40]!r}.")


def _switch(name: str) -> None:
    if name not in SWITCHES:
        raise ValueError(f"Unknown switch {name[:40]!r}.")
    with database.writing() as db:
        if db.connection.execute("DELETE FROM switch WHERE name = ?", (name,)).rowcount == 0:
            db.connection.execute("INSERT INTO switch (name) VALUES (?)", (name,))


def _refund(intent_id: str, amount: str) -> None:
    """Refund an amount of minor units, or the unrefunded rest when none is given."""
    order: Json = {"payment_intent": intent_id}
    if amount:
        if not amount.isascii() or not amount.isdigit() or not 0 < int(amount) < 10**9:
            raise ValueError("The amount must be a whole number of cents.")
        order["amount"] = int(amount)
    with database.writing() as db:
        refunds.create(db, order)


def _event_ids(session_id: str) -> list[str]:
    with database.reading() as db:
        session = db.find("checkout.session", session_id)
        return [event["id"] for event in _events(db, session)] if session else []
