"""Somebody who uses the product over HTTP, and whose connection may break at any moment."""

import hashlib
from dataclasses import dataclass, field
from itertools import count

import httpx2
from django.test import Client

from accounts.auth import tokens
from accounts.models import Session, User
from accounts.people import signup
from tests.faults.house import House

CSRF = "x" * 32
PRICE = 20
WELCOME = 100
_numbers = count(1)


class Broken(Exception):
    """The connection ended without an answer: whether anything was done is unknown."""


@dataclass
class Person:
    """One user; `accepted` are the ids of the videos whose orders were answered."""

    user: User
    token: str
    http: httpx2.Client
    accepted: list[str] = field(default_factory=list)

    def order(self, prompt: str) -> str:
        """Order a video of 4 seconds; its id. Raises Broken."""
        body = {"prompt": f"{prompt} no. {next(_numbers)} of {self.user.pk}", "seconds": "4"}
        made = self._ask("POST", "/api/videos", json=body)
        assert made.status_code == 201, made.text
        self.accepted.append(made.json()["id"])
        return self.accepted[-1]

    def order_if_served(self, prompt: str) -> None:
        """Order a video, unless the server is gone."""
        try:
            self.order(prompt)
        except Broken:
            pass

    def cancel(self, video: str) -> None:
        """Press Cancel on the video's page. Raises Broken."""
        assert self._ask("POST", f"/v/{video}/cancel/").status_code in {302, 303}

    def delete(self, video: str) -> None:
        """Delete a video. Raises Broken."""
        assert self._ask("DELETE", f"/api/videos/{video}").status_code == 200

    def balance(self) -> int:
        return int(self._ask("GET", "/api/users/credits").json()["credits"])

    def videos(self) -> dict[str, str]:
        """Status by id, as the list shows them."""
        listed = self._ask("GET", "/api/videos").json()["videos"]
        return {video["id"]: video["status"] for video in listed}

    def sha256(self, video: str) -> str:
        """The digest of a video's MP4 as it is served; "" when it is not."""
        served = self._ask("GET", f"/api/videos/{video}/content")
        return hashlib.sha256(served.content).hexdigest() if served.status_code == 200 else ""

    def _ask(self, method: str, path: str, **words: object) -> httpx2.Response:
        try:
            return self.http.request(method, path, **words)  # type: ignore[arg-type]
        except httpx2.TransportError as error:
            raise Broken(path) from error


def newcomer(house: House) -> Person:
    """Open an account in the house's database, which must be the current one, and sign in."""
    user = signup.open_account(f"person{next(_numbers)}", "", None)
    browser = Client()
    browser.force_login(user, "accounts.auth.passwords.PasswordBackend")
    token = tokens.sign_in(user, Session.Grant.PASSWORD).access
    http = httpx2.Client(
        base_url=house.url,
        headers={"Authorization": f"Bearer {token}", "X-CSRFToken": CSRF},
        cookies={"sessionid": browser.cookies["sessionid"].value, "csrftoken": CSRF},
        timeout=30,
        trust_env=False,
        limits=httpx2.Limits(max_keepalive_connections=0),
    )
    return Person(user, token, http)
