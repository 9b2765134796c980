"""The doors that take credentials, and therefore cannot ask for any."""

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


class Public(APIView):
    """A door that needs no sign-in; a wrong credential there is 401, not 403."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    rate = "auth"

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"
