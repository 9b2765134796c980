"""A user of the product over HTTP, whose connection may break at any moment."""

import hashlib
import time
from dataclasses import dataclass, field
from itertools import count

import httpx2
from django.test import Client

from accounts.auth import tokens
from accounts.models import Session, User
from accounts.people import signup
from tests.faults.processes import Deployment

CSRF = "x" * 32
PRICE = 20
WELCOME = 100
# The default model is one of the other engines, which these deployments have too.
AT_SANDBOX = {"model": "sora-2", "seconds": "4"}
_numbers = count(1)


class ConnectionBroken(Exception):
    """The connection ended without an answer; the request may have been executed or not."""


@dataclass
class HttpUser:
    """A user; `accepted` holds the ids of the videos whose orders were answered."""

    account: User
    token: str
    http: httpx2.Client
    accepted: list[str] = field(default_factory=list)

    def order(self, prompt: str, **fields: str) -> str:
        """Order a video, by default of 4 seconds, and return its id. Raises ConnectionBroken."""
        named = f"{prompt} no. {next(_numbers)} of {self.account.pk}"
        body = {"prompt": named, **AT_SANDBOX, **fields}
        made = self._request("POST", "/api/videos", json=body)
        assert made.status_code == 201, made.text
        self.accepted.append(made.json()["id"])
        return self.accepted[-1]

    def order_batch(self, count: int, key: str) -> list[str]:
        """Order `count` videos at once and return their ids. Raises ConnectionBroken."""
        lines = [{"prompt": f"{key} {n} of {self.account.pk}", **AT_SANDBOX} for n in range(count)]
        headers = {"Idempotency-Key": key}
        made = self._request("POST", "/api/videos/batch", json={"videos": lines}, headers=headers)
        assert made.status_code == 201, made.text
        ids = [video["id"] for video in made.json()["videos"]]
        self.accepted += ids
        return ids

    def order_until_accepted(self, prompt: str) -> list[int]:
        """Order under one idempotency key until it is accepted; return the status of each try.

        A connection that broke counts as 0.
        """
        body = {"prompt": f"{prompt} no. {next(_numbers)} of {self.account.pk}", **AT_SANDBOX}
        headers, statuses = {"Idempotency-Key": body["prompt"]}, list[int]()
        while 201 not in statuses:
            assert len(statuses) < 100, statuses
            try:
                made = self._request("POST", "/api/videos", json=body, headers=headers)
                statuses.append(made.status_code)
            except ConnectionBroken:
                statuses.append(0)
            if statuses[-1] == 201:
                self.accepted.append(made.json()["id"])
            else:
                time.sleep(1)
        return statuses

    def try_order(self, prompt: str) -> None:
        """Order a video; ignore a broken connection."""
        try:
            self.order(prompt)
        except ConnectionBroken:
            pass

    def cancel(self, video: str) -> None:
        """Press Cancel on the video's page. Raises ConnectionBroken."""
        assert self._request("POST", f"/v/{video}/cancel/").status_code in {302, 303}

    def delete(self, video: str) -> None:
        """Delete a video. Raises ConnectionBroken."""
        assert self._request("DELETE", f"/api/videos/{video}").status_code == 200

    def balance(self) -> int:
        return int(self._request("GET", "/api/users/credits").json()["credits"])

    def list_status(self) -> int:
        """Ask for the list of videos and return the status of the answer."""
        return self._request("GET", "/api/videos").status_code

    def videos(self) -> dict[str, str]:
        """Return the status of each video by id, as the list shows them."""
        listed = self._request("GET", "/api/videos").json()["videos"]
        return {video["id"]: video["status"] for video in listed}

    def sha256(self, video: str) -> str:
        """Return the digest of the served MP4, or "" when it is not served."""
        served = self._request("GET", f"/api/videos/{video}/content")
        return hashlib.sha256(served.content).hexdigest() if served.status_code == 200 else ""

    def _request(self, method: str, path: str, **words: object) -> httpx2.Response:
        try:
            return self.http.request(method, path, **words)  # type: ignore[arg-type]
        except httpx2.TransportError as error:
            raise ConnectionBroken(path) from error


def create_user(deployment: Deployment) -> HttpUser:
    """Open an account in the deployment's database, which must be the current one, and sign in."""
    user = signup.open_account(f"user{next(_numbers)}", "", None)
    browser = Client()
    browser.force_login(user, "accounts.auth.passwords.PasswordBackend")
    token = tokens.sign_in(user, Session.Grant.PASSWORD).access
    http = httpx2.Client(
        base_url=deployment.url,
        headers={"Authorization": f"Bearer {token}", "X-CSRFToken": CSRF},
        cookies={"sessionid": browser.cookies["sessionid"].value, "csrftoken": CSRF},
        timeout=30,
        trust_env=False,
        limits=httpx2.Limits(max_keepalive_connections=0),
    )
    return HttpUser(user, token, http)
