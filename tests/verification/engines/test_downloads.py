"""Hosts from which results may be downloaded, as an operator lists them."""

import httpx2
import pytest

from videos.engines.downloads import ForeignHost, ResultStore
from videos.engines.result_streams import Part

LISTED = "*.fal.media, cdn.example:8443"


def store() -> ResultStore:
    return ResultStore(httpx2.Client(), "https://queue.fal.run", LISTED)


@pytest.mark.parametrize(
    "url",
    [
        "https://v3.fal.media/clip.mp4",
        "https://a.b.fal.media:443/clip.mp4",
        "https://cdn.example:8443/clip.mp4",
    ],
)
def test_listed_host_and_hosts_below_a_listed_domain_are_allowed(url: str) -> None:
    store().check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://fal.media/clip.mp4",
        "https://evilfal.media/clip.mp4",
        "https://v3.fal.media.evil.example/clip.mp4",
        "https://v3.fal.media:8443/clip.mp4",
        "http://v3.fal.media/clip.mp4",
        "https://evil.example/v3.fal.media",
        "https://x.cdn.example:8443/clip.mp4",
        "https://*.evil.example/clip.mp4",
    ],
)
def test_other_hosts_are_foreign(url: str) -> None:
    with pytest.raises(ForeignHost):
        store().check(url)
    with pytest.raises(ForeignHost):
        store().open(url, Part(0, 1, 1))
