"""The settings of the server in the browser tests: those of the product with two changes.

Passwords are hashed fast, and browsers cache static files, which both save CPU time.
"""

from config.settings import *  # noqa: F403
from config.settings import PASSWORD_HASHERS as OTHER_HASHERS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *OTHER_HASHERS]
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600
