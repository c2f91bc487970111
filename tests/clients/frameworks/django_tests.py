"""Django's ORM, and the flush that empties the tables after a TransactionTestCase. It takes foreign_keys => false."""

import os
from decimal import Decimal

import django
from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, models, transaction

settings.configure(USE_TZ=True, DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}})
django.setup()


class User(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    code = models.TextField(null=True)

    class Meta:
        app_label, db_table = "shop", "users"


class Order(models.Model):
    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE)
    total = models.DecimalField(max_digits=10, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label, db_table = "shop", "orders"


def fetch(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def flush():
    statements = connection.ops.sql_flush(no_style(), ["users", "orders"], reset_sequences=True, allow_cascade=False)
    connection.ops.execute_sql_flush(statements)


for _ in range(2):
    referrer = User.objects.create(name="referrer")
    fetch("SELECT referral.issue_invite(%s, code => 'SAME', max_redemptions => NULL)", referrer.pk)
    friend = User.objects.create(name="friend", code="SAME")
    assert friend.pk == fetch("SELECT id FROM users WHERE name = 'friend'")
    order = Order.objects.create(user=friend, total=Decimal("30.00"))
    assert order.pk == fetch("SELECT id FROM orders")
    assert fetch("SELECT available FROM referral.balance(%s)", referrer.pk) == 10
    # A TestCase is a transaction that is rolled back.
    with transaction.atomic():
        User.objects.create(name="another", code="SAME")
        transaction.set_rollback(True)
    assert fetch("SELECT count(*) FROM referral.invites_friends") == 1

    # Users go, and the ledger stays as it is.
    order.delete()
    friend.delete()
    flush()
    assert fetch("SELECT count(friend_id) + count(referrer_id) FROM referral.invites_friends") == 0
    assert fetch("SELECT count(*) FROM referral.credits") == 1
    fetch("SELECT referral.reset_program(confirm => %s)", os.environ["PGDATABASE"])
