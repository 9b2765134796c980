"""fal's queue: jobs of any model under its id, each with a status, a result and a cancel address.

One POST submits a job; fal itself repeats runs that its machines lost. Its SDK is not used, because
it repeats the submitting POST, which could pay for one order several times.
"""

from collections.abc import Mapping

from videos.engines.fal.engine import Fal

__all__ = ["Fal", "connect"]


def connect(name: str, config: Mapping[str, str]) -> Fal:
    """Connect to a fal account.

    `api_key` is required; an admin key is needed only for deleting what fal stores about a job.
    `base_url` (the queue), `rest_url` (uploads), `api_url` (list and deletion) and `jwks_url` (the
    keys of signed callbacks) are fal's own by default, `result_hosts` the hosts of its files.
    """
    return Fal(name, config)
