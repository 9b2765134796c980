"""Requests to the sandbox Stripe: validation, idempotency keys, faults and lists."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe
from django.conf import LazySettings

from billing.sandbox import database, faults
from billing.sandbox.api import idempotency
from config.lib.sandbox import connections
from tests.verification.sandbox_stripe.merchant import KEY, Merchant, request

BASE = "mode=payment&success_url=http://testserver/&line_items[0][quantity]=1"
LINE = (
    "&line_items[0][price_data][currency]=cny&line_items[0][price_data][unit_amount]=990"
    "&line_items[0][price_data][product_data][name]=x"
)


def post(merchant: Merchant, path: str, body: str, **headers: str) -> Any:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return request(merchant, "POST", path, content=body.encode(), headers={**kind, **headers})


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"curency": "cny"}, "curency", "parameter_unknown"),
        ({"payment_method_types": ["card"]}, "payment_method_types", "payment_method_types_no_"),
        ({"payment_intent_data": {"color": "x"}}, "payment_intent_data[color]", "parameter_unkn"),
        ({"mode": "subscription"}, "mode", None),
        ({"locale": "xx"}, "locale", None),
        ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
        ({"success_url": "//evil.example"}, "success_url", "url_invalid"),
        ({"cancel_url": "http://a b"}, "cancel_url", "url_invalid"),
        ({"client_reference_id": "x" * 201}, "client_reference_id", "parameter_invalid_string"),
        ({"client_reference_id": ""}, "client_reference_id", "parameter_invalid_empty"),
        ({"expires_at": int(time.time()) + 60}, "expires_at", None),
        ({"expires_at": int(time.time()) + 90_000}, "expires_at", None),
        ({"expires_at": "soon"}, "expires_at", "parameter_invalid_integer"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        ({"metadata": {str(n): "v" for n in range(51)}}, "metadata", None),
        ({"adaptive_pricing": {"enabled": "maybe"}}, "adaptive_pricing[enabled]", None),
        ({"allowed_payment_method_types": ["cash"]}, "allowed_payment_method_types[0]", None),
        ({"ui_mode": "hosted"}, "ui_mode", None),
        ({"line_items": []}, "line_items", "parameter_missing"),
    ],
)
def test_answer_is_400_when_a_sessions_parameter_is_invalid(
    merchant: Merchant, fields: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        merchant.create_session(**fields)
    assert (caught.value.http_status, caught.value.param) == (400, param)
    assert (caught.value.code or "")[: len(code or "")] == (code or "")
    assert merchant.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize("amount", ["9.9", "-1", "1e3", "100000000", "x", "", "٩", "9" * 30])
def test_answer_is_400_when_an_amount_is_not_an_integer(merchant: Merchant, amount: str) -> None:
    body = BASE + LINE.replace("=990", f"={amount}")
    error = post(merchant, "/v1/checkout/sessions", body).json()["error"]
    assert error["param"] == "line_items[0][price_data][unit_amount]"
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "mode=payment",
        "line_items=1&" + BASE,
        "mode[a]=payment",
        "mode=payment&mode[a]=1",
        "line_items[x][quantity]=1&mode=payment&success_url=http://a",
        "line_items[0]=1&mode=payment&success_url=http://a",
        "a[b][c][d][e][f][g][h][i][j]=1",
        "[a]=1",
        "a]=1",
        "mode=pay%00ment",
        "mode=%ff",
        "&".join(f"a{n}=1" for n in range(3000)),
        BASE
        + LINE
        + "&line_items[1][quantity]=1"
        + LINE.replace("[0]", "[1]").replace("cny", "usd"),
    ],
)
def test_answer_is_400_when_the_body_is_hostile(merchant: Merchant, body: str) -> None:
    answer = post(merchant, "/v1/checkout/sessions", body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_answer_is_400_when_the_body_is_json(merchant: Merchant) -> None:
    assert request(merchant, "POST", "/v1/refunds", json={"amount": 1}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nonsense"),
        ("GET", "/v1/checkout/sessions/cs_none"),
        ("GET", "/v1/checkout/sessions/cs_none/line_items"),
        ("POST", "/v1/checkout/sessions/cs_none/expire"),
        ("GET", "/v1/refunds/re_none"),
        ("POST", "/v1/refunds/re_none"),
        ("GET", "/v1/payment_intents/pi_none"),
        ("GET", "/v1/charges/ch_none"),
        ("GET", "/v1/disputes/du_none"),
        ("GET", "/v1/events/evt_none"),
        ("DELETE", "/v1/checkout/sessions"),
        ("POST", "/v1/charges"),
        ("GET", "/v1/checkout/sessions/cs_none/expire"),
        ("POST", "/v2/core/events"),
    ],
)
def test_answer_is_404_when_the_object_or_url_is_unknown(
    merchant: Merchant, method: str, path: str
) -> None:
    answer = request(merchant, method, path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")
    assert answer.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer sk_test_other", "Basic !", "Basic c2s6"])
def test_answer_is_401_when_the_key_is_another(merchant: Merchant, header: str) -> None:
    answer = request(merchant, "GET", "/v1/events", headers={"Authorization": header})
    assert answer.status_code == 401
    assert "other" not in answer.text


def test_key_is_accepted_when_sent_by_basic_authentication(merchant: Merchant) -> None:
    basic = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
    assert (
        request(merchant, "GET", "/v1/events", headers={"Authorization": basic}).status_code == 200
    )


def test_answer_is_401_when_the_key_is_live(merchant: Merchant, settings: LazySettings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_live_real"
    headers = {"Authorization": "Bearer sk_live_real"}
    answer = request(merchant, "GET", "/v1/events", headers=headers)
    assert answer.status_code == 401
    assert "no live keys" in answer.text


def test_response_is_replayed_when_an_idempotency_key_is_sent_again(merchant: Merchant) -> None:
    order: Any = merchant.session_parameters()
    options: Any = {"idempotency_key": "co:order-1"}
    first = merchant.v1.checkout.sessions.create(order, options)
    second = merchant.v1.checkout.sessions.create(order, options)
    assert second.to_dict() == first.to_dict()
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(merchant.v1.checkout.sessions.list().data) == 1
    order["expires_at"] += 1
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        merchant.v1.checkout.sessions.create(order, options)


def test_one_session_is_created_when_an_idempotency_key_is_sent_concurrently(
    merchant: Merchant,
) -> None:
    order: Any = merchant.session_parameters()

    def create(_: int) -> str:
        return merchant.v1.checkout.sessions.create(order, {"idempotency_key": "same"}).id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(16)))) == 1
    assert len(merchant.v1.checkout.sessions.list().data) == 1


def test_idempotency_key_stays_usable_when_a_parameter_is_refused(merchant: Merchant) -> None:
    options: Any = {"idempotency_key": "co:order-1"}
    wrong: Any = merchant.session_parameters(mode="setup")
    with pytest.raises(stripe.InvalidRequestError):
        merchant.v1.checkout.sessions.create(wrong, options)
    right: Any = merchant.session_parameters()
    assert merchant.v1.checkout.sessions.create(right, options).status == "open"


def test_error_is_replayed_when_the_objects_state_caused_it(merchant: Merchant) -> None:
    intent = str(merchant.create_paid_session().payment_intent)
    options: Any = {"idempotency_key": "rf:1"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            merchant.v1.refunds.create({"payment_intent": intent, "amount": 991}, options)
    with pytest.raises(stripe.IdempotencyError):
        merchant.v1.refunds.create({"payment_intent": intent, "amount": 990}, options)


def test_idempotency_key_is_forgotten_when_it_is_two_days_old(merchant: Merchant) -> None:
    order: Any = merchant.session_parameters()
    first = merchant.v1.checkout.sessions.create(order, {"idempotency_key": "old"})
    with database.writing() as db:
        db.connection.execute(
            "UPDATE idempotent_response SET created_at = created_at - ?",
            (idempotency.KEPT_SECONDS,),
        )
    assert merchant.v1.checkout.sessions.create(order, {"idempotency_key": "old"}).id != first.id


def test_answer_is_400_when_an_idempotency_key_is_too_long(merchant: Merchant) -> None:
    order: Any = merchant.session_parameters()
    with pytest.raises(stripe.IdempotencyError):
        merchant.v1.checkout.sessions.create(order, {"idempotency_key": "k" * 256})


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "409", "500"])
def test_one_session_is_created_when_the_sdk_retries_a_lost_call(
    merchant: Merchant, kind: str
) -> None:
    faults.enqueue("sessions", kind)
    session = merchant.create_session()
    assert [each.id for each in merchant.v1.checkout.sessions.list().data] == [session.id]


@pytest.mark.parametrize(
    ("kind", "error", "made"),
    [
        ("drop_before", stripe.APIConnectionError, 0),
        ("drop_after", stripe.APIConnectionError, 1),
        ("cut", stripe.APIConnectionError, 1),
        ("409", stripe.APIError, 0),
        ("429", stripe.RateLimitError, 0),
        ("500", stripe.APIError, 0),
        ("500_after", stripe.APIError, 1),
    ],
)
def test_client_gets_the_fault_when_it_does_not_retry(
    merchant: Merchant, kind: str, error: type[stripe.StripeError], made: int
) -> None:
    faults.enqueue("sessions", kind)
    client, order = merchant.sdk(0), merchant.session_parameters()
    with pytest.raises(error):
        client.v1.checkout.sessions.create(order, {"idempotency_key": "k"})  # type: ignore[arg-type]
    assert len(client.v1.checkout.sessions.list().data) == made
    if kind == "500_after":
        with pytest.raises(error):  # the stored response of the key
            client.v1.checkout.sessions.create(order, {"idempotency_key": "k"})  # type: ignore[arg-type]
    else:
        client.v1.checkout.sessions.create(order, {"idempotency_key": "k"})  # type: ignore[arg-type]
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_one_refund_is_created_when_its_answer_is_lost(merchant: Merchant) -> None:
    intent = str(merchant.create_paid_session().payment_intent)
    faults.enqueue("refunds", "drop_after", times=2)
    refund = merchant.v1.refunds.create({"payment_intent": intent, "amount": 490})
    assert [each.id for each in merchant.v1.refunds.list().data] == [refund.id]
    assert merchant.v1.charges.list().data[0].amount_refunded == 490


def test_read_succeeds_when_the_sdk_retries_a_fault(merchant: Merchant) -> None:
    session = merchant.create_session()
    faults.enqueue("session", "drop_after")
    faults.enqueue("sessions.list", "500")
    assert merchant.v1.checkout.sessions.retrieve(session.id).id == session.id
    assert len(merchant.v1.checkout.sessions.list().data) == 1


def test_answer_is_truncated_when_the_socket_cannot_be_found(merchant: Merchant) -> None:
    path = f"/sandbox/stripe/v1/checkout/sessions/{merchant.create_session().id}"
    faults.enqueue("session", "drop_after")
    answer: Any = merchant.browser.get(path, headers={"Authorization": f"Bearer {KEY}"})
    assert answer["Content-Length"] == "1"
    with pytest.raises(connections.ConnectionDropped):
        list(answer.streaming_content)


@pytest.mark.parametrize(("route", "kind"), [("sessions", "fire"), ("nowhere", "500")])
def test_queueing_a_fault_fails_when_its_name_is_unknown(
    merchant: Merchant, route: str, kind: str
) -> None:
    with pytest.raises(ValueError, match="expected one of"):
        faults.enqueue(route, kind)


def test_list_continues_in_both_directions_when_a_cursor_is_given(merchant: Merchant) -> None:
    made = [merchant.create_session().id for _ in range(5)][::-1]
    sessions = merchant.v1.checkout.sessions
    first = sessions.list({"limit": 2})
    assert ([each.id for each in first.data], first.has_more) == (made[:2], True)
    last = sessions.list({"limit": 3, "starting_after": made[1]})
    assert ([each.id for each in last.data], last.has_more) == (made[2:], False)
    back = sessions.list({"limit": 2, "ending_before": made[4]})
    assert ([each.id for each in back.data], back.has_more) == (made[2:4], True)
    assert [each.id for each in first.auto_paging_iter()] == made


def test_list_is_filtered_when_the_query_asks(merchant: Merchant) -> None:
    merchant.create_session()
    paid = merchant.create_paid_session()
    intent = str(paid.payment_intent)
    sessions = merchant.v1.checkout.sessions
    assert [each.id for each in sessions.list({"payment_intent": intent}).data] == [paid.id]
    assert [each.id for each in sessions.list({"status": "complete"}).data] == [paid.id]
    assert sessions.list({"created": {"gt": int(time.time()) + 5}}).data == []
    refund = merchant.v1.refunds.create({"payment_intent": intent})
    assert [each.id for each in merchant.v1.refunds.list({"payment_intent": intent}).data] == [
        refund.id
    ]
    assert merchant.v1.refunds.list({"payment_intent": "pi_other"}).data == []
    types = [each.type for each in merchant.v1.events.list({"types": ["charge.*"]}).data]
    assert types == ["charge.refunded", "charge.succeeded"]


def test_expand_is_refused_when_the_property_is_not_an_id(merchant: Merchant) -> None:
    session = merchant.create_session()
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        merchant.v1.checkout.sessions.retrieve(session.id, {"expand": ["metadata"]})
