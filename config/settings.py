"""All settings, read once from the environment and `.env`; a value that cannot be read is an error.

A setting may have several names, because three documented systems named it differently: the first
name that is set is used, and `manage.py doctor` shows which one that is.

This module is long because Django reads its settings from one module, where a reader finds each.
Reading them is in `config.environment`.
"""

import re
import warnings
from datetime import timedelta
from decimal import Decimal
from email.utils import parseaddr
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from config.environment import (
    buckets,
    engines,
    exchange_rates,
    logging,
    monitoring,
    sentry,
    sessions,
    sign_in,
)
from config.environment.databases import SQLITE, caches, channel_layers, read_database_url
from config.environment.env import (
    BASE_DIR,
    READINGS,  # noqa: F401 - for the doctor
    amount,
    duration,
    env,
    flag,
    generated_secret,
    local_host,
    location,
    number,
    rate,
    text,
    text_list,
    writable_folder,
)

# ---- server ----
VERSION = "0.2.0"
ENVIRONMENT = text("ENVIRONMENT", "NODE_ENV", default="development")
if ENVIRONMENT not in {"development", "test", "production"}:
    raise ImproperlyConfigured("ENVIRONMENT: expected development, test or production")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = flag("DEBUG", default=False)
DATA_DIR = writable_folder(
    "DATA_DIR", env("DATA_DIR", default=BASE_DIR / "var", parse=Path).resolve()
)
PORT = number("PORT", default=8000, minimum=1, maximum=65535)
BIND = text("BIND", default="127.0.0.1").strip("[]")
# The URL under which this process can call itself.
LOCAL_URL = f"http://{local_host(BIND)}:{PORT}"
SITE_NAME = text("SITE_NAME", default="Firstlight")
# The public URL of this server, without a slash at the end.
BASE_URL = text("BACKEND_URL", "API_BASE_URL", default=LOCAL_URL).rstrip("/")
# Origins whose pages may call the API from a browser.
FRONTEND_ORIGINS = [url.rstrip("/") for url in text_list("FRONTEND_URL", default=[BASE_URL])]


def secret(*names: str) -> str:
    value = text(*names, secret=True)
    if value:
        return value
    if PRODUCTION:
        raise ImproperlyConfigured(f"{names[0]}: required in production")
    return generated_secret(DATA_DIR / "secrets", names[0].lower())


SECRET_KEY = secret("SECRET_KEY")
JWT_SECRET = secret("JWT_SECRET_KEY", "JWT_SECRET")
ALLOWED_HOSTS = text_list(
    "ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]", urlsplit(BASE_URL).hostname or "localhost"],
)
CSRF_TRUSTED_ORIGINS = [*FRONTEND_ORIGINS]

# ---- apps, middleware and templates ----
INSTALLED_APPS = [
    "config",  # before staticfiles, so that its runserver is used
    "config.apps.StaffAdminConfig",  # django.contrib.admin with our own sign-in
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "channels",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.idp.oidc",
    "config.lib",
    "billing",
    "accounts",
    "videos",
    "showcase",
]
MIDDLEWARE = [
    "config.http.request_id.request_id_middleware",
    # The security headers belong to every answer, also to those of the next ones.
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.http.headers.headers_middleware",
    "config.http.health.probes_middleware",
    "config.http.metrics.metrics_middleware",
    "config.http.tracing.tracing_middleware",
    "config.http.access_log.access_log_middleware",
    "config.http.request_log.request_log_middleware",
    "corsheaders.middleware.CorsMiddleware",  # before whatever refuses a request
    "config.http.methods.methods_middleware",
    "config.http.compression.TextGZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.http.presentation.language.language_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.http.presentation.timezone.timezone_middleware",
    "config.http.viewing.viewing_middleware",
    "config.http.rate_limit_page.RateLimitPageMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
CSRF_FAILURE_VIEW = "config.http.csrf_failure.csrf_failure"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "config.http.presentation.template_loaders.FilesystemLoader",
                        "config.http.presentation.template_loaders.AppDirectoriesLoader",
                    ],
                )
            ],
            "builtins": ["django.templatetags.static", "django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "videos.web.context_processors.shell",
                "config.http.presentation.context_processors.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# ---- database: a SQLite file by default, PostgreSQL with DATABASE_URL ----
DATABASE_PATH = env("DATABASE_PATH", default=DATA_DIR / "firstlight.sqlite3", parse=Path).resolve()
# How many connections to PostgreSQL one process keeps at most.
DATABASE_POOL_SIZE = number("DATABASE_POOL_SIZE", default=20, minimum=1)
# Whether DATABASE_URL leads to a PgBouncer that pools transactions.
DATABASE_PGBOUNCER = flag("DATABASE_PGBOUNCER", default=False)
DATABASES = {
    "default": env(
        "DATABASE_URL",
        default={
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATABASE_PATH,
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
            **SQLITE,
        },
        parse=partial(
            read_database_url, pool_size=DATABASE_POOL_SIZE, pgbouncer=DATABASE_PGBOUNCER
        ),
        secret=True,
    )
}
if DATABASES["default"]["NAME"] == DATABASE_PATH and not DATABASE_PATH.is_relative_to(DATA_DIR):
    writable_folder("DATABASE_PATH", DATABASE_PATH.parent)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---- Redis: without it, `manage.py serve` runs everything in one process ----
REDIS_URL = text("REDIS_URL", secret=True)
EMBEDDED_WORKER = flag("EMBEDDED_WORKER", default=not REDIS_URL)
CHANNEL_LAYERS = channel_layers(REDIS_URL)
CACHES = caches(REDIS_URL)
# Serve Socket.IO clients at /socket.io/, in addition to the WebSocket /ws/videos/.
SOCKETIO = flag("SOCKETIO", default=find_spec("socketio") is not None)
# Serve agents at /mcp, and let them sign in over OAuth.
MCP = flag("MCP", default=True)
CELERY_BROKER_URL = REDIS_URL or "memory://"

# ---- files ----
MEDIA_ROOT = env("VIDEOS_DIR", default=DATA_DIR / "media", parse=Path).resolve()
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "config.http.presentation.stylesheets.StylesheetFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STATIC_ROOT = writable_folder("DATA_DIR", DATA_DIR / "static")
S3_BUCKET = text("S3_BUCKET", "ALIYUN_OSS_BUCKET")
if not (S3_BUCKET or MEDIA_ROOT.is_relative_to(DATA_DIR)):
    writable_folder("VIDEOS_DIR", MEDIA_ROOT)
# The location of the proxy in front that holds MEDIA_ROOT, such as /stored-files/: the proxy sends
# stored files, and answers name them in X-Accel-Redirect.
X_ACCEL_PREFIX = location("X_ACCEL_PREFIX")
# Without this, the files of finished videos stay at their engines and are streamed from there.
KEEP_FILES = flag("KEEP_FILES", default=True)
S3_OPTIONS = buckets.read_options(S3_BUCKET)
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "videos.media.bucket.BucketStorage", "OPTIONS": S3_OPTIONS}
    if S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "base_url": None, "allow_overwrite": True},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# In development a changed static file is served at once.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION
# WhiteNoise streams synchronously; static files are small enough to be read whole.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
# Limits only form fields; files are streamed to disk and have their own limits.
# A field of a form may be an image as data URL, as long as OpenAI's API allows it. Bodies of JSON,
# and all bodies outside of the addresses for uploads, have lower limits of their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 21 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = writable_folder("DATA_DIR", DATA_DIR / "uploads")

# The folder of backups on this machine; staff are told when the newest one, or the last restore
# drill, is older than this.
_backup_dir = text("BACKUP_DIR")
BACKUP_DIR = Path(_backup_dir).resolve() if _backup_dir else None
# What encrypts backups; it is read when a backup is made or restored.
BACKUP_KEY = text("BACKUP_KEY", secret=True)
BACKUP_KEY_FILE = text("BACKUP_KEY_FILE")
# Each backup is sent there too.
BACKUP_S3_BUCKET = text("BACKUP_S3_BUCKET")
BACKUP_S3_OPTIONS = buckets.read_backup_options()
BACKUP_MAX_AGE = duration("BACKUP_MAX_AGE", default=timedelta(days=2))
DRILL_MAX_AGE = duration("DRILL_MAX_AGE", default=timedelta(days=35))

# With less free space on the disk of one of our folders, /health says so.
DISK_FREE_MIN_BYTES = number("DISK_FREE_MIN_MB", default=500) * 1024 * 1024

# ---- stopping: after SIGTERM /readyz is 503 for DRAIN_SECONDS, then running requests may end ----
DRAIN_SECONDS = env("DRAIN_SECONDS", default=5.0 if PRODUCTION else 0.0, parse=float)
SHUTDOWN_SECONDS = number("SHUTDOWN_SECONDS", default=30)

# A file that this process touches every few seconds while it works, for whoever restarts it.
HEARTBEAT_FILE = env("HEARTBEAT_FILE", default=None, parse=Path)

# ---- limits of connections ----
# A client that has not sent the whole header of its request after this long gets 408.
HEADER_SECONDS = env("HEADER_SECONDS", default=20.0, parse=float)
# A client that sends nothing of its body for this long gets 408.
BODY_IDLE_SECONDS = 20.0
# One that sends a part now and then has to reach this rate, else it gets 408 too.
BODY_BYTES_PER_SECOND = 1024
# After a refusal we read on for this long: a client whose connection is closed while it sends would
# not see the answer.
BODY_LINGER_SECONDS = 1.0
# A WebSocket or Socket.IO client must authenticate within this time.
SOCKET_AUTH_SECONDS = 5.0
# Revocations are broadcast at once; a check this often finds those whose message was lost.
SOCKET_RECHECK_SECONDS = 15.0
# How many live connections (WebSocket, Socket.IO, event streams and long polls) one user may have
# in one process; one more is closed with 4429 or answered 429. How fast each socket may send.
SOCKETS_PER_USER = number("SOCKETS_PER_USER", default=10, minimum=1)
SOCKET_MESSAGES_PER_SECOND = number("SOCKET_MESSAGES_PER_SECOND", default=20, minimum=1)
# How many missed events one answer brings, by any transport.
EVENTS_AT_ONCE = 500
# An event stream on which nothing happens gets a comment this often, so that proxies keep it open.
EVENTS_HEARTBEAT_SECONDS = 15.0

# ---- rate limits as (hits, seconds), see config.lib.rate_limits ----
# How many of our proxies a request passes; with 0, X-Forwarded-For is ignored.
TRUSTED_PROXIES = number("TRUSTED_PROXIES", "NUM_PROXIES", default=0)
RATE_SIGN_IN = rate("RATE_SIGN_IN", default="5/15min")
RATE_AUTH = rate("RATE_AUTH", default="5/min")
RATE_AUTH_FAILURES = rate("RATE_AUTH_FAILURES", default="5/15min")
RATE_GENERATE = rate("RATE_GENERATE", default="10/min")
RATE_BATCH = rate("RATE_BATCH", default="100/10min")
RATE_UPLOAD = rate("RATE_UPLOAD", default="30/min")
RATE_TASKS = rate("RATE_TASKS", default="60/min")
RATE_EVENTS = rate("RATE_EVENTS", default="120/min")
RATE_PROMPT_HELP = rate("RATE_PROMPT_HELP", default="50/day")
RATE_OTHER = rate("RATE_OTHER", default="30/min")
RATE_ANONYMOUS = rate("RATE_ANONYMOUS", default="100/15min")
RATE_FORMS = rate("RATE_FORMS", default="10/hour")
RATE_VERIFY = rate("RATE_VERIFY", default="20/10min")
RATE_REVIEWS = rate("RATE_REVIEWS", default="60/hour")
RATE_REVIEW_PASSWORDS = rate("RATE_REVIEW_PASSWORDS", default="10/15min")

# ---- users and authentication ----
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.auth.passwords.PasswordBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "accounts.people.import_users.TruncatingBcryptHasher",  # hashes imported as bcrypt$$2b$10$...
]
# The users.json of system A; new users in it are imported when the server starts.
USERS_FILE = env("USERS_FILE", default=DATA_DIR / "users.json", parse=Path)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "studio"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "accounts.adapters.SocialAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.web.forms.SignupForm",
    "change_password": "accounts.web.forms.ChangedPasswordForm",
    "set_password": "accounts.web.forms.FirstPasswordForm",
    "reset_password_from_key": "accounts.web.forms.NewPasswordForm",
}
# Who may open an account; accounts.people.admission decides with these.
SIGN_UP = sign_in.read_choice("SIGN_UP", "open", "invitation", "closed")
SIGN_UP_DOMAINS = sign_in.read_domains("SIGN_UP_DOMAINS")
# Who makes invitations, how long one is valid, and how many unused ones a user may have; staff have
# no limit.
INVITATIONS_BY = sign_in.read_choice("INVITATIONS_BY", "staff", "users")
INVITATION_LIFETIME = duration("INVITATION_LIFETIME", default=timedelta(days=14))
INVITATIONS_PER_USER = number("INVITATIONS_PER_USER", default=5, minimum=1)
# Signing up does not tell which addresses have accounts; an account then needs a confirmed address.
# Domains mean nothing unless the address is confirmed.
HIDE_REGISTERED_ADDRESSES = flag("HIDE_REGISTERED_ADDRESSES", default=bool(SIGN_UP_DOMAINS))
if SIGN_UP_DOMAINS and not HIDE_REGISTERED_ADDRESSES:
    raise ImproperlyConfigured("SIGN_UP_DOMAINS: needs HIDE_REGISTERED_ADDRESSES=1")
# Google sign-in is off without a client id. The URLs may name another provider of the protocol.
GOOGLE_CLIENT_ID = text("GOOGLE_CLIENT_ID")
GOOGLE_CALLBACK = f"{BASE_URL}/accounts/google/login/callback/"
GOOGLE_REDIRECT_URIS = text_list(
    "GOOGLE_REDIRECT_URIS", "GOOGLE_REDIRECT_URI", default=[GOOGLE_CALLBACK]
)
GOOGLE_AUTHORIZE_URL = text(
    "GOOGLE_AUTHORIZE_URL", default="https://accounts.google.com/o/oauth2/v2/auth"
)
_google_app = {
    "client_id": GOOGLE_CLIENT_ID,
    "secret": text("GOOGLE_CLIENT_SECRET", secret=True),
}
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "google": {
        "APPS": [_google_app] if GOOGLE_CLIENT_ID else [],
        "OAUTH_PKCE_ENABLED": True,
        "SCOPE": ["openid", "email", "profile"],
        "AUTHORIZE_URL": GOOGLE_AUTHORIZE_URL,
        "ACCESS_TOKEN_URL": text("GOOGLE_TOKEN_URL", default="https://oauth2.googleapis.com/token"),
        "IDENTITY_URL": text(
            "GOOGLE_USERINFO_URL", default="https://www.googleapis.com/oauth2/v2/userinfo"
        ),
        "ID_TOKEN_ISSUER": text("GOOGLE_ISSUER", default="https://accounts.google.com"),
    },
    "openid_connect": {
        "APPS": sign_in.read_openid_app(),
        "provider_class": "accounts.auth.openid.Provider",
    },
}
ACCOUNT_RATE_LIMITS = {"login_failed": "5/15m/key,20/5m/ip"}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_TOTP_ISSUER = SITE_NAME
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# A passkey signs in alone: it asks for a fingerprint, a face or a PIN.
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_FORMS = {
    "add_webauthn": "accounts.web.passkeys.AddForm",
    "login_webauthn": "accounts.web.passkeys.SignInForm",
    "authenticate_webauthn": "accounts.web.passkeys.SecondFactorForm",
    "reauthenticate_webauthn": "accounts.web.passkeys.ConfirmForm",
}
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
# Browsers have passkeys for https and for localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
# Accept the code before and after the current one: clocks may differ by 30 seconds.
MFA_TOTP_TOLERANCE = 1
# Staff need a second factor for /admin/.
STAFF_TWO_FACTOR = flag("STAFF_TWO_FACTOR", default=PRODUCTION)
# E-mails are queued, and a worker sends them; without a mail server, to files in DATA_DIR/mail.
EMAIL_HOST = text("EMAIL_HOST")
EMAIL_PORT = number("EMAIL_PORT", default=587)
EMAIL_HOST_USER = text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = text("EMAIL_HOST_PASSWORD", secret=True)
EMAIL_USE_TLS = flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = "config.lib.mail.queue.QueueBackend"
EMAIL_TRANSPORT = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "config.lib.mail.folder.FolderBackend"
)
# How long the log for staff keeps e-mails that were sent, refused or given up.
EMAIL_LOG = timedelta(days=number("EMAIL_LOG_DAYS", default=30, minimum=1))
# Support addresses on the help page.
SUPPORT_EMAIL = text("SUPPORT_EMAIL")
DOCS_URL = text("DOCS_URL")
STATUS_URL = text("STATUS_URL")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = text(
    "DEFAULT_FROM_EMAIL", default=SUPPORT_EMAIL or f"noreply@{urlsplit(BASE_URL).hostname}"
)
# Access tokens of a password sign-in have the lifetime that systems A and B document, all others
# that of system C.
JWT_PASSWORD_LIFETIME = duration("JWT_EXPIRES_IN", default=timedelta(days=7))
JWT_ACCESS_LIFETIME = timedelta(minutes=number("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", default=1440))
JWT_REFRESH_LIFETIME = duration("JWT_REFRESH_EXPIRES_IN", default=timedelta(days=30))
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SECRET,
    "ALGORITHM": "HS256",
    "ISSUER": "firstlight",
    "AUDIENCE": "firstlight",
    "USER_ID_CLAIM": "sub",
}
# OAuth for agents: opaque tokens for /mcp only, so that there is nothing to sign.
IDP_OIDC_ADAPTER = "accounts.auth.oauth_adapter.AgentAdapter"
IDP_OIDC_AUTH_METHODS = ["none"]
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 3600
IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN = int(JWT_REFRESH_LIFETIME.total_seconds())
# Uploads and orders need a token and an API key of the same user, as system C documents.
REQUIRE_API_KEY = flag("REQUIRE_API_KEY", default=False)
# System A's form of ids, `video_` and 32 hex digits, in the answers that its clients read.
PREFIXED_VIDEO_IDS = flag("PREFIXED_VIDEO_IDS", default=False)
# How long tables that grow with use keep what has ended; 0 days: for ever (docs/scaling.md).
# Stripe repeats an event for three days, and staff can have it sent again for thirty.
STRIPE_EVENT_KEPT = timedelta(days=number("STRIPE_EVENT_DAYS", default=400))
if timedelta(0) < STRIPE_EVENT_KEPT < timedelta(days=30):
    raise ImproperlyConfigured("STRIPE_EVENT_DAYS: expected 0, or at least 30")
WEBHOOK_LOG_KEPT = timedelta(days=number("WEBHOOK_LOG_DAYS", default=90))
TIMELINE_KEPT = timedelta(days=number("TIMELINE_DAYS", default=0))
REFUSED_PROMPT_KEPT = timedelta(days=number("REFUSED_PROMPT_DAYS", default=0))
SIGN_IN_KEPT = timedelta(days=number("SIGN_IN_DAYS", default=90, minimum=1))
# Page sessions are rows; with "redis" they are read from copies of them.
SESSION_ENGINE = sessions.engine(text("SESSION_STORE", default="database"), REDIS_URL)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Only a configured proxy is trusted to say that it received the request over HTTPS.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = number("HSTS_SECONDS", default=30 * 24 * 3600 if PRODUCTION else 0)

# How long users see their calls of the API under "Requests"; 0 keeps no such log.
REQUEST_LOG = timedelta(days=number("REQUEST_LOG_DAYS", default=7, maximum=365))

# ---- the JSON API ----
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.auth.authentication.BearerAuthentication",
        "accounts.auth.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["config.lib.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.lib.api.rendering.WholeSecondsRenderer"],
    "DATETIME_FORMAT": None,
    "DEFAULT_SCHEMA_CLASS": "config.api.schema.Schema",
    "VIEW_DESCRIPTION_FUNCTION": "config.api.schema.view_description",
    "EXCEPTION_HANDLER": "config.api.errors.handle_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DEFAULT_THROTTLE_CLASSES": ["config.api.throttling.RateThrottle"],
}

# Pages of these origins may call the API with a token or an API key, never with cookies.
CORS_URLS_REGEX = r"^/(api|v1)/"
CORS_ALLOWED_ORIGINS = FRONTEND_ORIGINS
# The SDKs of OpenAI send these with every call, also from a browser.
OPENAI_SDK_HEADERS = [
    "openai-organization", "openai-project", "x-stainless-arch", "x-stainless-helper-method",
    "x-stainless-lang", "x-stainless-os", "x-stainless-package-version", "x-stainless-poll-helper",
    "x-stainless-retry-count", "x-stainless-runtime", "x-stainless-runtime-version",
    "x-stainless-timeout",
]  # fmt: skip
CORS_ALLOW_HEADERS = [
    *default_headers, "idempotency-key", "last-event-id", "range", "x-api-key", "x-request-id",
    *OPENAI_SDK_HEADERS,
]  # fmt: skip
CORS_EXPOSE_HEADERS = [
    "Accept-Ranges", "Content-Disposition", "Content-Range", "ETag", "Idempotent-Replayed",
    "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "X-Request-ID",
    "openai-poll-after-ms", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests", "x-should-retry",
]  # fmt: skip

SPECTACULAR_SETTINGS = {
    "TITLE": f"{SITE_NAME} API",
    "DESCRIPTION": "Videos from text and images; a video that fails costs nothing.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PATH_CONVERTER_OVERRIDES": {
        "video": {"type": "string", "description": "A UUID, or `video_` and its 32 hex digits."}
    },
    "POSTPROCESSING_HOOKS": ["config.api.schema.complete"],
}

# ---- credits ----
# Without billing there are no prices and no packages, orders cost nothing, and usage is counted.
BILLING = flag("BILLING", default=True)
WELCOME_CREDITS = number("DEFAULT_USER_CREDITS", default=100)
# Whether the welcome credits wait until the user has confirmed the e-mail address.
WELCOME_CREDITS_AFTER_CONFIRMATION = flag("WELCOME_CREDITS_AFTER_CONFIRMATION", default=False)
BONUS_LIFETIME = timedelta(days=number("BONUS_CREDITS_DAYS", default=30))
PURCHASE_LIFETIME = timedelta(days=number("PURCHASED_CREDITS_DAYS", default=90))
GRACE_LIFETIME = timedelta(days=number("GRACE_CREDITS_DAYS", default=7))
# How long before their credits expire users get an e-mail.
EXPIRY_WARNING = timedelta(days=number("EXPIRY_WARNING_DAYS", default=7))

# What a user and an invited friend each earn with the friend's first payment; 0 is none. These
# credits expire like the welcome credits. An inviter earns so often in 30 days.
REFERRAL_CREDITS = number("REFERRAL_CREDITS", default=20, maximum=1_000_000)
REFERRALS_PER_MONTH = number("REFERRALS_PER_MONTH", default=10)

CREDIT_VALUE_RMB = amount("CREDIT_VALUE_RMB", default=Decimal("0.1"))
# What a unit of another currency is worth in CNY, the currency of the value above, and since when.
EXCHANGE_RATES: dict[str, exchange_rates.ExchangeRate] = env(
    "EXCHANGE_RATES", default={}, parse=exchange_rates.read
)

# What receipts say of the seller, and of the tax that prices include.
SELLER_ADDRESS = text("SELLER_ADDRESS")
SELLER_TAX_ID = text("SELLER_TAX_ID")
TAX_NAME = text("TAX_NAME", default="VAT")
TAX_PERCENT = amount("TAX_PERCENT", default=Decimal(0))

# ---- Stripe: without a key the sandbox Stripe, except in production ----
_sandbox_wanted = flag("SANDBOX", default=not PRODUCTION)
STRIPE_SECRET_KEY = text("STRIPE_SECRET_KEY", secret=True)
SANDBOX_STRIPE = _sandbox_wanted and not STRIPE_SECRET_KEY
STRIPE_WEBHOOK_SECRET = text("STRIPE_WEBHOOK_SECRET", secret=True)
STRIPE_API_BASE = text("STRIPE_API_BASE")
if SANDBOX_STRIPE:
    STRIPE_SECRET_KEY = "sk_test_sandbox"  # noqa: S105 - the sandbox's
    STRIPE_WEBHOOK_SECRET = "whsec_sandbox_stripe"  # noqa: S105
    STRIPE_API_BASE = STRIPE_API_BASE or f"{LOCAL_URL}/sandbox/stripe"
SANDBOX_STRIPE_WEBHOOK_URL = text(
    "SANDBOX_STRIPE_WEBHOOK_URL", default=f"{LOCAL_URL}/api/payments/webhook/stripe"
)
# How long a checkout can be paid; Stripe accepts 30 minutes to 24 hours.
CHECKOUT_LIFETIME = timedelta(hours=1)
STRIPE_LIVE = "_live_" in STRIPE_SECRET_KEY

# ---- the sandbox engine: on by default, except in production, where it is never on ----
SANDBOX = _sandbox_wanted
SANDBOX_DIR = DATA_DIR / "sandbox"
SANDBOX_SPEED = env("SANDBOX_SPEED", default=1.0, parse=float)
SANDBOX_DETAIL = text("SANDBOX_DETAIL", default="full")
SANDBOX_MAX_RPM = number("SANDBOX_MAX_RPM", default=0)
SANDBOX_API_KEYS = text_list("SANDBOX_API_KEYS", default=["sk-sandbox"])
SANDBOX_WEBHOOK_URL = text("SANDBOX_WEBHOOK_URL", default=f"{LOCAL_URL}/api/webhooks/sandbox")
SANDBOX_KIE = SANDBOX and flag("SANDBOX_KIE", default=False)
SANDBOX_KIE_SECRET = engines.SANDBOX_KIE_SECRET
SANDBOX_WEBHOOK_SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMQ=="  # noqa: S105 - the sandbox's

# ---- engines: name -> configuration; the first engine that offers a model gets its orders ----
ENGINES = engines.configured(
    LOCAL_URL, SANDBOX_API_KEYS[0], SANDBOX_WEBHOOK_SECRET, sandbox=SANDBOX, sandbox_kie=SANDBOX_KIE
)
# ---- the catalog of models: an operator's file beside the presets, and other words for models ----
CATALOG_FILE = text("CATALOG_FILE")
MODEL_ALIASES: dict[str, str] = env("MODEL_ALIASES", default={}, parse=engines.pairs)
# After this many failed orders in a row an engine gets no orders, at first for CIRCUIT_PAUSE.
CIRCUIT_FAILURES = number("CIRCUIT_FAILURES", default=5)
CIRCUIT_PAUSE = timedelta(seconds=env("CIRCUIT_PAUSE_SECONDS", default=10.0, parse=float))

# ---- the public showcase ----
SHOWCASE = flag("SHOWCASE", default=True)
# The URL of a CDN for the media storage; "" if this server serves the showcase files itself.
CDN_URL = text("CDN_URL", "ALIYUN_OSS_CDN_DOMAIN").rstrip("/")
if CDN_URL and "://" not in CDN_URL:
    CDN_URL = f"https://{CDN_URL}"

# ---- moderation of orders, before credits are charged ----
MODERATION_MODEL = text("OPENAI_MODERATION_MODEL")
MODERATION = text("MODERATION", default="model" if MODERATION_MODEL else "rules")
if MODERATION not in {"off", "rules", "model"}:
    raise ImproperlyConfigured("MODERATION: expected off, rules or model")
MODERATION_MODEL = MODERATION_MODEL or "omni-moderation-latest"
MODERATION_BASE_URL = text(
    "OPENAI_MODERATION_BASE_URL",
    default=ENGINES.get("openai", {}).get("base_url") or "https://api.openai.com/v1",
)
MODERATION_API_KEY = text(
    "OPENAI_MODERATION_API_KEY",
    default=ENGINES.get("openai", {}).get("api_key", ""),
    secret=True,
)
MODERATION_RULES_FILE = text("MODERATION_RULES_FILE")
# Whether orders are blocked or allowed while the moderation model does not answer.
MODERATION_ON_ERROR = text("MODERATION_ON_ERROR", default="block")
if MODERATION_ON_ERROR not in {"block", "allow"}:
    raise ImproperlyConfigured("MODERATION_ON_ERROR: expected block or allow")
# This many rejected prompts within 24 hours pause a user's orders; 0 turns that off.
MODERATION_STRIKES = number("MODERATION_STRIKES", default=10)

# ---- help with prompts: a chat model that speaks OpenAI's protocol; off without its name ----
PROMPT_HELP_MODEL = text("PROMPT_HELP_MODEL")
PROMPT_HELP_BASE_URL = text("PROMPT_HELP_BASE_URL", default="https://api.openai.com/v1")
PROMPT_HELP_API_KEY = text("PROMPT_HELP_API_KEY", secret=True)

# ---- jobs ----
POLL_FIRST = timedelta(seconds=env("POLL_SECONDS", default=5.0, parse=float))
POLL_SLOWEST = timedelta(seconds=env("POLL_MAX_SECONDS", default=20.0, parse=float))
# Leases and deadlines go by the database's clock. Tests that move time switch this off.
USE_DATABASE_CLOCK = True
# How long an order may wait in our queue, how long an engine may render from when it took the job,
# and how long a finished file is fetched.
QUEUE_DEADLINE = duration("QUEUE_DEADLINE", default=timedelta(hours=6))
VIDEO_DEADLINE = duration("VIDEO_DEADLINE", default=timedelta(minutes=30))
RESULT_DEADLINE = duration("RESULT_DEADLINE", default=timedelta(hours=24))
# How long the engine keeps a finished file that could not be fetched, for staff to fetch it again.
RESULT_GRACE = duration("RESULT_GRACE", default=timedelta(hours=24))
# How many videos of one user engines have at once; further orders wait in our queue. 0: any number.
JOBS_PER_USER = number("JOBS_PER_USER", default=20)
# How many videos one batch may order.
BATCH_LINES = number("BATCH_LINES", default=100, minimum=1)
# How many videos that an engine has already taken one user may cancel within 24 hours; the operator
# has paid for them. 0: any number.
CANCELLATIONS_PER_DAY = number("CANCELLATIONS_PER_DAY", default=20)
# How long a worker that has died owns a video or webhook; then another worker may claim it.
LEASE = timedelta(seconds=env("LEASE_SECONDS", default=15.0, parse=float))
# How long an engine must report a job as unknown before the job counts as lost.
MISSING_AFTER = timedelta(seconds=env("MISSING_SECONDS", default=60.0, parse=float))
WORKER_THREADS = number("WORKER_THREADS", default=16, minimum=1)
# A file of an engine that is larger than this is refused.
RESULT_MAX_BYTES = 1024**3
# ---- content credentials: signed facts about the origin of each stored result ----
CONTENT_CREDENTIALS = flag("CONTENT_CREDENTIALS", default=True)
# The certificate chain and the key, as PEM or as paths of files; without them we make our own.
C2PA_CERTIFICATE = text("C2PA_CERTIFICATE")
C2PA_PRIVATE_KEY = text("C2PA_PRIVATE_KEY", secret=True)
# A service that holds the key and signs for us, instead of C2PA_PRIVATE_KEY.
C2PA_SIGNING_URL = text("C2PA_SIGNING_URL")
C2PA_SIGNING_TOKEN = text("C2PA_SIGNING_TOKEN", secret=True)
# A file of certificates in PEM whose signatures /verify/ calls trusted.
C2PA_TRUST_ANCHORS = text("C2PA_TRUST_ANCHORS")
# The content producer in the implicit label of GB 45438-2025; without one there is no such label.
AIGC_PRODUCER = text("AIGC_PRODUCER")
# Whose videos begin with a visible mark: off, always, or regions of users, such as CN,KR.
AI_MARK = text("AI_MARK", default="off")
if not re.fullmatch(r"off|always|[A-Z]{2}(,[A-Z]{2})*", AI_MARK):
    raise ImproperlyConfigured("AI_MARK: expected off, always, or regions such as CN,KR")
# How large a file may be that anybody has checked at /verify/.
VERIFY_MAX_BYTES = number("VERIFY_MAX_MB", default=100, minimum=1) * 1024 * 1024

# How long the signed result_url of a task is valid.
RESULT_URL_LIFETIME = duration("RESULT_URL_LIFETIME", default=timedelta(hours=24))

# ---- edits: made on this machine, each by a process of its own ----
# What an edit costs; without billing nothing does.
EDIT_CREDITS = number("EDIT_CREDITS", default=0, maximum=1_000_000)
# How many processes make edits at once beside each worker, and for one user in all.
EDIT_PROCESSES = number("EDIT_PROCESSES", default=1, minimum=1)
EDITS_PER_USER = number("EDITS_PER_USER", default=1, minimum=1)
# How many edits of one user may wait or run.
EDITS_WAITING = number("EDITS_WAITING", default=20, minimum=1)
# Of a finished edit: its length, the pixels of a frame, its size, and how many videos it joins.
EDIT_MAX_SECONDS = number("EDIT_MAX_SECONDS", default=600, minimum=1)
EDIT_MAX_PIXELS = number("EDIT_MAX_PIXELS", default=4096 * 2304, minimum=4)
EDIT_MAX_BYTES = number("EDIT_MAX_MB", default=1024, minimum=1) * 1024 * 1024
EDIT_MAX_VIDEOS = number("EDIT_MAX_VIDEOS", default=20, minimum=2, maximum=100)
# What its process may use: time by the clock and of the processor, and memory.
EDIT_TIMEOUT = duration("EDIT_TIMEOUT", default=timedelta(minutes=30))
EDIT_CPU = duration("EDIT_CPU", default=timedelta(minutes=60))
EDIT_MEMORY_BYTES = number("EDIT_MEMORY_MB", default=4096, minimum=256) * 1024 * 1024
# How often a worker begins an edit whose worker died or whose disk was full.
EDIT_ATTEMPTS = number("EDIT_ATTEMPTS", default=3, minimum=1)

# ---- exports: other formats of finished videos, made as edits are and within their limits ----
EXPORT_CREDITS = number("EXPORT_CREDITS", default=0, maximum=1_000_000)
# How long the file of an export is kept.
EXPORT_KEPT = duration("EXPORT_KEPT", default=timedelta(days=7))
# How many exports of one user may wait or run.
EXPORTS_WAITING = number("EXPORTS_WAITING", default=100, minimum=1)
# How large a GIF or an animated WebP may be.
EXPORT_ANIMATION_BYTES = number("EXPORT_ANIMATION_MB", default=10, minimum=1) * 1024 * 1024
# Formats that are not offered, by their names in GET /api/exports/formats.
EXPORT_FORMATS_OFF = text_list("EXPORT_FORMATS_OFF", default=[])

# ---- review links ----
# How many links of one video work at once, and how much may be said through each.
REVIEW_LINKS = number("REVIEW_LINKS", default=10, minimum=1)
REVIEW_COMMENTS = number("REVIEW_COMMENTS", default=500, minimum=1, maximum=5000)
# How long comments are collected for one e-mail to the owner.
REVIEW_MAIL_WAIT = duration("REVIEW_MAIL_WAIT", default=timedelta(minutes=5))

# ---- webhooks to clients: only to public addresses, and to the networks named here ----
WEBHOOK_SCHEMES = ["https"] if PRODUCTION else ["https", "http"]
WEBHOOK_PORTS = [
    int(port)
    for port in text_list("WEBHOOK_PORTS", default=["443", "8443"] + ["80"] * (not PRODUCTION))
]
WEBHOOK_ALLOWED_NETWORKS = text_list("WEBHOOK_ALLOWED_NETWORKS", default=[])
# How long connecting to one address, and a whole delivery, may take.
WEBHOOK_CONNECT_SECONDS = number("WEBHOOK_CONNECT_SECONDS", default=3)
WEBHOOK_TIMEOUT = number("WEBHOOK_TIMEOUT_SECONDS", default=10)
# Deliveries under way at once: in each process, and of all processes for one user and to one host.
WEBHOOK_THREADS = number("WEBHOOK_THREADS", default=32, minimum=1)
WEBHOOKS_PER_USER = number("WEBHOOKS_PER_USER", default=4, minimum=1)
WEBHOOKS_PER_HOST = number("WEBHOOKS_PER_HOST", default=8, minimum=1)

# ---- push messages to browsers: the private key, and whom push services may write to ----
VAPID_PRIVATE_KEY = text("VAPID_PRIVATE_KEY", secret=True)
VAPID_CONTACT = text("VAPID_CONTACT", default=parseaddr(DEFAULT_FROM_EMAIL)[1])
PUSH_THREADS = number("PUSH_THREADS", default=4, minimum=1)

# ---- uploads ----
UPLOAD_MAX_BYTES = number("UPLOAD_MAX_MB", default=100) * 1024 * 1024
UPLOAD_MIN_BYTES = 1024
# How much one user may store.
UPLOAD_QUOTA_BYTES = number("UPLOAD_QUOTA_MB", default=2048) * 1024 * 1024
UPLOAD_QUOTA_FILES = number("UPLOAD_QUOTA_FILES", default=500)
# How long an uploaded file that no video uses is kept.
UPLOAD_UNUSED = duration("UPLOAD_UNUSED", default=timedelta(hours=24))

# ---- language, time and logging ----
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("zh-hans", "简体中文"),
    ("zh-hant", "繁體中文"),
    ("ja", "日本語"),
    ("ko", "한국어"),
]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"

LOG_LEVEL = text("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT = text("LOG_FORMAT", default="line")
if LOG_FORMAT not in {"line", "json"}:
    raise ImproperlyConfigured("LOG_FORMAT: expected line or json")
ACCESS_LOG = flag("ACCESS_LOG", default=PRODUCTION)
# ---- monitoring: docs/monitoring.md ----
# Who may read /metrics: whoever sends this token, and these networks. Without both it is off.
METRICS_TOKEN = text("METRICS_TOKEN", secret=True)
METRICS_NETWORKS: tuple[monitoring.Network, ...] = env(
    "METRICS_NETWORKS", default=(), parse=monitoring.read_networks
)
METRICS = bool(METRICS_TOKEN or METRICS_NETWORKS)
# Where a Celery worker or beat answers /metrics; 0 is nowhere.
METRICS_PORT = number("METRICS_PORT", default=0, maximum=65535)
# Whom alerts are e-mailed to: addresses, nobody with "off", or else every superuser; and where they
# are posted as JSON.
ALERT_EMAILS = text_list("ALERT_EMAILS", default=[])
ALERT_WEBHOOK_URL = text("ALERT_WEBHOOK_URL", secret=True)
# An order that waits for longer in our queue is an alert.
ALERT_QUEUE_AGE = duration("ALERT_QUEUE_AGE", default=timedelta(minutes=30))
# Engines and the balance below which each is an alert, in the unit of the engine.
ALERT_ENGINE_BALANCE: dict[str, Decimal] = env(
    "ALERT_ENGINE_BALANCE", default={}, parse=monitoring.read_balances
)
# Traces go to this collector; a share of them, chosen where each begins.
OTLP_ENDPOINT = env("OTEL_EXPORTER_OTLP_ENDPOINT", default="", parse=monitoring.read_endpoint)
OTEL_SHARE = env("OTEL_TRACES_SAMPLER_ARG", default=1.0, parse=sentry.read_share)
OTEL_SERVICE_NAME = text("OTEL_SERVICE_NAME", default="firstlight")
# Errors are reported to this Sentry server, and this share of requests and tasks is timed there.
SENTRY_DSN = env("SENTRY_DSN", default="", parse=sentry.read_dsn, secret=True)
SENTRY_TRACES = env("SENTRY_TRACES", default=0.0, parse=sentry.read_share)
LOGGING = logging.configuration(LOG_LEVEL, LOG_FORMAT)
