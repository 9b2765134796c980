"""The settings of a run, and the limits among them that must hold across all processes."""

WELCOME = 1_000_000
# Limits that hold across all processes.
JOBS_PER_USER, JOBS_OF_ENGINE, TASK_READS = 5, 40, 50
SETTINGS = {
    "DATABASE_PGBOUNCER": "1",
    "EMBEDDED_WORKER": "0",
    "DEFAULT_USER_CREDITS": str(WELCOME),
    "JOBS_PER_USER": str(JOBS_PER_USER),
    "ENGINE_SANDBOX_MAX_JOBS": str(JOBS_OF_ENGINE),
    "RATE_TASKS": f"{TASK_READS}/day",
    "SANDBOX_SPEED": "20",
    "LEASE_SECONDS": "3",
    "LOG_LEVEL": "WARNING",
    "SOCKETS_PER_USER": "20",
    "CIRCUIT_FAILURES": "0",
    "REQUEST_LOG_DAYS": "0",
}
