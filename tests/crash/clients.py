"""Eight clients of a shop whose server fails: clients.py DATABASE SEED ROUND SETTINGS ACKNOWLEDGED [ERROR ...]

They work until SIGTERM. A client that loses its connection connects again and repeats its transaction, as an application does that
cannot know whether it was committed: every transaction may be repeated. Each one writes into public.journal what it did, and, when
COMMIT has returned, a line into the file ACKNOWLEDGED: client, number of the transaction, number of the connection.
ERROR: SQLSTATEs that may be met, besides those of locks, deadlocks and servers that go or come.
"""

import os
import random
import signal
import sys
import threading
import traceback
from decimal import Decimal

from pq import Connection, Failed

CLIENTS, REFERRERS = 8, 5
LOCKED = {"40001", "40P01", "55P03"}
SERVER_IS_GONE = {None, "57P01", "57P02", "57P03"}
JOURNAL = "INSERT INTO public.journal VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
CHANGED = ("WITH changed AS ({}), written AS (INSERT INTO public.journal SELECT $1, $2, $3, id, NULL FROM changed ON CONFLICT DO NOTHING) "
           "SELECT count(*) FROM changed")


class Client:
    def __init__(self, room, number):
        self.room, self.number = room, number
        self.rng = random.Random(f"{room.seed}/{room.round}/{number}")
        # Numbers of a round are no other round's. A client buys for its own friends.
        self.seq = self.last_friend = self.last_order = (room.round * 100 + number) * 100_000
        self.friends, self.orders, self.connections, self.session = [], [], 0, None

    def work(self):
        try:
            while not self.room.stop.is_set():
                self.seq += 1
                self.until_done(self.draw())
                self.room.operations += 1
        except Exception:  # noqa: BLE001: whatever it is, the test has failed
            self.room.wrong.append(traceback.format_exc())
            self.room.stop.set()

    def draw(self):
        rng = self.rng
        if not self.friends or len(self.friends) < 2 and rng.random() < 0.5 or rng.random() < 0.05:
            return self.redeem(rng.randint(1, REFERRERS))
        if self.number == 0 and rng.random() < 0.2:
            call = rng.choice(["settle(batch_size => 10)"] * 4 + ["reconcile(batch_size => 10, restart => true)"])
            return lambda: self.session(f"CALL referral.{call}") and None
        kind = rng.choices([self.buy, self.change, self.spend, self.visit], [10, 5, 3, 2])[0]
        return kind()

    def until_done(self, operation):
        """Repeats a transaction for as long as the connection is lost."""
        while not self.room.stop.is_set():
            try:
                if not self.session:
                    self.connect()
                written = operation()
                if written:
                    os.write(self.room.acknowledged, f"{self.number}\t{self.seq}\t{self.connections}\n".encode())
                return
            except Failed as failure:
                if failure.code in SERVER_IS_GONE:
                    self.session = None
                    self.room.stop.wait(0.02)
                else:
                    self.give_up(failure)
                    return

    def give_up(self, failure):
        """Ends a transaction that met what it may meet."""
        if failure.code not in LOCKED | self.room.may_meet:
            raise failure
        try:
            self.session("ROLLBACK")
        except Failed:
            self.session = None
        if failure.code == "23503":  # a friend whose commit was not promised to last
            self.friends.clear()
        self.room.stop.wait(0.02)

    def connect(self):
        self.session = Connection(self.room.database, *self.room.settings)
        self.connections += 1

    def transaction(self, *statements):
        """Runs statements, the last of which writes into the journal. Returns whether it is committed."""
        level = self.rng.choice(["READ COMMITTED"] * 4 + ["REPEATABLE READ"])

        def run():
            self.session(f"BEGIN ISOLATION LEVEL {level}")
            for statement, *values in statements:
                answer = self.session(statement, *values)
                if answer and answer[0][0] in ("insufficient", "0"):  # there was nothing to spend, or to change
                    self.session("ROLLBACK")
                    return False
            self.session("COMMIT")
            return True
        return run

    def wrote(self, what, key, amount=None):
        return JOURNAL, self.number, self.seq, what, key, amount

    def redeem(self, referrer):
        self.last_friend += 1
        friend = self.last_friend
        redeem = self.transaction(
            ("INSERT INTO public.users VALUES ($1) ON CONFLICT DO NOTHING", friend),
            ("SELECT status FROM referral.redeem_invite($1, $2)", f"LINK-{referrer}", friend), self.wrote("redeem", friend))
        return lambda: redeem() and not self.friends.append(friend)

    def buy(self):
        statements = []
        for _ in range(self.rng.choice([1, 1, 1, 3])):
            self.last_order += 1
            order, total = self.last_order, Decimal(self.rng.randint(1, 20000)) / 100
            self.orders.append(order)
            statements += [("INSERT INTO public.orders (id, user_id, total) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                            order, self.rng.choice(self.friends), total), self.wrote("paid", order, total)]
        return self.transaction(*statements)

    def change(self):
        if not self.orders:
            return self.buy()
        order = self.rng.choice(self.orders[-20:])
        what, statement = self.rng.choice([
            ("refunded", "UPDATE public.orders SET status = 'refunded' WHERE id = $4 RETURNING id"),
            ("deleted", "DELETE FROM public.orders WHERE id = $4 RETURNING id")])
        return self.transaction((CHANGED.format(statement), self.number, self.seq, what, order))

    def spend(self):
        # Of the friend's own credit or of a referrer's, for whom others wait.
        user = self.rng.choice(self.friends + [self.rng.randint(1, REFERRERS)])
        amount, reference = Decimal(self.rng.randint(1, 300)) / 100, f"spend {self.seq}"
        # A lock that a purchase cannot have in time would be a failure, for reconcile.
        return self.transaction(
            ("SET LOCAL lock_timeout = '2s'",), ("SELECT status FROM referral.spend_credit($1, $2, 'USD', $3)", user, amount, reference),
            self.wrote("spend", reference, amount))

    def visit(self):
        reference = f"visit {self.seq}"
        return self.transaction(
            ("SELECT referral.record_event('visit', $1, $2)", self.rng.choice(self.friends), reference), self.wrote("visit", reference))


class Room:
    def __init__(self, database, seed, round_number, settings, acknowledged, *may_meet):
        self.database, self.seed, self.round, self.may_meet = database, seed, int(round_number), set(may_meet)
        self.settings = ["SET client_min_messages = error", settings]
        self.acknowledged = os.open(acknowledged, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.stop, self.wrong, self.operations = threading.Event(), [], 0

    def play(self):
        signal.signal(signal.SIGTERM, lambda *_: self.stop.set())
        threads = [threading.Thread(target=Client(self, number).work) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(self.operations)
        for wrong in self.wrong:
            print(wrong, file=sys.stderr)
        return 1 if self.wrong else 0


if __name__ == "__main__":
    sys.exit(Room(*sys.argv[1:]).play())
