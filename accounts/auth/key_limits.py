"""The limits of an API key: credits per day, models, and the networks it may be used from.

Networks are checked where a key is read, the others where a video is ordered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from ipaddress import IPv6Address, ip_address, ip_network

from django.utils.translation import gettext as _

MAX_RANGES = 20
MAX_MODELS = 50
MAX_CREDITS_PER_DAY = 10_000_000


class BadRange(ValueError):
    """A text is no network; the message says why."""


@dataclass(frozen=True)
class KeyLimits:
    """What a new key may do; None and empty are no limit. `ip_ranges` come from `parse_range`."""

    credits_per_day: int | None = None
    allowed_models: tuple[str, ...] = ()
    ip_ranges: tuple[str, ...] = ()


NO_LIMITS = KeyLimits()
# As the columns of a key, and the fields of calls and forms, are named too.
NAMES = tuple(each.name for each in fields(KeyLimits))


def parse_range(text: str) -> str:
    """Return an IPv4 or IPv6 address, or a network in CIDR notation, as CIDR. Raises BadRange."""
    words = text.strip()
    try:
        return str(ip_network(words))
    except ValueError as error:
        try:
            network = str(ip_network(words, strict=False))
        except ValueError:
            said = _("%(text)s is no IP address and no network such as 203.0.113.0/24.")
            raise BadRange(said % {"text": words[:60]}) from error
        said = _("%(text)s is one address of a network. Write %(network)s for all of it.")
        raise BadRange(said % {"text": words[:60], "network": network}) from error


def includes(ranges: Iterable[str], address: str) -> bool:
    """Return whether an IP address is in one of the networks; in no networks every one is."""
    networks = [ip_network(text) for text in ranges]
    if not networks:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped  # an IPv4 client of a socket that serves both
    return any(found in network for network in networks)
