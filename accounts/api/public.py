"""The base of views that take credentials and therefore need no sign-in."""

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


class PublicView(APIView):
    """A view without sign-in; a wrong credential is answered 401, not 403."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    rate = "auth"

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"
