"""How long engines keep the files of finished jobs, where their documents say so."""

from datetime import datetime, timedelta

from videos.engines.base import Job

# From the end of the job. fal, Runway, ComfyUI and servers with the Videos API are not listed: an
# account's setting or the server's operator decides, or the job itself says `expires_at`.
KEPT_FOR = {
    "replicate": timedelta(hours=1),
    "gemini": timedelta(hours=48),
    "kie": timedelta(hours=24),
}


def kept_until(adapter: str, job: Job, finished_at: datetime) -> datetime | None:
    """Until when an engine of this kind keeps the file of a finished job; None if unknown."""
    if job.expires_at and job.expires_at > finished_at:
        return job.expires_at
    kept = KEPT_FOR.get(adapter)
    return finished_at + kept if kept else None
