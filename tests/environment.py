"""Loaded before the settings are: what tests run with. DATABASE_URL and REDIS_URL pass through."""

import os
import tempfile

os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings",
    ENVIRONMENT="test",
    ENV_FILE=os.devnull,
    DATA_DIR=tempfile.mkdtemp(prefix="firstlight-test-"),
    EMBEDDED_WORKER="0",
    SANDBOX_SPEED="20",
    SANDBOX_DETAIL="draft",
    POLL_SECONDS="0.2",
    POLL_MAX_SECONDS="1",
    LEASE_SECONDS="3",
    LOG_LEVEL="ERROR",
    RATE_AUTH="off",
    RATE_AUTH_FAILURES="off",
    RATE_GENERATE="off",
    RATE_TASKS="off",
    RATE_OTHER="off",
    RATE_ANONYMOUS="off",
    RATE_FORMS="off",
)
