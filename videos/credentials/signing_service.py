"""A signing service: it holds the private key, and signs the bytes that we send it.

POST C2PA_SIGNING_URL   Authorization: Bearer C2PA_SIGNING_TOKEN
Content-Type: application/octet-stream   X-Algorithm: es256   the bytes to sign
200, and the raw signature; for ECDSA r and s one after the other (IEEE P1363)
"""

import httpx2
from django.conf import settings

SECONDS = 15
MOST_BYTES = 4096


class ServiceFailed(Exception):
    """The signing service gave no signature; nothing was signed."""


def sign(data: bytes, algorithm: str) -> bytes:
    """Return the signature of the service. Raises ServiceFailed."""
    headers = {"Content-Type": "application/octet-stream", "X-Algorithm": algorithm}
    if settings.C2PA_SIGNING_TOKEN:
        headers["Authorization"] = f"Bearer {settings.C2PA_SIGNING_TOKEN}"
    try:
        answer = httpx2.post(
            settings.C2PA_SIGNING_URL, content=data, headers=headers, timeout=SECONDS
        )
    except httpx2.HTTPError as error:
        raise ServiceFailed(f"the signing service does not answer: {error}") from error
    if answer.status_code != 200 or not 0 < len(answer.content) <= MOST_BYTES:
        raise ServiceFailed(f"the signing service answered {answer.status_code}")
    return answer.content
