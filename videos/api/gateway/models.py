"""/v1/models: the words that an order under /v1 may use as `model`."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from videos.api.gateway.base import GatewayView
from videos.api.gateway.serializers import GatewayModelSerializer, GatewayModelsSerializer
from videos.catalog import offers
from videos.catalog.reading import catalog

# The catalog does not know when a model was made; clients expect a time: 1 October 2025.
CREATED = 1_759_276_800


class ModelNotFound(Exception):
    """The model does not exist here."""

    def __init__(self, word: str) -> None:
        super().__init__(f"The model '{word[:80]}' does not exist.")


class GatewayModelsView(GatewayView):
    """The models that can be ordered, and other words for them."""

    @extend_schema(
        operation_id="gateway_list_models",
        summary="List the models",
        responses={200: GatewayModelsSerializer},
    )
    def get(self, request: Request) -> Response:
        return Response({"object": "list", "data": [_describe(word) for word in _words()]})


class GatewayModelView(GatewayView):
    """One model."""

    @extend_schema(
        operation_id="gateway_get_model",
        summary="Get one model",
        responses={200: GatewayModelSerializer},
    )
    def get(self, request: Request, model_id: str) -> Response:
        if model_id not in _words():
            raise ModelNotFound(model_id)
        return Response(_describe(model_id))


def _words() -> list[str]:
    aliases = [word for word in catalog().aliases if offers.is_available(word)]
    return list(dict.fromkeys([*(model.id for model in offers.offered()), *aliases]))


def _describe(word: str) -> dict[str, Any]:
    return {"id": word, "object": "model", "created": CREATED, "owned_by": "firstlight"}
