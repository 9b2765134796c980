"""The product's settings for the browser tests, cheaper in two things that no page shows.

Passwords are hashed fast, and browsers keep the static files between two pages.
"""

from config.settings import *  # noqa: F403
from config.settings import PASSWORD_HASHERS as OTHER_HASHERS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *OTHER_HASHERS]
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600
