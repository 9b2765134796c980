"""Runway's API: its own video models, and those of others, behind one typed body.

An order is one POST; the engine keeps no list, calls nobody back and takes no key of ours, so a
submit whose answer is lost cannot be found again. A task says what it costs.
Source: docs.dev.runwayml.com; the runwayml SDK.
"""

from collections.abc import Mapping

from videos.engines.runway.engine import Runway

__all__ = ["Runway", "connect"]


def connect(name: str, config: Mapping[str, str]) -> Runway:
    """Connect to the API at `base_url`, which contains the version, with `api_key`.

    `result_hosts` are the hosts of its files; without them only its own host is allowed.
    """
    return Runway(name, config)
