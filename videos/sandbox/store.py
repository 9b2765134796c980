"""The store of the sandbox engine: jobs, counters and webhook deliveries."""

from config.lib.sandbox.store import Store

SCHEMA = """
CREATE TABLE job (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    size TEXT NOT NULL,
    seconds TEXT NOT NULL,
    created_at REAL NOT NULL,
    pace REAL NOT NULL,
    completed_at INTEGER,
    render_failed INTEGER NOT NULL DEFAULT 0,
    remixed_from TEXT,
    clip TEXT NOT NULL,
    polls INTEGER NOT NULL DEFAULT 0,
    downloads INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX job_of_key ON job (owner, sequence);
CREATE TABLE prompt_count (
    owner TEXT NOT NULL,
    prompt TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (owner, prompt)
);
CREATE TABLE create_request (owner TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX create_request_of_key ON create_request (owner, at);
CREATE TABLE kie_task (
    job_id TEXT PRIMARY KEY,
    callback_url TEXT NOT NULL,
    param TEXT NOT NULL,
    base TEXT NOT NULL
);
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    type TEXT NOT NULL,
    fault TEXT NOT NULL,
    body TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL
);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
"""
STORE = Store("sandbox.sqlite3", SCHEMA, version=6)
