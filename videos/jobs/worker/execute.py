"""Execute the next step of a claimed video at its engine, without the database."""

import logging
from datetime import timedelta

from django.conf import settings

from config.lib import tracing
from videos.catalog import capabilities
from videos.catalog.entries import Binding
from videos.catalog.reading import catalog
from videos.engines import base
from videos.engines.base import Engine, Job, RenderRequest
from videos.engines.errors import EngineError, Unavailable, Unsupported
from videos.jobs import callbacks
from videos.jobs.engine_choice import circuit_breaker
from videos.media import engine_images, files
from videos.models import Video

log = logging.getLogger(__name__)
Status = Video.Status


# How each step is called in traces; the render itself is one span for all of its polls.
SPANS: dict[str, str] = {
    Status.SUBMITTING: "submit to engine",
    Status.SUBMIT_UNKNOWN: "find at engine",
    Status.DOWNLOADING: "store file",
}


class Overdue:
    """Result: the deadline passed while the order waited, so no step was taken."""


class Cleaned:
    """Result: the files and the job at the engine are deleted."""


Result = Job | list[Job] | files.StoredResult | EngineError | Overdue | Cleaned


def execute(video: Video) -> Result:
    """Take the next step of a claimed video and return its result; never raises."""
    if not (tracing.is_on() and video.traceparent and video.status in SPANS):
        return _take_safely(video)
    name, parent = SPANS[video.status], video.traceparent
    with tracing.span(name, parent, engine=video.engine, video=str(video.pk)) as span:
        result = _take_safely(video)
        if isinstance(result, EngineError):
            tracing.note_error(span, result)
        return result


def _take_safely(video: Video) -> Result:
    try:
        return _take_step(video)
    except EngineError as error:
        return error
    except Exception as error:  # such as a full disk: the video must still end by its deadline
        return explain(f"step of video {video.pk} ({video.status})", error)


def explain(step: str, error: Exception) -> EngineError:
    """The error of a step that failed by a fault of ours; it is logged."""
    log.error("%s failed", step, exc_info=error)
    return Unavailable(repr(error), code=circuit_breaker.OUR_FAULT, maybe_accepted=True)


def _take_step(video: Video) -> Result:
    if not video.is_active:
        return _take_last_step(video)
    engine = base.get(video.engine)
    match video.status:
        case Status.SUBMITTING:
            _check_is_bound(video)
            return engine.submit(render_request(video))
        case Status.SUBMIT_UNKNOWN:
            # The engine's clock may be behind ours.
            since = (video.submitted_at or video.created_at) - timedelta(minutes=2)
            return engine.find(render_request(video), since)
        case Status.RUNNING:
            return engine.fetch(video.engine_job_id)
        case Status.DOWNLOADING:
            return files.fetch_result(engine, video)
        case _:
            return Overdue()


def _take_last_step(video: Video) -> Result:
    """Fetch the result of an ended video again if staff asked for it, else clean up."""
    if video.is_rescue_due:
        return files.fetch_result(_engine_of(video), video)
    _delete_files_and_job(video)
    return Cleaned()


def _engine_of(video: Video) -> Engine:
    """The engine that has the video's job. Raises Unsupported if it is no longer configured."""
    if video.engine not in settings.ENGINES:
        raise Unsupported(f"the engine {video.engine} is not configured")
    return base.get(video.engine)


def _delete_files_and_job(video: Video) -> None:
    if video.deleted_at or video.is_lost:
        files.delete_files(video)
    # An engine that is no longer configured cannot delete its job; our files are deleted anyway.
    if video.engine_job_id and video.engine in settings.ENGINES:
        base.get(video.engine).delete(video.engine_job_id)


def _check_is_bound(video: Video) -> None:
    """Raise Unsupported if the operator has removed what says how the engine makes the model."""
    binding = capabilities.binding_at(video.model, video.engine)
    if binding is None or binding.name_for(video.operation) is None:
        raise Unsupported(f"the catalog does not say how {video.engine} makes {video.model}")


def render_request(video: Video) -> RenderRequest:
    looking = video.status == Status.SUBMIT_UNKNOWN
    binding = capabilities.binding_at(video.model, video.engine) or Binding(engine=video.engine)
    frame = catalog().frame(video.model, video.size)
    first, last = video.first_image, video.last_image
    return RenderRequest(
        token=str(video.pk),
        prompt=video.prompt,
        model=binding.name_for(video.operation) or video.model,
        aspect=frame.aspect,
        seed=video.seed,
        negative_prompt=video.negative_prompt,
        audio=video.audio,
        resolution=frame.resolution,
        fields=binding.fields_for(video.operation),
        size=video.size,
        seconds=video.seconds,
        first_image=engine_images.frame(first, video.size) if first else None,
        last_image=engine_images.frame(last, video.size) if last else None,
        references=tuple(map(engine_images.reference, video.reference_images)),
        source_id=video.remixed.engine_job_id if video.remixed else "",
        callback_url=callbacks.url_of(video),
        callback_job_ids=tuple(
            {callback.engine_job_id for callback in video.engine_callbacks.all()}
        )
        if looking
        else (),
    )
