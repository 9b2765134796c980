"""Every setting, read once from the environment and `.env`; an unreadable value refuses to start.

Several names may stand for one setting, because three documented systems are served by this one:
the first name that is set wins, and `manage.py doctor` prints which one that was.
"""

import os
import re
import secrets
import warnings
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from config.environment import (
    BASE_DIR,
    READINGS,  # noqa: F401 - for the doctor
    env,
    flag,
    listing,
    number,
    span,
    text,
)

# ---- where we are ----
VERSION = "0.1.0"
ENVIRONMENT = text("ENVIRONMENT", "NODE_ENV", default="development")
if ENVIRONMENT not in {"development", "test", "production"}:
    raise ImproperlyConfigured("ENVIRONMENT: expected development, test or production")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = flag("DEBUG", default=False)
DATA_DIR = env("DATA_DIR", default=BASE_DIR / "var", read=Path).resolve()
PORT = number("PORT", default=8000)
BIND = text("BIND", default="127.0.0.1")
# Where this process reaches itself.
LOCAL_URL = f"http://127.0.0.1:{PORT}"
SITE_NAME = text("SITE_NAME", default="Firstlight")
# The address clients reach us at, without a slash at the end.
BASE_URL = text("BACKEND_URL", "API_BASE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
# The other origins a browser may call the API from; the first one is the site's own front.
FRONTEND_ORIGINS = [url.rstrip("/") for url in listing("FRONTEND_URL", default=[BASE_URL])]


def kept_secret(name: str) -> str:
    """The embedded mode's own secret: made at the first start, kept in DATA_DIR, mode 0600."""
    path = DATA_DIR / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # the first of several starting processes wins
        except FileExistsError:
            pass
        draft.unlink()
    return path.read_text()


def secret(*names: str) -> str:
    value = text(*names, secret=True)
    if value:
        return value
    if PRODUCTION:
        raise ImproperlyConfigured(f"{names[0]}: required in production")
    return kept_secret(names[0].lower())


SECRET_KEY = secret("SECRET_KEY")
JWT_SECRET = secret("JWT_SECRET_KEY", "JWT_SECRET")
ALLOWED_HOSTS = listing(
    "ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]", urlsplit(BASE_URL).hostname or "localhost"],
)
CSRF_TRUSTED_ORIGINS = [*FRONTEND_ORIGINS]

# ---- what it is made of ----
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "channels",
    "rest_framework",
    "allauth",
    "allauth.account",
    "config",
    "billing",
    "accounts",
    "videos",
    "showcase",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.headers.middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["django.templatetags.static", "django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "videos.shell.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# ---- the database: one file by default, PostgreSQL by DATABASE_URL ----
SQLITE_OPTIONS: dict[str, Any] = {
    # Without IMMEDIATE two writers that read first fail with "database is locked" at once.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000",
}
DATABASE_PATH = env("DATABASE_PATH", default=DATA_DIR / "firstlight.sqlite3", read=Path)


def read_database_url(value: str) -> dict[str, Any]:
    """A database URL; the `+asyncpg` of another driver is dropped."""
    config: dict[str, Any] = dict(dj_database_url.parse(re.sub(r"^(\w+)\+\w+://", r"\1://", value)))
    if config["ENGINE"].endswith("postgresql"):
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "pool": {"min_size": 0, "max_size": 40}}
    elif config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = SQLITE_OPTIONS
    else:
        raise ValueError("expected postgresql:// or sqlite://")
    return config


DATABASES = {
    "default": env(
        "DATABASE_URL",
        default={
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATABASE_PATH,
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
            "OPTIONS": SQLITE_OPTIONS,
        },
        read=read_database_url,
        secret=True,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---- Redis: absent, everything runs in the one process of `manage.py serve` ----
REDIS_URL = text("REDIS_URL", secret=True)
EMBEDDED_WORKER = flag("EMBEDDED_WORKER", default=not REDIS_URL)
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # channels_redis waits 5 s at a time, which is redis-py's own time-out too.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_timeout": 15}],
            "capacity": 1000,
            "expiry": 30,
        },
    }
    if REDIS_URL
    else {"BACKEND": "config.layer.LocalLayer"}
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
CELERY_BROKER_URL = REDIS_URL or "memory://"

# ---- files ----
MEDIA_ROOT = env("VIDEOS_DIR", default=DATA_DIR / "media", read=Path)
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
S3_BUCKET = text("S3_BUCKET", "ALIYUN_OSS_BUCKET")
S3_OPTIONS = {
    "bucket_name": S3_BUCKET,
    "access_key": text("S3_ACCESS_KEY", "ALIYUN_OSS_ACCESS_KEY", secret=True) or None,
    "secret_key": text("S3_SECRET_KEY", "ALIYUN_OSS_SECRET_KEY", secret=True) or None,
    "endpoint_url": text("S3_ENDPOINT", "ALIYUN_OSS_ENDPOINT") or None,
    "region_name": text("S3_REGION") or None,
    "default_acl": None,
    "file_overwrite": True,
}
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": S3_OPTIONS}
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
WHITENOISE_USE_FINDERS = not PRODUCTION
# A static file is small enough to be read whole.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
# The form part of a request; files are streamed to disk and have limits of their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)

# ---- people ----
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.auth.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.BCryptPasswordHasher",  # hashes imported as bcrypt$$2b$10$...
]
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
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm"}
ACCOUNT_RATE_LIMITS = {"login_failed": "5/15m/key,20/5m/ip"}
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = 0
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
# Password sign-in lives as long as the seed documents of the web clients say, the rest a day.
JWT_PASSWORD_LIFETIME = span("JWT_EXPIRES_IN", default=timedelta(days=7))
JWT_ACCESS_LIFETIME = timedelta(minutes=number("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", default=1440))
JWT_REFRESH_LIFETIME = span("JWT_REFRESH_EXPIRES_IN", default=timedelta(days=30))
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SECRET,
    "ALGORITHM": "HS256",
    "ISSUER": "firstlight",
    "AUDIENCE": "firstlight",
    "USER_ID_CLAIM": "sub",
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# ---- the JSON API ----
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.auth.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["config.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "config.errors.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "NUM_PROXIES": 0,
}

# ---- credits ----
WELCOME_CREDITS = number("DEFAULT_USER_CREDITS", default=100)
BONUS_LIFETIME = timedelta(days=number("BONUS_CREDITS_DAYS", default=30))
PURCHASE_LIFETIME = timedelta(days=number("PURCHASED_CREDITS_DAYS", default=90))
GRACE_LIFETIME = timedelta(days=number("GRACE_CREDITS_DAYS", default=7))

CREDIT_VALUE_RMB = env("CREDIT_VALUE_RMB", default=Decimal("0.1"), read=Decimal)

# ---- Stripe: without a key, a stand-in on this server; never that in production ----
_sandbox_wanted = flag("SANDBOX", default=not PRODUCTION)
STRIPE_SECRET_KEY = text("STRIPE_SECRET_KEY", secret=True)
SANDBOX_STRIPE = _sandbox_wanted and not STRIPE_SECRET_KEY
STRIPE_WEBHOOK_SECRET = text("STRIPE_WEBHOOK_SECRET", secret=True)
STRIPE_API_BASE = text("STRIPE_API_BASE")
if SANDBOX_STRIPE:
    STRIPE_SECRET_KEY = "sk_test_sandbox"  # noqa: S105 - a stand-in's
    STRIPE_WEBHOOK_SECRET = "whsec_sandbox_stripe"  # noqa: S105
    STRIPE_API_BASE = STRIPE_API_BASE or f"{LOCAL_URL}/sandbox/stripe"
SANDBOX_STRIPE_WEBHOOK_URL = text(
    "SANDBOX_STRIPE_WEBHOOK_URL", default=f"{LOCAL_URL}/api/payments/webhook/stripe"
)
STRIPE_LIVE = "_live_" in STRIPE_SECRET_KEY

# ---- the sandbox upstream: the default outside production, never in it ----
SANDBOX = _sandbox_wanted
SANDBOX_DIR = DATA_DIR / "sandbox"
SANDBOX_SPEED = env("SANDBOX_SPEED", default=1.0, read=float)
SANDBOX_DETAIL = text("SANDBOX_DETAIL", default="full")
SANDBOX_MAX_RPM = number("SANDBOX_MAX_RPM", default=0)
SANDBOX_API_KEYS = listing("SANDBOX_API_KEYS", default=["sk-sandbox"])
SANDBOX_WEBHOOK_URL = text("SANDBOX_WEBHOOK_URL", default=f"{LOCAL_URL}/api/webhooks/sandbox")
SANDBOX_WEBHOOK_SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMQ=="  # noqa: S105 - a stand-in's

# ---- upstreams: name -> how to reach it; the first one that offers a model renders it ----
UPSTREAMS: dict[str, dict[str, str]] = {}
_openai_key = text("OPENAI_API_KEY", secret=True)
_openai_url = text("OPENAI_BASE_URL")
if _openai_key or _openai_url:
    UPSTREAMS["openai"] = {
        "adapter": "openai",
        "base_url": _openai_url or "https://api.openai.com/v1",
        "api_key": _openai_key or "none",
        "webhook_secret": text("OPENAI_WEBHOOK_SECRET", secret=True),
        # Other names for our models there, such as "sora-2=wan-2.2, sora-2-pro=wan-2.2-hq".
        "models": text("OPENAI_MODELS"),
    }
if SANDBOX:
    UPSTREAMS["sandbox"] = {
        "adapter": "openai",
        "base_url": text("SANDBOX_URL", default=f"{LOCAL_URL}/sandbox/v1"),
        "api_key": SANDBOX_API_KEYS[0],
        "webhook_secret": SANDBOX_WEBHOOK_SECRET,
        "models": "",
    }

# ---- the public showcase ----
SHOWCASE = flag("SHOWCASE", default=True)
# Where a CDN serves the media storage; "" serves showcase files from here.
CDN_URL = text("CDN_URL", "ALIYUN_OSS_CDN_DOMAIN").rstrip("/")
if CDN_URL and "://" not in CDN_URL:
    CDN_URL = f"https://{CDN_URL}"

# ---- the life of a video ----
POLL_FIRST = timedelta(seconds=env("POLL_SECONDS", default=5.0, read=float))
POLL_SLOWEST = timedelta(seconds=env("POLL_MAX_SECONDS", default=20.0, read=float))
VIDEO_DEADLINE = span("VIDEO_DEADLINE", default=timedelta(minutes=30))
# How long a worker owns a video it has claimed; a dead worker's videos come due after it.
LEASE = timedelta(seconds=env("LEASE_SECONDS", default=15.0, read=float))
# How long an upstream must deny a job before it counts as lost.
MISSING_AFTER = timedelta(seconds=env("MISSING_SECONDS", default=60.0, read=float))
WORKER_THREADS = number("WORKER_THREADS", default=16)
UPLOAD_MAX_BYTES = number("UPLOAD_MAX_MB", default=100) * 1024 * 1024

# ---- words and time ----
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

LOG_LEVEL = text("LOG_LEVEL", default="INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # The access log of the embedded server says the same with less.
        "django.server": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "asyncio": {"level": "WARNING"},
    },
}
