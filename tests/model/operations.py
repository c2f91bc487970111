"""What an application, its support and its DBA do, at random: as SQL, and what the model makes of it."""

from datetime import timedelta
from decimal import Decimal

from ledger import SOURCES, Refused, time

COLUMNS = ["id", "user_id", "total", "refunded", "currency", "status", "bought_at"]
TYPES = dict(zip(COLUMNS, ["bigint", "bigint", "numeric", "numeric", "text", "text", "timestamptz"]))
ROW = ", ".join(COLUMNS)


def read_row(texts):
    """A row of purchases as PostgreSQL writes it."""
    key, user, total, refunded, currency, status, at = texts
    number = lambda text: None if text is None else Decimal(text)
    return dict(zip(COLUMNS, [int(key), user and int(user), number(total), number(refunded), currency, status, time(at)]))


class Operation:
    """`run` does it in a session and returns what was answered; `model` says what has to be answered."""

    weight = 1
    bare = False  # also done outside of a transaction block

    def __init__(self, **values):
        self.values = values
        self.__dict__.update(values)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in self.values.items())})"


class Buy(Operation):
    weight = 24

    @classmethod
    def draw(cls, world, rng):
        source = world.source(rng)
        rows = [world.purchase(rng, source) for _ in range(rng.choice([1, 1, 1, 2, 5]))]
        rows = list({row["id"]: row for row in rows}.values())
        return cls(source=source, rows=rows, upsert=rng.random() < 0.2)

    def run(self, session):
        columns = [[row[c] for row in self.rows] for c in COLUMNS]
        arrays = ", ".join(f"${n}::{TYPES[c]}[]" for n, c in enumerate(COLUMNS, 1))
        upsert = ", ".join(f"{c} = excluded.{c}" for c in COLUMNS[1:])
        conflict = f"ON CONFLICT (id) DO UPDATE SET {upsert}, version = nextval('public.versions')" if self.upsert else ""
        return session(
            f"INSERT INTO public.{self.source} AS t ({ROW}, version) SELECT n.*, nextval('public.versions') FROM unnest({arrays}) n "
            f"{conflict} RETURNING {ROW}, version", *columns)

    def model(self, ledger, answer):
        rows = ledger.rows[self.source]
        if not self.upsert and any(row["id"] in rows for row in self.rows):
            raise Refused("23505")
        if any(row["user_id"] not in ledger.users for row in self.rows):
            raise Refused("23503")
        ledger.change(self.source, [(rows.get(row["id"]), dict(row)) for row in self.rows])


class Change(Operation):
    weight = 20
    seen = True

    @classmethod
    def draw(cls, world, rng):
        source = world.source(rng)
        keys = world.purchases(rng, source, rng.choice([1, 1, 1, 2, 6]))
        like = world.purchase(rng, source)
        column = rng.choice(["status", "status", "status", "refunded", "refunded", "total", "bought_at", "note", "user_id"][:9 if cls.seen else 8])
        value = {"status": rng.choice(["paid", "refunded"]), "refunded": rng.choice([0, 0, *range(5, 60, 5)]),
                 "note": "seen", "user_id": rng.choice([like["user_id"], like["user_id"], None])}.get(column, like.get(column))
        return cls(source=source, keys=keys, column=column, value=Decimal(value) if column == "refunded" else value)

    def run(self, session):
        return session(
            f"UPDATE public.{self.source} SET {self.column} = $1, version = nextval('public.versions') WHERE id = ANY ($2) "
            f"RETURNING {ROW}, version", self.value, self.keys)

    def model(self, ledger, answer):
        rows = ledger.rows[self.source]
        changes = [(rows[key], {**rows[key], self.column: self.value}) for key in self.keys if key in rows]
        if changes and self.column == "user_id" and self.value is not None and self.value not in ledger.users:
            raise Refused("23503")
        ledger.change(self.source, changes, seen=self.seen)


class ChangeUnseen(Change):
    """As a replica would write it: no trigger fires, not even for a foreign key."""

    weight = 1
    seen = False

    def run(self, session):
        session("SET LOCAL session_replication_role = replica")
        answer = super().run(session)
        session("SET LOCAL session_replication_role = origin")
        return answer


class Rename(Operation):
    """The same purchase under another id."""

    @classmethod
    def draw(cls, world, rng):
        source = world.source(rng)
        return cls(source=source, old=world.purchases(rng, source, 1), new=world.purchase(rng, source)["id"])

    def run(self, session):
        return session(
            f"UPDATE public.{self.source} SET id = $1, version = nextval('public.versions') WHERE id = ANY ($2) "
            f"RETURNING {ROW}, version", self.new, self.old)

    def model(self, ledger, answer):
        rows = ledger.rows[self.source]
        old = [rows[key] for key in self.old if key in rows]
        if old and self.new in rows and self.old != [self.new]:
            raise Refused("23505")
        ledger.change(self.source, [(row, {**row, "id": self.new}) for row in old], renamed=self.old)


class Delete(Operation):
    weight = 4

    @classmethod
    def draw(cls, world, rng):
        source = world.source(rng)
        return cls(source=source, keys=world.purchases(rng, source, rng.choice([1, 1, 3]), own=True))

    def run(self, session):
        return session(f"DELETE FROM public.{self.source} WHERE id = ANY ($1) RETURNING id, nextval('public.versions')", self.keys)

    def model(self, ledger, answer):
        rows = ledger.rows[self.source]
        ledger.change(self.source, [(rows[key], None) for key in self.keys if key in rows])


class Redeem(Operation):
    weight = 12

    @classmethod
    def draw(cls, world, rng):
        as_of = rng.choice([None, *[world.day - timedelta(days=rng.randint(1, 100), hours=-7)] * 4])
        return cls(friend=world.user(rng), code=world.code(rng), as_of=as_of)

    def run(self, session):
        return session("SELECT * FROM referral.redeem_invite($1, $2, $3)", self.code.lower(), self.friend, self.as_of)

    def model(self, ledger, answer):
        number = answer and answer[0][2] and int(answer[0][2])
        status, referrer = ledger.redeem(self.friend, self.code, self.as_of, number)
        return [(status, referrer, number)]


class Reassign(Operation):
    weight = 2

    @classmethod
    def draw(cls, world, rng):
        return cls(friend=world.user(rng), code=world.code(rng))

    def run(self, session):
        return session("SELECT status, referrer FROM referral.reassign_referral($1, $2, 'a mistake')", self.friend, self.code)

    def model(self, ledger, answer):
        return [ledger.reassign(self.friend, self.code)]


class Revoke(Operation):
    weight = 0.3

    @classmethod
    def draw(cls, world, rng):
        return cls(code=world.code(rng))

    def run(self, session):
        return session("SELECT referral.revoke_invite($1)", self.code)

    def model(self, ledger, answer):
        return [("t" if ledger.revoke(self.code) else "f",)]


class Settle(Operation):
    weight = 7
    bare = True

    @classmethod
    def draw(cls, world, rng):
        days = rng.choice([None] * 6 + [-20, -10, -3, -1, 1, 5, 12])
        as_of = days and world.day + timedelta(days=days, hours=7)
        program = rng.choice([None] * 4 + ["default", "capped", "tiered", "budget", "no debt"])
        return cls(as_of=as_of, program=program, batch=rng.choice([None, 10000, 10000, 1, 3]))

    def run(self, session):
        if self.batch is None:
            return session("SELECT referral.settle_at_once($1, $2)", self.as_of, self.program)
        return session("CALL referral.settle($1, $2, $3)", self.as_of, self.program, self.batch)

    def model(self, ledger, answer):
        settled = ledger.settle(self.as_of, ledger.program_names.get(self.program), self.batch or 50_000)
        return [(settled,)] if self.batch is None else []


class Spend(Operation):
    weight = 10
    reserve = False

    @classmethod
    def draw(cls, world, rng):
        again = world.spend_again(rng) if rng.random() < 0.15 else None
        if again:
            return again
        unit = rng.choice(["USD", "USD", "points"])
        amount = world.amount(rng, unit, 20 if unit == "USD" else 300)
        values = {"user": world.user(rng), "amount": amount, "unit": unit, "partial": rng.random() < 0.4}
        if cls.reserve:
            values["valid_for"] = rng.choice([None, "1 microsecond", "1 day", "4 days"])
        values["reference"] = world.reference(rng)
        return world.remember(cls(**values))

    def run(self, session):
        if self.reserve:
            return session("SELECT * FROM referral.authorize_credit($1, $2, $3, $4, $5, $6)", self.user, self.amount, self.unit,
                           self.reference, self.partial, self.valid_for)
        return session("SELECT * FROM referral.spend_credit($1, $2, $3, $4, $5)", self.user, self.amount, self.unit, self.reference,
                       self.partial)

    def model(self, ledger, answer):
        valid_for = self.valid_for if self.reserve else None
        return [ledger.spend(self.user, self.amount, self.unit, self.reference, self.partial, self.reserve, valid_for)]


class Authorize(Spend):
    weight = 5
    reserve = True


class Capture(Operation):
    weight = 4

    @classmethod
    def draw(cls, world, rng):
        return cls(reference=world.known_reference(rng), amount=rng.choice([None, world.amount(rng, "points", 10)]))

    def run(self, session):
        return session("SELECT * FROM referral.capture_credit($1, $2)", self.reference, self.amount)

    def model(self, ledger, answer):
        return [ledger.capture(self.reference, self.amount)]


class Void(Operation):
    weight = 2

    @classmethod
    def draw(cls, world, rng):
        return cls(reference=world.known_reference(rng))

    def run(self, session):
        return session("SELECT * FROM referral.void_credit($1)", self.reference)

    def model(self, ledger, answer):
        return [ledger.void(self.reference)]


class Release(Operation):
    weight = 5

    @classmethod
    def draw(cls, world, rng):
        amount = rng.choice([None, world.amount(rng, rng.choice(["USD", "points"]), 8)])
        own = rng.choice([None, f"back {rng.randint(1, 40)}"])
        return cls(reference=world.known_reference(rng), amount=amount, own=own)

    def run(self, session):
        return session("SELECT * FROM referral.release_credit($1, $2, $3)", self.reference, self.amount, self.own)

    def model(self, ledger, answer):
        return [ledger.release(self.reference, self.amount, self.own)]


class Adjust(Operation):
    weight = 3

    @classmethod
    def draw(cls, world, rng):
        unit = rng.choice(["USD", "points"])
        amount = world.amount(rng, unit, 15) * rng.choice([1, 1, -1])
        return cls(user=world.user(rng), amount=amount, unit=unit, expires_in=rng.choice([None, None, "3 days", "30 days"]))

    def run(self, session):
        session("SELECT referral.adjust_credit($1, $2, $3, 'a kindness', $4)", self.user, self.amount, self.unit, self.expires_in)
        return []

    def model(self, ledger, answer):
        ledger.adjust(self.user, self.amount, self.unit, self.expires_in)
        return []


class Ask(Operation):
    """What balance says can be used, and what a spend finds, which settles first all but budgets. They are the same unless
    there is something that only settlement tells: a limit to be applied, what has expired before it was settled, a refund
    that may not be owed, what was written off, a reservation that has lapsed."""

    weight = 5

    @classmethod
    def draw(cls, world, rng):
        return cls(user=world.user(rng), unit=rng.choice(["USD", "points"]), reference=f"ask {rng.random()}")

    def run(self, session):
        said = session(
            "SELECT available, pending + available - (earned + reversed + limited + spent + expired + adjusted + written_off) "
            "FROM referral.balance($1) WHERE unit = $2", self.user, self.unit)
        undecided = session.one(
            "SELECT EXISTS (SELECT FROM referral.pending w JOIN referral.invites_friends USING (invites_friends_id) "
            "               JOIN referral.programs p USING (program_id) LEFT JOIN referral.goal_versions g USING (goal_id) "
            "               WHERE w.beneficiary_id = $1 AND w.unit = $2 AND w.available_at <= now() "
            "               AND (w.undecided AND g.rule #> '{limits,budget}' IS NULL OR w.amount < 0 AND NOT p.allow_debt OR w.expires_at <= now())) "
            "    OR EXISTS (SELECT FROM referral.balances WHERE beneficiary_id = $1 AND unit = $2 AND written_off <> 0) "
            "    OR EXISTS (SELECT FROM referral.spends WHERE beneficiary_id = $1 AND state = 'authorized' AND expires_at <= now())",
            self.user, self.unit)
        found = session("SELECT status, available FROM referral.spend_credit($1, 1000000, $2, $3)", self.user, self.unit, self.reference)
        return [*found, said[0] if said else ("0", "0"), undecided]

    def model(self, ledger, answer):
        status, _, available = ledger.spend(self.user, Decimal(1000000), self.unit, self.reference, False)
        said = answer[1] if len(answer) == 3 else None
        if said and answer[2] == "f":
            said = (available, 0)
        return [(status, available), said, answer and answer[2]]


class UserArrives(Operation):
    weight = 0.7

    @classmethod
    def draw(cls, world, rng):
        return cls(user=world.new_user(rng))

    def run(self, session):
        session("SELECT public.user_arrives($1)", self.user)
        return []

    def model(self, ledger, answer):
        ledger.user_arrives(self.user)
        return []


class UserGoes(Operation):
    weight = 0.7

    @classmethod
    def draw(cls, world, rng):
        return cls(user=world.user(rng))

    def run(self, session):
        session("DELETE FROM public.users WHERE id = $1", self.user)
        return []

    def model(self, ledger, answer):
        ledger.user_goes(self.user)
        return []


class Reconcile(Operation):
    weight = 0.7
    bare = True

    @classmethod
    def draw(cls, world, rng):
        return cls(source=rng.choice([None, *SOURCES]), batch=rng.choice([2, 1000]))

    def run(self, session):
        return session("CALL referral.reconcile($1, $2, true)", self.source, self.batch)

    def model(self, ledger, answer):
        for source in [self.source] if self.source else SOURCES:
            ledger.evaluate(source, list(ledger.referrals))
            for (n, about), at in list(ledger.failures.items()):
                if about == source and at < ledger.now and ledger.referrals[n].friend is None:
                    del ledger.failures[n, about]
        return []


class Reevaluate(Operation):
    @classmethod
    def draw(cls, world, rng):
        return cls(user=world.user(rng))

    def run(self, session):
        return session("SELECT referral.reevaluate($1)", self.user)

    def model(self, ledger, answer):
        mine = [number for number, referral in ledger.referrals.items() if referral.friend == self.user]
        for source in SOURCES:
            ledger.evaluate(source, mine)
        failed = sum(number in mine for number, _ in ledger.failures)
        return [(max(failed, int(answer[0][0])) if failed and answer else failed,)]  # several purchases may be wrong


ALL = [Buy, Change, ChangeUnseen, Rename, Delete, Redeem, Reassign, Revoke, Settle, Spend, Authorize, Capture, Void, Release, Adjust,
       Ask, UserArrives, UserGoes, Reconcile, Reevaluate]
LEVELS = ["READ COMMITTED"] * 3 + ["REPEATABLE READ", "SERIALIZABLE"]


class World:
    """What those who act know of each other, which may be out of date: the ids that they choose themselves."""

    def __init__(self, day, bad_amounts=True):
        self.day, self.bad_amounts = day, bad_amounts
        self.users, self.last_user, self.first_key = list(range(1, 21)), 20, 0
        self.keys = {source: [] for source in SOURCES}
        self.own = self.keys
        self.references, self.last_reference, self.name = [], 0, ""

    def worker(self, number):
        """The same world to somebody who chooses ids of his own, and alone deletes what he bought."""
        mine = World.__new__(World)
        mine.__dict__.update(self.__dict__)
        mine.name, mine.first_key = f"worker {number} ", number * 1_000_000
        mine.last_user += number * 1000
        mine.own = {source: [] for source in SOURCES}
        return mine

    def source(self, rng):
        return rng.choice(["orders", "orders", "bookings"])

    def user(self, rng):
        return rng.choice(self.users)

    def new_user(self, rng):
        self.last_user += 1
        self.users.append(self.last_user)
        if len(self.users) > 24:
            self.users.pop(0)
        return self.last_user

    def code(self, rng):
        return f"{rng.choice(['LINK', 'LINK', 'LINK', 'TWICE'])}-{self.user(rng)}-{rng.randint(1, 5)}"

    def amount(self, rng, unit, most):
        cents = rng.randint(1, most * 100)
        if unit == "USD":
            return Decimal(cents) / (100 if rng.random() < 0.98 else 1000)
        return Decimal(cents // 100 + 1)

    def purchase(self, rng, source):
        """A new one, or a deleted one that comes back."""
        if self.own[source] and rng.random() < 0.05:
            key = rng.choice(self.own[source])
        else:
            self.first_key += 1
            key = self.first_key
            self.keys[source].append(key)
            if self.own is not self.keys:
                self.own[source].append(key)
        total = Decimal(rng.randint(1, 25000)) / rng.choice([100, 100, 100, 1000])
        total = rng.choice([total] * 30 + [None, Decimal(0), -total] + [Decimal("NaN")] * self.bad_amounts)
        # Few moments, so that some purchases happen at the same one.
        at = self.day + timedelta(days=rng.randint(-45, 8), hours=rng.choice([1, 9, 23]), minutes=30)
        values = [key, self.user(rng), total, Decimal(0), rng.choice(["USD"] * 12 + ["EUR"]), rng.choice(["paid"] * 6 + ["open"]),
                  rng.choice([at] * 60 + [None])]
        return dict(zip(COLUMNS, values))

    def purchases(self, rng, source, count, own=False):
        keys = (self.own if own else self.keys)[source]
        # Mostly those of late: what happens to one purchase is the interesting thing.
        recent = keys[-40:] if rng.random() < 0.7 else keys
        return sorted(set(rng.choice(recent) for _ in range(count))) if recent else []

    def reference(self, rng):
        self.last_reference += 1
        return f"{self.name}spend {self.last_reference}"

    def remember(self, spend):
        self.references.append(spend)
        return spend

    def known_reference(self, rng):
        return rng.choice(self.references[-30:]).reference if self.references and rng.random() < 0.97 else "nobody's"

    def spend_again(self, rng):
        """The same spend once more, or another under its reference."""
        if not self.references:
            return None
        known = rng.choice(self.references[-10:])
        if rng.random() < 0.8:
            return known
        return type(known)(**{**known.values, "amount": known.amount + 1})


def draw(world, rng):
    return rng.choices(ALL, [kind.weight for kind in ALL])[0].draw(world, rng)
