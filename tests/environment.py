"""The environment of the tests, set before the settings load; DATABASE_URL and REDIS_URL stay."""

import gc
import os
import re
import tempfile

# What pytest imports and collects never becomes garbage; to look for it took a fifth of the time.
gc.set_threshold(100_000, 50, 100)

# Each worker of pytest-xdist has a Redis database of its own: some tests empty theirs.
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and (url := os.environ.get("REDIS_URL")):
    os.environ["REDIS_URL"] = re.sub(r"/\d*$", f"/{int(worker[2:]) + 1}", url)

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
    RATE_SIGN_IN="off",
    RATE_AUTH="off",
    RATE_AUTH_FAILURES="off",
    RATE_GENERATE="off",
    RATE_BATCH="off",
    RATE_UPLOAD="off",
    RATE_TASKS="off",
    RATE_EVENTS="off",
    RATE_OTHER="off",
    RATE_ANONYMOUS="off",
    RATE_FORMS="off",
    RATE_VERIFY="off",
    RATE_REVIEWS="off",
    RATE_REVIEW_PASSWORDS="off",
    # Switched on where it is tested: it costs each stored result some milliseconds.
    CONTENT_CREDENTIALS="0",
    JOBS_PER_USER="0",
    CANCELLATIONS_PER_DAY="0",
)
