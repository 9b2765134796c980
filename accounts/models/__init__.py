"""The tables of accounts."""

from accounts.models.api_key import ApiKey, ApiKeyQuerySet
from accounts.models.api_request import ApiRequest
from accounts.models.invitation import Invitation
from accounts.models.session import Session
from accounts.models.user import User

__all__ = ["ApiKey", "ApiKeyQuerySet", "ApiRequest", "Invitation", "Session", "User"]
