"""The previous release and this one run on one database at once, as during an upgrade."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults import processes
from tests.releases import previous
from tests.releases.running import Person, Release

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1200)]
PRICE, WELCOME = 20, 100


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[Release, Release]]:
    """Yield the previous release and this one; the engine is a process of its own."""
    before = tmp_path / "previous"
    previous.copy_to(before, previous.find())
    data = tmp_path / "data"
    data.mkdir()
    with ExitStack() as stack:
        environment = {"DATA_DIR": str(data)}
        if processes.POSTGRES:
            environment["DATABASE_URL"] = stack.enter_context(processes.scratch_database())
        engine = Release(previous.ROOT, environment)
        environment["SANDBOX_URL"] = f"{engine.url}/sandbox/v1"
        old, new = Release(before, environment), Release(previous.ROOT, environment)
        for release in (engine, old, new):
            stack.callback(release.kill)
        old.run("migrate", "--verbosity", "0")
        words = ("uvicorn", "config.asgi:application", "--lifespan", "off", "--port")
        engine.start("-m", *words, str(engine.port))
        yield old, new


def test_both_releases_work_on_the_new_schema(releases: tuple[Release, Release]) -> None:
    old, new = releases
    old.start()
    vera = Person("vera", old)
    first = vera.order(old, "A paper boat")
    assert vera.wait_for(old, first) == "completed"
    file = vera.file(old, first)

    # The schema is migrated while the previous release runs, and it goes on.
    running = vera.order(old, "A train in the snow [[slow:100]]")
    new.run("migrate", "--verbosity", "0")
    assert old.status("/readyz") == 200
    failed = vera.order(old, "A kite [[fail:internal_error]]")
    second = vera.order(old, "A lighthouse")
    assert [vera.wait_for(old, video) for video in (failed, second)] == ["failed", "completed"]
    assert vera.wait_for(old, running) == "completed"
    vera.delete(old, second)
    adam = Person("adam", old)
    assert (vera.credits(old), adam.credits(old)) == (WELCOME - 3 * PRICE, WELCOME)
    assert "There are no problems." in old.run("audit")

    # This release works on what the previous one wrote.
    new.start()
    assert new.status("/readyz") == 200
    assert vera.videos(new) == {first: "completed", running: "completed", failed: "failed"}
    assert (vera.file(new, first), vera.credits(new)) == (file, WELCOME - 3 * PRICE)
    vera.sign_in(new)
    third = vera.order(new, "A heron")
    assert vera.wait_for(new, third) == "completed"

    # The previous release, still there, works on what this one wrote.
    eve = Person("eve", new)
    eve.sign_in(old)
    fourth = eve.order(old, "A fox")
    assert (eve.wait_for(old, fourth), eve.wait_for(new, fourth)) == ("completed", "completed")
    assert vera.videos(old) == vera.videos(new)
    assert vera.file(old, third) == vera.file(new, third) != file

    vera.delete(old, third)

    # What it has under way when it stops is ended by this one.
    left = adam.order(old, "A tide [[slow:200]]")
    lost = adam.order(old, "A storm [[slow:100]] [[fail:internal_error]]")
    old.stop()
    assert [adam.wait_for(new, video) for video in (left, lost)] == ["completed", "failed"]
    assert [person.credits(new) for person in (vera, adam, eve)] == [
        *(WELCOME - 4 * PRICE, WELCOME - PRICE, WELCOME - PRICE)
    ]
    assert "There are no problems." in new.run("audit")

    # The upgrade is undone: the previous release comes back on the new schema.
    new.stop()
    old.start()
    assert old.status("/readyz") == 200
    assert adam.videos(old) == {left: "completed", lost: "failed"}
    again = adam.order(old, "A harbour")
    assert adam.wait_for(old, again) == "completed"
    assert "There are no problems." in old.run("audit")
    old.stop()
