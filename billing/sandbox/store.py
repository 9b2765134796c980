"""The store of the sandbox Stripe: API objects, timers, deliveries, stored responses and faults."""

from config.lib.sandbox.store import Store

SCHEMA = """
CREATE TABLE object (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    parent TEXT,
    triggers TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL
);
CREATE INDEX object_of_kind ON object (kind, sequence);
CREATE INDEX object_of_parent ON object (parent, kind, sequence);
CREATE TABLE timer (
    id INTEGER PRIMARY KEY,
    due_at REAL NOT NULL,
    step TEXT NOT NULL,
    object_id TEXT NOT NULL
);
CREATE INDEX timer_due ON timer (due_at);
CREATE TABLE delivery (
    event TEXT PRIMARY KEY,
    copies INTEGER NOT NULL DEFAULT 1,
    attempts INTEGER NOT NULL DEFAULT 0,
    response TEXT NOT NULL DEFAULT '',
    due_at REAL
);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE idempotent_response (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE TABLE fault (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    route TEXT NOT NULL,
    kind TEXT NOT NULL
);
CREATE TABLE switch (name TEXT PRIMARY KEY);
"""
STORE = Store("stripe.sqlite3", SCHEMA, version=3)
