"""The tables of accounts."""

from accounts.models.api_key import ApiKey, ApiKeyQuerySet
from accounts.models.session import Session
from accounts.models.user import User

__all__ = ["ApiKey", "ApiKeyQuerySet", "Session", "User"]
