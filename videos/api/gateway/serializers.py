"""Answers of /v1, for the OpenAPI document; `videos.representations` builds them."""

from rest_framework import serializers

from videos.representations import LIBRARY_STATUS


class VideoErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class GatewayVideoSerializer(serializers.Serializer):
    """A video in the words of OpenAI's Videos API; times are in unix seconds.

    `metadata` is what the order had; `expires_at` is null for a file that is kept here.
    """

    id = serializers.RegexField(r"^video_[0-9a-f]{32}$")
    object = serializers.ChoiceField(["video"])
    model = serializers.CharField()
    status = serializers.ChoiceField(list(dict.fromkeys(LIBRARY_STATUS.values())))
    progress = serializers.IntegerField(min_value=0, max_value=100)
    prompt = serializers.CharField()
    created_at = serializers.IntegerField()
    completed_at = serializers.IntegerField(allow_null=True)
    expires_at = serializers.IntegerField(allow_null=True)
    size = serializers.CharField()
    seconds = serializers.CharField()
    remixed_from_video_id = serializers.CharField(allow_null=True)
    error = VideoErrorSerializer(allow_null=True)
    metadata = serializers.DictField(child=serializers.CharField())


class GatewayVideosSerializer(serializers.Serializer):
    object = serializers.ChoiceField(["list"])
    data = GatewayVideoSerializer(many=True)  # type: ignore[assignment]
    first_id = serializers.CharField(allow_null=True)
    last_id = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class DeletedVideoSerializer(serializers.Serializer):
    id = serializers.CharField()
    object = serializers.ChoiceField(["video.deleted"])
    deleted = serializers.BooleanField()


class GatewayModelSerializer(serializers.Serializer):
    id = serializers.CharField()
    object = serializers.ChoiceField(["model"])
    created = serializers.IntegerField()
    owned_by = serializers.CharField()


class GatewayModelsSerializer(serializers.Serializer):
    object = serializers.ChoiceField(["list"])
    data = GatewayModelSerializer(many=True)  # type: ignore[assignment]
