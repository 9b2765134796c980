"""`python -m tests.tour`: take the screenshots of docs/tour.md again, from the real product."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.e2e.conftest import FLAGS, chromium_binary, served
from tests.tour.pictures import FOLDER
from tests.tour.walk import walk
from tests.tour.work import settings_of


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        served(Path(name), settings_of(Path(name)), "--first-run") as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium_binary(), args=FLAGS)
        walk(browser, url, Path(name))
        browser.close()
    print(f"{sum(each.stat().st_size for each in FOLDER.glob('*.webp')) / 1024:.0f} KB in all")


if __name__ == "__main__":
    main()
