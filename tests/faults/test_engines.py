"""Kill the worker while it talks to each kind of engine: one job at most, and the right credits."""

from typing import Any

import pytest

from billing.ledger import credits, invariants
from tests.engine_servers.local_engines import LocalEngine
from tests.faults import checks, kill_points
from tests.faults.processes import Deployment
from tests.faults.users import WELCOME, HttpUser

pytestmark = pytest.mark.fault
# One that is hosted and one without a vendor; the long tier has the others.
USUAL = {"fal", "comfyui"}
# They have no list of jobs, and call nobody back at an address without https.
CANNOT_SEARCH = {"gemini", "runway"}


def parameters() -> list[Any]:
    return [
        pytest.param(point, marks=() if point.split(".")[0] in USUAL else pytest.mark.thorough)
        for point in kill_points.ENGINE_POINTS
    ]


@pytest.mark.parametrize("point", parameters())
def test_one_job_is_made_when_the_worker_is_killed(
    deployment: Deployment, user: HttpUser, local_engines: dict[str, LocalEngine], point: str
) -> None:
    kind, _, step = point.partition(".")
    engine = local_engines[kind]
    before = engine.jobs_made
    role = deployment.role_of(point)
    deployment.start(role, point=point)
    user.order("A paper boat", model=engine.model, seconds=str(engine.seconds))
    deployment.wait_until_killed(role)
    deployment.start_missing()
    checks.wait_until_ended(deployment, user)
    video = user.account.videos.get()
    is_lost = step == "submit.after_post" and kind in CANNOT_SEARCH
    assert (video.engine, video.status) == (kind, "failed" if is_lost else "succeeded")
    assert engine.jobs_made - before == 1
    kept = 0 if is_lost else engine.prices["text"]
    assert (credits.available(user.account), invariants.problems()) == (WELCOME - kept, [])
