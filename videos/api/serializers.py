"""Answers about videos and tasks, as `videos.representations` builds them.

They describe the answers for the OpenAPI document and do not render them: a dict is built several
times faster. The tests hold every answer against this description.
"""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from config.lib.api.serializers import MessageSerializer, PageSerializer
from videos.models import Video
from videos.representations import DETAIL_STATUS, LIBRARY_STATUS, TASK_STATUS


def library_id_field(**kwargs: Any) -> serializers.Field[Any, Any, Any, Any]:
    """An id as `representations.library_id` writes it."""
    if settings.PREFIXED_VIDEO_IDS:
        return serializers.RegexField(r"^video_[0-9a-f]{32}$", **kwargs)
    return serializers.UUIDField(**kwargs)


class RemedySerializer(serializers.Serializer):
    """`field` is the field of the order to change and `value` what to change it to."""

    code = serializers.CharField()
    text = serializers.CharField()
    field = serializers.CharField(allow_null=True)
    value = serializers.JSONField()  # a text, a number or null


class FailureSerializer(serializers.Serializer):
    """`refunded` is the number of credits that were given back."""

    code = serializers.CharField()
    message = serializers.CharField()
    refunded = serializers.IntegerField()
    returned = serializers.CharField()
    remedy = RemedySerializer(allow_null=True)


class MadeWithSerializer(serializers.Serializer):
    """The model that makes the video; `model` of the order may be another word for it."""

    model = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class TakeSerializer(serializers.Serializer):
    """Which of several takes a video is: they were ordered together, from the same prompt."""

    group = serializers.UUIDField(help_text="The same for all takes of one order.")
    number = serializers.IntegerField(help_text="From 1; a retry keeps the number.")
    of = serializers.IntegerField(help_text="How many takes were ordered.")
    picked = serializers.BooleanField(help_text="Whether the owner picked it as the best one.")


class VideoSerializer(serializers.Serializer):
    """The video object with snake_case names; times are in unix seconds. Source: A13, A15, A19."""

    id = library_id_field()
    user_id = serializers.UUIDField()
    openai_video_id = serializers.CharField(allow_null=True)
    title = serializers.CharField(
        help_text="What the owner called it, else the first clause of the prompt; one line."
    )
    tags = serializers.ListField(
        child=serializers.CharField(), help_text="What the owner put on it, in order."
    )
    prompt = serializers.CharField()
    model = serializers.CharField()
    made_with = MadeWithSerializer()
    size = serializers.CharField()
    seconds = serializers.CharField()
    # What the order chose; null is left to the model.
    seed = serializers.IntegerField(allow_null=True)
    negative_prompt = serializers.CharField(allow_null=True)
    audio = serializers.BooleanField(allow_null=True)
    status = serializers.ChoiceField(list(dict.fromkeys(LIBRARY_STATUS.values())))
    progress = serializers.IntegerField(min_value=0, max_value=100)
    # The place among the orders that wait for an engine, from 1; null for a video that does not.
    queue_position = serializers.IntegerField(allow_null=True)
    created_at = serializers.IntegerField()
    completed_at = serializers.IntegerField(allow_null=True)
    file_path = serializers.CharField(allow_null=True)
    thumbnail_path = serializers.CharField(allow_null=True)
    video_url = serializers.CharField(allow_null=True)
    thumbnail_url = serializers.CharField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    failure = FailureSerializer(allow_null=True)
    has_input_reference = serializers.BooleanField()
    has_last_image = serializers.BooleanField()
    has_reference_images = serializers.BooleanField()
    operation = serializers.ChoiceField(
        Video.Operation.values, help_text="What it was made from; `edit` is an edit of `edit_of`."
    )
    remix_of = library_id_field(allow_null=True)
    edit_of = library_id_field(allow_null=True)
    take = TakeSerializer(allow_null=True)
    credits = serializers.IntegerField()
    # Until when the engine keeps the file, in unix seconds; null for a stored file, or if unknown.
    expires_at = serializers.IntegerField(allow_null=True)


class AliasedVideoSerializer(VideoSerializer):
    """The video object with camelCase names beside the others. Source: B16, B22, K6."""

    id = serializers.UUIDField()
    remix_of = serializers.UUIDField(allow_null=True)
    edit_of = serializers.UUIDField(allow_null=True)
    seconds = serializers.IntegerField()  # type: ignore[assignment]
    userId = serializers.UUIDField()  # noqa: N815 - B's own names
    openaiVideoId = serializers.CharField(allow_null=True)  # noqa: N815
    videoUrl = serializers.CharField(allow_null=True)  # noqa: N815
    thumbnailUrl = serializers.CharField(allow_null=True)  # noqa: N815
    createdAt = serializers.DateTimeField()  # noqa: N815
    updatedAt = serializers.DateTimeField()  # noqa: N815


class VideosSerializer(serializers.Serializer):
    videos = VideoSerializer(many=True)
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    total = serializers.IntegerField(
        help_text="How many videos there are; with `q` at most 1000, which means at least so many."
    )
    has_more = serializers.BooleanField()
    first_id = library_id_field(allow_null=True)
    last_id = library_id_field(allow_null=True)


class NewTaskSerializer(serializers.Serializer):
    """`estimated_time` is in seconds. Source: C12."""

    success = serializers.BooleanField()
    task_id = serializers.UUIDField()
    message = serializers.CharField()
    credits_estimated = serializers.IntegerField()
    estimated_time = serializers.IntegerField()


class TaskStateSerializer(serializers.Serializer):
    """Source: C16."""

    task_id = serializers.UUIDField()
    status = serializers.ChoiceField(list(dict.fromkeys(TASK_STATUS.values())))
    progress = serializers.FloatField(min_value=0, max_value=100)
    result_url = serializers.CharField(allow_null=True)
    error_message = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class TaskSerializer(TaskStateSerializer):
    """Source: C18."""

    status = serializers.ChoiceField(list(dict.fromkeys(DETAIL_STATUS.values())))
    user_id = serializers.UUIDField()
    task_type = serializers.ChoiceField(["TEXT_TO_VIDEO", "IMAGE_TO_VIDEO"])


class TasksSerializer(PageSerializer):
    tasks = TaskSerializer(many=True)


class RetriedTaskSerializer(MessageSerializer):
    task_id = serializers.UUIDField()
    original_task_id = serializers.UUIDField()
