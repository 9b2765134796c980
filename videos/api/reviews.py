"""/api/videos/{id}/reviews and /api/reviews: links by which others review a video."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import TextField
from config.lib.web.responses import user_of
from videos.api import fields
from videos.editing import previews
from videos.models import ReviewComment, ReviewLink
from videos.models.review import MAX_LABEL
from videos.reviews import comments, links
from videos.reviews.links import LinkOptions


class IsSetField(serializers.BooleanField):
    """Whether another field holds anything."""

    def get_attribute(self, instance: Any) -> bool:
        return bool(super().get_attribute(instance))


class ReviewRequestSerializer(serializers.Serializer):
    """`label` stands in the preview's watermark; `full_file` allows to download the video."""

    label = TextField(max_length=MAX_LABEL)  # type: ignore[assignment]
    days = serializers.IntegerField(
        min_value=links.SHORTEST_DAYS, max_value=links.LONGEST_DAYS, default=links.USUAL_DAYS
    )
    password = TextField(
        max_length=links.LONGEST_PASSWORD, allow_blank=True, trim_whitespace=False, default=""
    )
    full_file = serializers.BooleanField(default=False)


class ReviewCommentSerializer(serializers.ModelSerializer[ReviewComment]):
    """`at` is in seconds, `x` and `y` go from 0, left and top, to 1; null where nobody said."""

    hidden = IsSetField(source="hidden_at")
    resolved = IsSetField(source="resolved_at")

    class Meta:
        model = ReviewComment
        fields = (
            "id", "kind", "name", "text", "at", "x", "y", "hidden", "resolved", "created_at",
        )  # fmt: skip


class ReviewSerializer(serializers.Serializer):
    """`ready` says whether the preview can be watched; `ended` whether the link was ended."""

    id = serializers.UUIDField()
    video_id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]
    url = serializers.SerializerMethodField()
    has_password = IsSetField(source="password")
    full_file = serializers.BooleanField()
    ready = serializers.SerializerMethodField()
    ended = IsSetField(source="ended_at")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_url(self, link: ReviewLink) -> str:
        return f"{settings.BASE_URL}{reverse('review', args=[links.token_of(link)])}"

    def get_ready(self, link: ReviewLink) -> bool:
        return previews.is_ready(link.preview)


class ReviewListSerializer(serializers.Serializer):
    reviews = ReviewSerializer(many=True)


class ReviewWithCommentsSerializer(ReviewSerializer):
    comments = serializers.SerializerMethodField()

    @extend_schema_field(ReviewCommentSerializer(many=True))
    def get_comments(self, link: ReviewLink) -> Any:
        rows = ReviewComment.objects.filter(link=link)
        return ReviewCommentSerializer(rows, many=True).data


class CommentChangeSerializer(serializers.Serializer):
    """What is left out stays as it is."""

    hidden = serializers.BooleanField(required=False)
    resolved = serializers.BooleanField(required=False)


class VideoReviewsView(APIView):
    """The review links of a video."""

    @extend_schema(
        operation_id="list_reviews",
        summary="List the review links of a video, the newest first",
        responses={200: ReviewListSerializer, **errors(404)},
    )
    def get(self, request: Request, video_id: UUID) -> Response:
        video = fields.get_own_video(request, video_id)
        return Response(ReviewListSerializer({"reviews": links.of_video(video)}).data)

    @extend_schema(
        operation_id="create_review",
        summary="Create a link by which people without an account review a video",
        request=ReviewRequestSerializer,
        responses={201: ReviewSerializer, **errors(400, 404)},
        examples=request_example({"label": "Client, first cut", "days": 14}),
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        video = fields.get_own_video(request, video_id)
        asked = validated(ReviewRequestSerializer, request.data)
        return Response(ReviewSerializer(links.create(video, LinkOptions(**asked))).data, 201)


class ReviewView(APIView):
    """One review link, and what was said through it."""

    @extend_schema(
        operation_id="get_review",
        summary="Get a review link with its comments, hidden ones too",
        responses={200: ReviewWithCommentsSerializer, **errors(404)},
    )
    def get(self, request: Request, review_id: UUID) -> Response:
        return Response(ReviewWithCommentsSerializer(_own(request, review_id)).data)

    @extend_schema(
        operation_id="end_review",
        summary="End a review link; what was said stays",
        responses={204: None, **errors(404)},
    )
    def delete(self, request: Request, review_id: UUID) -> Response:
        links.end(_own(request, review_id))
        return Response(status=204)


class ReviewCommentView(APIView):
    """A comment, which its reader hides from other reviewers or marks as dealt with."""

    @extend_schema(
        operation_id="change_review_comment",
        summary="Hide or show a comment, resolve it or open it again",
        request=CommentChangeSerializer,
        responses={200: ReviewCommentSerializer, **errors(404)},
        examples=request_example({"resolved": True}),
    )
    def patch(self, request: Request, review_id: UUID, comment_id: int) -> Response:
        comment = comments.of_link_and_user(user_of(request), review_id, comment_id)
        if comment is None:
            raise Http404
        asked = validated(CommentChangeSerializer, request.data)
        if "hidden" in asked:
            comments.hide(comment, asked["hidden"])
        if "resolved" in asked:
            comments.resolve(comment, asked["resolved"])
        comment.refresh_from_db()
        return Response(ReviewCommentSerializer(comment).data)


def _own(request: Request, review_id: UUID) -> ReviewLink:
    link = links.of_user(user_of(request), review_id)
    if link is None:
        raise Http404
    return link
