"""psycopg 3."""

import json
import os
import uuid
from decimal import Decimal

import psycopg

pooled = "POOLED" in os.environ
# psycopg prepares at the fifth execution; for a pooler that does not track prepared statements, never.
with psycopg.connect("", prepare_threshold=None if pooled else 0) as db:

    def redeem(code, friend):
        return db.execute("SELECT status, referrer FROM referral.redeem_invite(%s, %s)", [code, friend]).fetchone()

    with db.transaction():
        (referrer,) = db.execute("INSERT INTO users (name) VALUES (%s) RETURNING id", ["referrer"]).fetchone()
    assert isinstance(referrer, uuid.UUID if os.environ["KEY"] == "uuid" else int)
    for n in range(1, 9):
        with db.transaction():
            (code,) = db.execute("SELECT referral.issue_invite(%s)", [referrer]).fetchone()
        with db.transaction():
            (friend,) = db.execute("INSERT INTO users (name) VALUES (%s) RETURNING id", [f"friend {n}"]).fetchone()
            assert redeem("7KQ2-M9XD-4TRWA", friend) == ("malformed_code", None)
            assert redeem("7KQ2-M9XD-4TRW3", friend) == ("unknown_code", None)
            assert redeem(code, friend) == ("redeemed", referrer)
        with db.transaction():
            db.execute("INSERT INTO orders (user_id, total) VALUES (%s, %s)", [friend, Decimal("30.00")])
        with db.transaction():
            (available,) = db.execute("SELECT available FROM referral.balance(%s)", [referrer]).fetchone()
        assert available == 10 * n

    def one(statement, *arguments):
        with db.transaction():
            return db.execute(statement, arguments).fetchone()

    # docs/operations/checkout.md: a card is declined, and the same order is paid again, as another attempt.
    reserve = "SELECT status, authorized FROM referral.authorize_credit(%s, %s, 'USD', %s, valid_for => '30 minutes')"
    assert one(reserve, referrer, Decimal("25.00"), "order 1, attempt 1") == ("authorized", Decimal("25.00"))
    assert one("SELECT status, released FROM referral.void_credit(%s)", "order 1, attempt 1") == ("voided", Decimal("25.00"))
    assert one(reserve, referrer, Decimal("25.00"), "order 1, attempt 1") == ("already_voided", Decimal("0.00"))
    assert one("SELECT status FROM referral.capture_credit(%s)", "order 1, attempt 1") == ("voided",)
    assert one(reserve, referrer, Decimal("25.00"), "order 1, attempt 2") == ("authorized", Decimal("25.00"))
    assert one("SELECT status, captured FROM referral.capture_credit(%s)", "order 1, attempt 2") == ("captured", Decimal("25.00"))
    assert one("SELECT status, captured FROM referral.capture_credit(%s)", "order 1, attempt 2") == ("already_captured", Decimal("25.00"))
    assert one("SELECT status, released FROM referral.release_credit(%s)", "order 1, attempt 2") == ("released", Decimal("25.00"))
    (available,) = one("SELECT available FROM referral.balance(%s)", referrer)
    (plans,) = db.execute("SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0").fetchone()
print(json.dumps({"referrer": str(referrer), "available": str(available), "generic_plans": plans}))
