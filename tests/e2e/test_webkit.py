"""WebKit, the engine of Safari: a user signs up, makes a video, plays it and remixes it.

Playwright's WebKit is a build of its own, so that WebDriver drives the distribution's.
"""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests import backing
from tests.e2e.conftest import PASSWORD, new_name
from tests.e2e.webdriver import Driver, session, until

pytestmark = [pytest.mark.browser, pytest.mark.webkit, pytest.mark.thorough]

PROMPT = "A paper lantern drifts over a still harbour at dusk"
OPTIONS = {"webkitgtk:browserOptions": {"args": ["--automation"]}}
# Its sandbox needs namespaces, which containers refuse.
WITHOUT_SANDBOX = {"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
# There is no sound card, and what nobody has clicked may not make a sound.
PLAY = "const v = document.querySelector('#stage video'); v.muted = true; v.play()"
POSITION = "return document.querySelector('#stage video').currentTime"


@pytest.fixture
def display() -> Iterator[str]:
    """The number of an X display that nobody sees."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1440x900x24"]
    process = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        yield f":{pipe.readline().strip()}"
    process.terminate()
    process.wait(10)


@pytest.fixture
def webkit(display: str) -> Iterator[Driver]:
    found = backing.webkit()
    assert found, "no WebKit was found; Debian: apt-get install webkit2gtk-driver xvfb"
    port = backing.free_port()
    own = {**os.environ, **WITHOUT_SANDBOX, "DISPLAY": display}
    process = subprocess.Popen([found, f"--port={port}"], env=own, stderr=subprocess.DEVNULL)
    try:
        with session(f"http://127.0.0.1:{port}", OPTIONS) as driver:
            yield driver
    finally:
        process.terminate()
        process.wait(10)


def sign_up(driver: Driver, site: str) -> None:
    driver.open(f"{site}/accounts/signup/")
    name = new_name()
    driver.type("[name=username]", name)
    driver.type("[name=email]", f"{name}@example.com")
    driver.type("[name=password1]", PASSWORD)
    driver.click("main button", "Create account")
    driver.click("main a", "Skip")


def play(driver: Driver) -> float:
    """Play the video of the page; the seconds it has shown."""
    driver.find("#stage video")
    driver.run(PLAY)
    return until(lambda: at if (at := float(driver.run(POSITION))) > 0.2 else None)


def test_the_way_to_a_remix_in_webkit(webkit: Driver, site: str) -> None:
    sign_up(webkit, site)
    webkit.type("#composer textarea", PROMPT)
    webkit.click("#composer button", "Generate")
    webkit.click(".card[data-state=done] :is(h2, h3) a", PROMPT)
    assert play(webkit) > 0.2
    webkit.type("#remix textarea", "The lantern is blue")
    webkit.click("#remix button", "Remix")
    webkit.find("h1", "The lantern is blue")
    assert play(webkit) > 0.2
    assert webkit.text("[data-part=wallet] strong") == "60"
