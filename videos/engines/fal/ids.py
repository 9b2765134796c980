"""Names at fal: models are paths, and a job's addresses lie below its model's app.

The app is the first two parts of a model's path (three in a namespace), so the id that we store
of a job is fal's request id and the app: "<request id>#<owner>/<name>".
"""

import re
from dataclasses import dataclass

from videos.engines.base import ID_SEPARATOR
from videos.engines.errors import InvalidRequest, NotFound

LONGEST_MODEL = 200
MODEL = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*){1,7}", re.ASCII)
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
NAMESPACES = ("workflows", "comfy")


@dataclass(frozen=True)
class RequestId:
    """A job at fal: its request id, and the app that it was submitted to."""

    request_id: str
    app: str

    def __str__(self) -> str:
        return f"{self.request_id}{ID_SEPARATOR}{self.app}"

    @property
    def path(self) -> str:
        return f"/{self.app}/requests/{self.request_id}"


def check_model(model: str) -> str:
    """Return a model's id. Raises InvalidRequest for one that is no path of fal's."""
    if len(model) > LONGEST_MODEL or not MODEL.fullmatch(model):
        raise InvalidRequest(f"{model[:100]!r} is not the id of a model")
    return model


def app_of(model: str) -> str:
    """The app of a model."""
    parts = model.split("/")
    return "/".join(parts[: 3 if parts[0] in NAMESPACES else 2])


def parse(job_id: str) -> RequestId:
    """Read a stored id. Raises NotFound, because no job has an id in another form."""
    request_id, _, app = job_id.partition(ID_SEPARATOR)
    if len(app) > LONGEST_MODEL or not (REQUEST_ID.fullmatch(request_id) and MODEL.fullmatch(app)):
        raise NotFound("not a job id of this engine")
    return RequestId(request_id, app)


def app_in(url: object, base_url: str, request_id: str) -> str:
    """The app in an address that fal names for a request; "" if it is not below `base_url`."""
    start, end = f"{base_url.rstrip('/')}/", f"/requests/{request_id}"
    if not (isinstance(url, str) and url.startswith(start) and url.endswith(end)):
        return ""
    app = url[len(start) : -len(end)]
    return app if len(app) <= LONGEST_MODEL and MODEL.fullmatch(app) else ""
