"""PostgreSQL only: one function locks an account, and one posts a spend of the usual kind.

ADR 12 says why. The lock is an advisory one besides that of the row: on a row for which many wait,
each of them would follow all its versions. Statements in a function see what was committed before
they began, so what they read after the lock is the present state.
"""

from django.db import migrations

LOCK = """
CREATE FUNCTION billing_lock_account(p_user uuid) RETURNS SETOF billing_account
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_user::text, 0));
  RETURN QUERY SELECT * FROM billing_account WHERE user_id = p_user FOR UPDATE;
END $$
"""
# Posts a spend that leaves credits in the first lot. It writes nothing and returns no row when there
# is no such lot, or when the first lot has expired, or when the key is known.
SPEND = """
CREATE FUNCTION billing_spend(
  p_user uuid, p_amount bigint, p_entry uuid, p_key varchar, p_reference_type varchar,
  p_reference_id varchar, p_description varchar, p_now timestamptz
) RETURNS TABLE (sequence bigint, balance_before bigint, expires_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  account record;
  lot record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_user::text, 0));
  SELECT a.balance, a.last_sequence INTO account
    FROM billing_account a WHERE a.user_id = p_user FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT l.id, l.remaining, l.expires_at INTO lot
    FROM billing_lot l WHERE l.account_id = p_user AND l.remaining > 0
    ORDER BY l.expires_at, l.id LIMIT 1;
  IF NOT FOUND OR lot.remaining <= p_amount OR lot.expires_at <= p_now
    OR EXISTS (SELECT FROM billing_entry e WHERE e.key = p_key) THEN RETURN; END IF;
  INSERT INTO billing_entry (
    id, account_id, sequence, type, amount, balance_before, balance_after, key, reference_type,
    reference_id, description, expires_at, created_at
  ) VALUES (
    p_entry, p_user, account.last_sequence + 1, 'spent', -p_amount, account.balance,
    account.balance - p_amount, p_key, p_reference_type, p_reference_id, p_description,
    lot.expires_at, p_now
  );
  INSERT INTO billing_allocation (entry_id, lot_id, amount) VALUES (p_entry, lot.id, -p_amount);
  UPDATE billing_lot SET remaining = remaining - p_amount WHERE id = lot.id;
  UPDATE billing_account SET balance = balance - p_amount, total_spent = total_spent + p_amount,
    last_sequence = last_sequence + 1 WHERE user_id = p_user;
  RETURN QUERY SELECT account.last_sequence + 1, account.balance, lot.expires_at;
END $$
"""


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(LOCK)
        schema_editor.execute(SPEND)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION billing_spend, billing_lock_account")


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_indexes_of_entries")]
    operations = [migrations.RunPython(create, drop)]
