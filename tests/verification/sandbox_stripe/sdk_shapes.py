"""Stripe's objects and parameters as stripe-python's own annotations describe them.

An independent check: answers and events of the sandbox are compared with the annotations of the
SDK's classes, and parameters with its TypedDicts. Enumerations that the SDK leaves open
(`Literal[...] | str`) are taken as closed.
"""

import builtins
import decimal
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, ForwardRef, Literal, TypedDict, Union, get_args, get_origin

import stripe
from stripe import params
from stripe._stripe_object import UntypedStripeObject
from stripe.params import checkout as checkout_params

OBJECTS: dict[str, type] = {
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "item": stripe.LineItem,
    "payment_intent": stripe.PaymentIntent,
    "price": stripe.Price,
    "refund": stripe.Refund,
}


class Nothing(TypedDict):
    """The parameters of a call that has none."""


PARAMS: dict[str, Any] = {
    "checkout.session": checkout_params.SessionCreateParams,
    "checkout.session.expire": checkout_params.SessionExpireParams,
    "refund": params.RefundCreateParams,
    "refund.list": params.RefundListParams,
    "dispute.list": params.DisputeListParams,
    "nothing": Nothing,
}
# What the product sends where; anywhere else it must send nothing.
ROUTES = {
    ("post", "/v1/checkout/sessions"): "checkout.session",
    ("post", "/v1/refunds"): "refund",
    ("get", "/v1/refunds"): "refund.list",
    ("get", "/v1/disputes"): "dispute.list",
}
PLAIN: dict[Any, Any] = {
    str: str,
    int: int,
    float: float,
    bool: bool,
    decimal.Decimal: str,
    type(None): type(None),
}
OPTIONS = set(stripe.RequestOptions.__annotations__)


class _Names(dict[str, Any]):
    """Names of annotations: the class's module, then stripe, then typing, else anything."""

    def __init__(self, module: str) -> None:
        super().__init__(vars(builtins) | vars(sys.modules[module]))

    def __missing__(self, name: str) -> Any:
        found = getattr(stripe, name, None) or getattr(typing, name, None)
        return found if found is not None else Any


def problems(body: Any) -> list[str]:
    """Return what is wrong with an API object or a list of them, [] for nothing."""
    if body.get("object") == "list":
        found = [] if set(body) == {"object", "data", "has_more", "url"} else ["list: keys"]
        return found + [problem for each in body["data"] for problem in problems(each)]
    found = _fields(OBJECTS[body["object"]], body, body["object"])
    if body["object"] == "event":
        found += [f"event: {problem}" for problem in problems(body["data"]["object"])]
    return found


def check_params(kind: str, given: Mapping[str, Any]) -> list[str]:
    """Return what the SDK's TypedDict of a request finds wrong with its parameters."""
    return _fields(PARAMS[kind], given, kind)


def check_call(method: str, url: str, given: Mapping[str, Any] | None) -> list[str]:
    """Return what is wrong with the parameters of one of the product's calls."""
    return check_params(ROUTES.get((method, url), "nothing"), given or {})


def _fields(shape: Any, body: Mapping[str, Any], at: str) -> list[str]:
    names, wanted = _Names(shape.__module__), dict(shape.__annotations__)
    required = getattr(shape, "__required_keys__", None)  # only a TypedDict has them
    if required is not None:
        wanted = {name: each for name, each in wanted.items() if name not in OPTIONS}
    found = [f"{at}.{name}: unknown" for name in body if name not in wanted]
    for name, annotation in wanted.items():
        resolved = _resolve(annotation, names)
        if name in body:
            found += _value(resolved, body[name], f"{at}.{name}", names)
        elif not _may_be_absent(resolved) if required is None else name in required:
            found.append(f"{at}.{name}: missing")
    return found


def _resolve(annotation: Any, names: _Names) -> Any:
    if get_origin(annotation) in (typing.NotRequired, typing.Required):
        annotation = get_args(annotation)[0]
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _resolve(eval(annotation, {}, names), names)
    return annotation


def _may_be_absent(annotation: Any) -> bool:
    return get_origin(annotation) is typing.ClassVar or type(None) in get_args(annotation)


def _value(wanted: Any, value: Any, at: str, names: _Names) -> list[str]:
    """Return what is wrong with one value; `wanted` is resolved."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return _one_of([_resolve(each, names) for each in inner], value, at, names)
    if origin is Literal:
        return [] if value in inner else [f"{at}: {value!r} is not one of {inner}"]
    if wanted in PLAIN:
        return [] if type(value) is PLAIN[wanted] else [f"{at}: {value!r} is no {wanted.__name__}"]
    return [] if wanted is Any else _container(wanted, value, at, names)


def _container(wanted: Any, value: Any, at: str, names: _Names) -> list[str]:
    """Return what is wrong with a list, a mapping or an object."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin is list:
        if not isinstance(value, list):
            return [f"{at}: {value!r} is no list"]
        each = _resolve(inner[0], names)
        return [p for i, item in enumerate(value) for p in _value(each, item, f"{at}[{i}]", names)]
    if not isinstance(value, Mapping):
        return [f"{at}: {value!r} is no object"]
    if origin is dict or origin is UntypedStripeObject:
        each = _resolve(inner[-1], names)
        return [p for key in value for p in _value(each, value[key], f"{at}.{key}", names)]
    if origin is stripe.ListObject:
        return problems(value)
    return _fields(wanted, value, at)


def _one_of(options: list[Any], value: Any, at: str, names: _Names) -> list[str]:
    """Return the problems of the option that matches a value best."""
    if any(get_origin(option) is Literal for option in options):
        options = [option for option in options if option is not str]
    return min((_value(option, value, at, names) for option in options), key=len)
