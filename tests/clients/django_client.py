"""Django's ORM; our functions by its cursor."""

import json
import os
import uuid
from decimal import Decimal

import django
from django.conf import settings
from django.db import connection, models, transaction

pooled = "POOLED" in os.environ
settings.configure(
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            # As Django's notes on PostgreSQL say: server-side binding and prepared statements are there to be asked
            # for, and a pooler in transaction mode takes no server-side cursors.
            "OPTIONS": {"server_side_binding": True, "prepare_threshold": None if pooled else 0},
            "DISABLE_SERVER_SIDE_CURSORS": pooled,
        }
    },
)
django.setup()


def key():
    if os.environ["KEY"] == "uuid":
        return models.UUIDField(primary_key=True, default=uuid.uuid4)
    return models.BigAutoField(primary_key=True)


class User(models.Model):
    id = key()
    name = models.TextField()

    class Meta:
        app_label, db_table = "shop", "users"


class Order(models.Model):
    id = key()
    user = models.ForeignKey(User, models.CASCADE)
    total = models.DecimalField(max_digits=10, decimal_places=2)
    status = models.TextField(default="paid")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label, db_table = "shop", "orders"


def fetch(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()


def redeem(code, friend):
    return fetch("SELECT status, referrer FROM referral.redeem_invite(%s, %s)", code, friend.pk)


referrer = User.objects.create(name="referrer")
for n in range(1, 9):
    (code,) = fetch("SELECT referral.issue_invite(%s)", referrer.pk)
    with transaction.atomic():
        friend = User.objects.create(name=f"friend {n}")
        assert redeem("7KQ2-M9XD-4TRWA", friend) == ("malformed_code", None)
        assert redeem("7KQ2-M9XD-4TRW3", friend) == ("unknown_code", None)
        assert redeem(code, friend) == ("redeemed", referrer.pk)
    Order(user=friend, total=Decimal("30.00")).save()
    (available,) = fetch("SELECT available FROM referral.balance(%s)", referrer.pk)
    assert available == 10 * n
(plans,) = fetch("SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0")
print(json.dumps({"referrer": str(referrer.pk), "available": str(available), "generic_plans": plans}))
