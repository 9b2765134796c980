"""/api/prompts: prompts that were saved or used lately, and help with writing one."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import validated
from config.lib.web.responses import user_of
from videos.api import fields
from videos.models import SavedPrompt
from videos.prompts import improvement, saved


class PromptRequestSerializer(serializers.Serializer):
    prompt = fields.prompt_field()


class SavedPromptSerializer(serializers.ModelSerializer[SavedPrompt]):
    prompt = serializers.CharField(source="text")

    class Meta:
        model = SavedPrompt
        fields = ("id", "prompt", "created_at")


class PromptsSerializer(serializers.Serializer):
    """`saved` and `recent` begin with the newest; `improves` says whether a chat model helps."""

    saved = SavedPromptSerializer(many=True)
    recent = serializers.ListField(child=serializers.CharField())
    improves = serializers.BooleanField()


class ChangeSerializer(serializers.Serializer):
    """A piece of the text; pieces that are `gone` stand in the old prompt only."""

    kind = serializers.ChoiceField(["same", "gone", "new"])
    text = serializers.CharField()


class ImprovedPromptSerializer(serializers.Serializer):
    """The model's text, which nobody has ordered, and what differs from the prompt."""

    prompt = serializers.CharField()
    changes = ChangeSerializer(many=True)


class PromptsView(APIView):
    """The user's prompts."""

    @extend_schema(
        operation_id="list_prompts",
        summary="List your saved and your recent prompts",
        responses={200: PromptsSerializer},
    )
    def get(self, request: Request) -> Response:
        user = user_of(request)
        body = {
            "saved": saved.saved_prompts(user),
            "recent": saved.recent_prompts(user),
            "improves": improvement.is_on(),
        }
        return Response(PromptsSerializer(body).data)

    @extend_schema(
        operation_id="save_prompt",
        summary="Save a prompt; one that is saved already is answered again",
        request=PromptRequestSerializer,
        responses={201: SavedPromptSerializer, **errors(400)},
        examples=request_example({"prompt": fields.EXAMPLE_PROMPT}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(PromptRequestSerializer, request.data)
        kept = saved.save(user_of(request), asked["prompt"])
        return Response(SavedPromptSerializer(kept).data, status=201)


class SavedPromptView(APIView):
    """One saved prompt."""

    @extend_schema(
        operation_id="delete_prompt",
        summary="Delete a saved prompt",
        responses={204: None, **errors(404)},
    )
    def delete(self, request: Request, prompt_id: int) -> Response:
        if not saved.delete(user_of(request), prompt_id):
            raise NotFound
        return Response(status=204)


class ImprovePromptView(APIView):
    """A prompt as the operator's chat model would write it."""

    rate = "prompt_help"

    @extend_schema(
        operation_id="improve_prompt",
        summary="Have a chat model improve a prompt; nothing is ordered",
        request=PromptRequestSerializer,
        responses={200: ImprovedPromptSerializer, **errors(400, 404, 503)},
        examples=request_example({"prompt": "A boat"}),
    )
    def post(self, request: Request) -> Response:
        prompt = validated(PromptRequestSerializer, request.data)["prompt"]
        improved = improvement.improve(user_of(request), prompt)
        changes = [
            {"kind": kind, "text": text} for kind, text in improvement.changes(prompt, improved)
        ]
        return Response({"prompt": improved, "changes": changes})
