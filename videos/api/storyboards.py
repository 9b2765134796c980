"""/api/storyboards: plan a film in shots, generate them, and join their takes."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.ledger import credits
from config.lib import idempotency, rate_limits
from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, request_example
from config.lib.api.parsers import StrictJSONParser
from config.lib.api.serializers import validated
from config.lib.web.responses import user_of
from videos import representations
from videos.api import fields
from videos.api.edits import EditSerializer
from videos.api.storyboard_fields import (
    BoardChangeSerializer,
    BoardSerializer,
    BoardsSerializer,
    CreateBoardSerializer,
    FilmSerializer,
    GeneratedSerializer,
    GenerateSerializer,
    NewShotSerializer,
    PricesSerializer,
    ShotChangeSerializer,
)
from videos.editing import representation as edits
from videos.jobs import queue
from videos.media import upload_urls
from videos.models import Shot, Storyboard, Video
from videos.storyboards import boards, film, generation, representation, shots


class BoardView(APIView):
    """What the views of storyboards share."""

    parser_classes = (StrictJSONParser,)

    def find(self, request: Request, board_id: UUID) -> Storyboard:
        if board := boards.find(user_of(request), board_id):
            return board
        raise Http404

    def find_shot(self, request: Request, board_id: UUID, shot_id: UUID) -> Shot:
        if shot := shots.find(self.find(request, board_id), shot_id):
            return shot
        raise Http404

    def answer(self, request: Request, board_id: UUID, status: int = 200) -> Response:
        board = self.find(request, board_id)
        return Response(representation.whole(board, generation.plan(board)), status=status)


class BoardListView(BoardView):
    """The user's storyboards."""

    @extend_schema(
        operation_id="list_storyboards",
        summary="List your storyboards, the last changed first",
        responses={200: BoardsSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = boards.of_user(user_of(request))
        found = [representation.summary(row.board, row.shots) for row in rows]
        return Response({"storyboards": found})

    @extend_schema(
        operation_id="create_storyboard",
        summary="Create a storyboard without shots; at most 100 are kept",
        request=CreateBoardSerializer,
        responses={201: BoardSerializer, **errors(400)},
        examples=request_example({"title": "Harbour", "style": "35 mm, soft light, grain"}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(CreateBoardSerializer, request.data)
        board = boards.create(user_of(request), **asked)
        return self.answer(request, board.pk, 201)


class BoardDetailView(BoardView):
    """One storyboard with its shots."""

    @extend_schema(
        operation_id="get_storyboard",
        summary="Get a storyboard with its shots, takes and prices",
        responses={200: BoardSerializer, **errors(404)},
    )
    def get(self, request: Request, board_id: UUID) -> Response:
        return self.answer(request, board_id)

    @extend_schema(
        operation_id="change_storyboard",
        summary="Change title, style, model or size of a storyboard",
        request=BoardChangeSerializer,
        responses={200: BoardSerializer, **errors(400, 404)},
        examples=request_example({"style": "black and white, long shadows"}),
    )
    def patch(self, request: Request, board_id: UUID) -> Response:
        board = self.find(request, board_id)
        boards.change(board, validated(BoardChangeSerializer, request.data))
        return self.answer(request, board_id)

    @extend_schema(
        operation_id="delete_storyboard",
        summary="Delete a storyboard; its videos stay in the library",
        request=None,
        responses={204: None, **errors(404)},
    )
    def delete(self, request: Request, board_id: UUID) -> Response:
        boards.delete(self.find(request, board_id))
        return Response(status=204)


class ShotListView(BoardView):
    @extend_schema(
        operation_id="add_shot",
        summary="Add a shot at the end of a storyboard",
        request=NewShotSerializer,
        responses={201: BoardSerializer, **errors(400, 404)},
        examples=request_example(
            {"prompt": "The boat passes the lighthouse", "seconds": 4, "continues": True}
        ),
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        board = self.find(request, board_id)
        shots.add(board, _values(request, validated(NewShotSerializer, request.data)))
        return self.answer(request, board_id, 201)


class ShotView(BoardView):
    @extend_schema(
        operation_id="change_shot",
        summary="Change or move a shot, or pick one of its takes",
        request=ShotChangeSerializer,
        responses={200: BoardSerializer, **errors(400, 404)},
        examples=request_example({"position": 1}),
    )
    def patch(self, request: Request, board_id: UUID, shot_id: UUID) -> Response:
        shot = self.find_shot(request, board_id, shot_id)
        asked = validated(ShotChangeSerializer, request.data)
        position, picked = asked.pop("position", None), asked.pop("picked", None)
        shots.edit(shot, _values(request, asked), position, picked)
        return self.answer(request, board_id)

    @extend_schema(
        operation_id="delete_shot",
        summary="Delete a shot; its takes stay in the library",
        request=None,
        responses={204: None, **errors(404)},
    )
    def delete(self, request: Request, board_id: UUID, shot_id: UUID) -> Response:
        shots.delete(self.find_shot(request, board_id, shot_id))
        return Response(status=204)


def _values(request: Request, asked: dict[str, Any]) -> dict[str, Any]:
    """The values of a shot in a validated body. Raises BadImageUrl."""
    if "first_image_url" in asked:
        url = asked.pop("first_image_url")
        found = upload_urls.get_images(user_of(request), [url]) if url else [None]
        asked["first_image"] = found[0]
    if "seconds" in asked:
        asked["seconds"] = asked["seconds"] or 0
    return asked


class GenerateView(BoardView):
    """Order takes of shots, all of them or none; or only say what that would cost."""

    needs_key_and_token = True

    @extend_schema(
        operation_id="generate_storyboard",
        summary="Generate shots of a storyboard: those named, or all without a take",
        parameters=[IDEMPOTENCY_KEY],
        request=GenerateSerializer,
        responses={
            200: PricesSerializer,
            201: GeneratedSerializer,
            **errors(400, 402, 403, 404, 409, 503),
        },
        examples=request_example({"max_credits": 60}),
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        user, board = user_of(request), self.find(request, board_id)
        asked = validated(GenerateSerializer, request.data)
        if asked.pop("dry_run"):
            return Response(self._prices(request, board, asked.get("shots")))
        key = fields.request_key_of(request, asked)
        order = generation.GenerateOrder(
            asked.get("shots"),
            fields.pop_price_terms(asked).max_credits,
            fields.api_key_id_of(request),
        )

        def generate() -> Video:
            count = len(generation.choose(generation.plan(board), order.shot_ids))
            try:
                rate_limits.use("batch", user, count)
            except rate_limits.TooManyAttempts as error:
                raise Throttled(wait=error.wait) from error
            return generation.generate(user, board, order, key)

        outcome = idempotency.run(key, generate)
        videos = generation.videos_of(outcome.result)
        queue.add_positions(videos)
        shown = [representations.library_video(video) for video in videos]
        body = {"videos": shown, "credits": sum(video.credits for video in videos)}
        return Response(body, status=201, headers=outcome.headers)

    def _prices(
        self, request: Request, board: Storyboard, shot_ids: list[UUID] | None
    ) -> dict[str, Any]:
        plan = generation.plan(board)
        chosen = plan.due if shot_ids is None else generation.choose(plan, shot_ids)
        left_out = plan.left_out if shot_ids is None else []
        return representation.prices(chosen, left_out, credits.available(user_of(request)))


class FilmView(BoardView):
    """Join the picked takes into a film; it is made in the background, as an edit."""

    needs_key_and_token = True
    rate = "generate"

    @extend_schema(
        operation_id="make_film",
        summary="Join the picked takes of a storyboard into a film",
        parameters=[IDEMPOTENCY_KEY],
        request=FilmSerializer,
        responses={201: EditSerializer, **errors(400, 402, 403, 404, 409)},
        examples=request_example({"crossfade": 0.5}),
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        user, board = user_of(request), self.find(request, board_id)
        asked = validated(FilmSerializer, request.data or {})
        key = fields.request_key_of(request, asked)
        order = film.FilmOrder(**asked, api_key_id=fields.api_key_id_of(request))
        outcome = idempotency.run(key, partial(film.make, user, board, order, key))
        return Response(edits.edit(outcome.result), status=201, headers=outcome.headers)
