"""The settings under the names of each system's documents, read by a separate process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

READ = """
import json
from config import settings as s
print(json.dumps({name: eval(name, vars(s)) for name in %r}, default=str))
"""


def read_settings(tmp_path: Path, names: list[str], **environment: str) -> dict[str, Any]:
    """Return these settings as a process with this environment reads them."""
    bare = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DATA_DIR": str(tmp_path / "data")}
    ended = subprocess.run(
        [sys.executable, "-c", READ % names],
        cwd=settings.BASE_DIR,
        env={**bare, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_every_name_of_system_a_is_read(tmp_path: Path) -> None:
    environment = {
        "OPENAI_API_KEY": "sk-a",
        "PORT": "3000",
        "JWT_SECRET": "j" * 32,
        "VIDEOS_DIR": str(tmp_path / "videos"),
        "DATABASE_PATH": str(tmp_path / "sora.db"),
        "USERS_FILE": str(tmp_path / "users.json"),
    }
    expected = {
        'ENGINES["openai"]["api_key"]': "sk-a",
        "PORT": 3000,
        "BASE_URL": "http://127.0.0.1:3000",
        "JWT_SECRET": "j" * 32,
        'SIMPLE_JWT["SIGNING_KEY"]': "j" * 32,
        'STORAGES["default"]["OPTIONS"]["location"]': str(tmp_path / "videos"),
        'DATABASES["default"]["NAME"]': str(tmp_path / "sora.db"),
        "USERS_FILE": str(tmp_path / "users.json"),
    }
    assert read_settings(tmp_path, list(expected), **environment) == expected


def test_every_name_of_system_b_is_read(tmp_path: Path) -> None:
    environment = {
        "PORT": "5000",
        "NODE_ENV": "test",
        "DATABASE_URL": "postgresql://me:pw@db.example.com:5432/sora?sslmode=require",
        "OPENAI_API_KEY": "sk-b",
        "OPENAI_BASE_URL": "https://proxy.example.com/v1",
        "OPENAI_MODERATION_MODEL": "omni-moderation-latest",
        "JWT_SECRET": "j" * 32,
        "JWT_EXPIRES_IN": "3d",
        "BACKEND_URL": "https://api.example.com/",
        "FRONTEND_URL": "https://studio.example.com",
    }
    database = 'DATABASES["default"]'
    expected = {
        "PORT": 5000,
        "ENVIRONMENT": "test",
        f'{database}["HOST"]': "db.example.com",
        f'{database}["OPTIONS"]["sslmode"]': "require",
        'ENGINES["openai"]["api_key"]': "sk-b",
        'ENGINES["openai"]["base_url"]': "https://proxy.example.com/v1",
        "MODERATION": "model",
        "MODERATION_MODEL": "omni-moderation-latest",
        "JWT_SECRET": "j" * 32,
        "JWT_PASSWORD_LIFETIME.days": 3,
        "BASE_URL": "https://api.example.com",
        "CORS_ALLOWED_ORIGINS": ["https://studio.example.com"],
    }
    assert read_settings(tmp_path, list(expected), **environment) == expected


def test_every_name_of_system_c_is_read(tmp_path: Path) -> None:
    environment = {
        "API_BASE_URL": "http://localhost:8001",
        "FRONTEND_URL": "https://studio.example.com",
        "ENVIRONMENT": "development",
        "DATABASE_URL": "postgresql+asyncpg://me:pw@db.example.com/sora",
        "REDIS_URL": "redis://cache.example.com:6379/0",
        "JWT_SECRET_KEY": "k" * 32,
        "JWT_ACCESS_TOKEN_EXPIRE_MINUTES": "60",
        "GOOGLE_CLIENT_ID": "id",
        "GOOGLE_CLIENT_SECRET": "secret",
        "STRIPE_SECRET_KEY": "sk_test_1",
        "STRIPE_WEBHOOK_SECRET": "whsec_1",
        "SORA_API_KEY": "sora",
        "SORA_API_BASE_URL": "https://kie.example.com",
        "DEFAULT_USER_CREDITS": "40",
        "CREDIT_VALUE_RMB": "0.25",
    }
    google = 'SOCIALACCOUNT_PROVIDERS["google"]["APPS"]'
    expected = {
        "BASE_URL": "http://localhost:8001",
        "FRONTEND_ORIGINS": ["https://studio.example.com"],
        "ENVIRONMENT": "development",
        'DATABASES["default"]["ENGINE"]': "config.environment.postgresql",
        'DATABASES["default"]["NAME"]': "sora",
        "CELERY_BROKER_URL": "redis://cache.example.com:6379/0",
        "EMBEDDED_WORKER": False,
        "JWT_SECRET": "k" * 32,
        "JWT_ACCESS_LIFETIME.seconds": 3600,
        google: [{"client_id": "id", "secret": "secret"}],
        "STRIPE_SECRET_KEY": "sk_test_1",
        "STRIPE_WEBHOOK_SECRET": "whsec_1",
        "SANDBOX_STRIPE": False,
        'ENGINES["kie"]["api_key"]': "sora",
        'ENGINES["kie"]["base_url"]': "https://kie.example.com",
        "WELCOME_CREDITS": 40,
        "CREDIT_VALUE_RMB": "0.25",
    }
    assert read_settings(tmp_path, list(expected), **environment) == expected


def test_bucket_is_used_when_it_is_configured(tmp_path: Path) -> None:
    environment = {
        "ALIYUN_OSS_BUCKET": "films",
        "ALIYUN_OSS_ACCESS_KEY": "key",
        "ALIYUN_OSS_SECRET_KEY": "secret",
        "ALIYUN_OSS_ENDPOINT": "https://oss.example.com",
        "ALIYUN_OSS_CDN_DOMAIN": "cdn.example.com",
    }
    storage = 'STORAGES["default"]'
    expected = {
        f'{storage}["BACKEND"]': "videos.media.bucket.BucketStorage",
        f'{storage}["OPTIONS"]["bucket_name"]': "films",
        f'{storage}["OPTIONS"]["access_key"]': "key",
        f'{storage}["OPTIONS"]["secret_key"]': "secret",
        f'{storage}["OPTIONS"]["endpoint_url"]': "https://oss.example.com",
        f'{storage}["OPTIONS"]["client_config"].signature_version': "s3v4",
        f'{storage}["OPTIONS"]["client_config"].request_checksum_calculation': "when_required",
        f'{storage}["OPTIONS"]["client_config"].response_checksum_validation': "when_required",
        "CDN_URL": "https://cdn.example.com",
    }
    assert read_settings(tmp_path, list(expected), **environment) == expected


def test_bucket_of_aliyun_is_addressed_and_signed_as_its_server_accepts(tmp_path: Path) -> None:
    environment = {"S3_BUCKET": "films", "S3_ENDPOINT": "oss-cn-hangzhou.aliyuncs.com"}
    options = 'STORAGES["default"]["OPTIONS"]'
    expected = {
        f'{options}["endpoint_url"]': "https://oss-cn-hangzhou.aliyuncs.com",
        f'{options}["client_config"].signature_version': "s3",
        f'{options}["client_config"].s3["addressing_style"]': "virtual",
    }
    assert read_settings(tmp_path, list(expected), **environment) == expected


def test_first_name_wins_when_two_are_set(tmp_path: Path) -> None:
    pairs = {
        "ENVIRONMENT": ("test", "NODE_ENV", "production", "ENVIRONMENT"),
        "JWT_SECRET_KEY": ("1" * 32, "JWT_SECRET", "2" * 32, "JWT_SECRET"),
        "BACKEND_URL": ("https://one", "API_BASE_URL", "https://two", "BASE_URL"),
        "S3_BUCKET": ("one", "ALIYUN_OSS_BUCKET", "two", "S3_BUCKET"),
        "CDN_URL": ("https://one", "ALIYUN_OSS_CDN_DOMAIN", "https://two", "CDN_URL"),
    }
    environment = {name: pair[0] for name, pair in pairs.items()}
    environment |= {pair[1]: pair[2] for pair in pairs.values()}
    expected = {pair[3]: pair[0] for pair in pairs.values()}
    assert read_settings(tmp_path, list(expected), **environment) == expected


def test_environment_wins_when_a_file_sets_the_same_name(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=3001\nSITE_NAME=File\n")
    environment = {"ENV_FILE": str(file), "SITE_NAME": "Environment"}
    assert read_settings(tmp_path, ["PORT", "SITE_NAME"], **environment) == {
        "PORT": 3001,
        "SITE_NAME": "Environment",
    }
    file.write_text("PORT=3002\n")
    assert read_settings(tmp_path, ["PORT"], ENV_FILE=str(file)) == {"PORT": 3002}


def test_folders_and_secrets_are_created_at_the_start(tmp_path: Path) -> None:
    found = read_settings(tmp_path, ["DATA_DIR", "MEDIA_ROOT", "FILE_UPLOAD_TEMP_DIR"])
    data = tmp_path / "data"
    assert found == {
        "DATA_DIR": str(data),
        "MEDIA_ROOT": str(data / "media"),
        "FILE_UPLOAD_TEMP_DIR": str(data / "uploads"),
    }
    assert (data / "uploads").is_dir()
    secrets = {path.name: path.stat().st_mode & 0o777 for path in (data / "secrets").iterdir()}
    assert secrets == {"secret_key": 0o600, "jwt_secret_key": 0o600}
