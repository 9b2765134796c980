"""Settings of monitoring as the environment writes them."""

import re
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


def read_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a list such as `10.1.0.0/16, 127.0.0.1`. Raises ValueError."""
    return tuple(ip_network(part) for part in re.split(r"[,\s]+", text) if part)


def read_endpoint(text: str) -> str:
    """Return the address of a collector. Raises ValueError."""
    if not re.match(r"https?://[^/]", text):
        raise ValueError("expected an address such as http://127.0.0.1:4318")
    return text


def read_balances(text: str) -> dict[str, Decimal]:
    """Return the least balance of each engine, of `runway=500, kie=1000`. Raises ValueError."""
    found = {}
    for part in filter(None, re.split(r"[,\s]+", text)):
        name, _, amount = part.partition("=")
        try:
            least = Decimal(amount)
        except InvalidOperation:
            least = Decimal("NaN")
        if not (name and least.is_finite()):
            raise ValueError("expected an engine and an amount, such as runway=500")
        found[name] = least
    return found
