"""Replicate's predictions, made by its official models.

Replicate removes inputs, outputs and files one hour after a prediction.
"""

from collections.abc import Mapping

from videos.engines.replicate.engine import Replicate

__all__ = ["Replicate", "connect"]


def connect(name: str, config: Mapping[str, str]) -> Replicate:
    """Connect to a Replicate account.

    `api_key` is required. `base_url` and `result_hosts` are Replicate's own by default. With a
    `webhook_secret` (whsec_..., one per account) callbacks must be signed; without it they count
    only at their secret URL.
    """
    return Replicate(name, config)
