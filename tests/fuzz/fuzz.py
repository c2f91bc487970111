"""Calls every function of the program with everything: fuzz.py DATABASE SEED CALLS SECONDS

The functions and the types of their arguments come from the catalogue. Sessions of five roles take turns; some of their
transactions are undone. Between calls the owners change their tables. What a call answers does not matter; that it answers, and
with an error that was thought of, does: no XX000, no connection that is lost, no panic, and a ledger without a violation.
"""

import os
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

from pq import Connection, Failed

DATABASE, SEED, CALLS, SECONDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
rng = random.Random(SEED)
ROLES = {"postgres": 4, "hostile_owner": 4, "hostile_app": 8, "hostile_support": 1, "hostile_reports": 1}
# What ends the game, or takes the time of a hundred others: once in a while.
RARE = {"uninstall": 0.02, "install": 0.05, "detach": 0.05, "doctor": 0.1, "reconcile": 0.1, "settle": 0.2, "settle_at_once": 0.2, "attach_transactions": 0.3,
        "attach_invites": 0.3, "attach_signups": 0.3, "attach_users": 0.3, "create_goal": 0.4}

TEXTS = ["", " ", "a", "'", '"', "\\", "%s%n", "{}", "[]", "null", "NULL", "$1", "--", ";", "/*", "ä", "ß", "\u202e", "\u0301", "\ufeff", "😀", "\t\n\r", "\x01", "x" * 63, "x" * 64, "x" * 65,
         "x" * 1000, "7KQ2" * 5000, "0" * 41, "LINK", "link", "CLUB", "ADOPTED", "OPEN", "OTHER", "7KQ2-M9XD-4TRW3", "USD", "usd", "JPY", "KWD", "points", "XXX", "EUR ", "default", "club", "orders", "codes",
         "signups", "visit", "accounts", "redemptions", "first", "share", "spent", "reserved", "held", "released", "every", "nth", "archive", "reverse", "total", "user_id", "status = 'paid'", "at", "id", "code",
         "total / 0", "1; DROP TABLE public.orders", "(SELECT 1)", "total) , (total", "public.worth(total)", "count(*)", "generate_series(1, 3)", "pg_sleep(0)", "ctid", "tableoid", "orders", "orders.*", "$$",
         "row_number() OVER ()", "nextval('x')", "NULL::text", "'infinity'::timestamptz", "at::date", "created_at", "a@hostile.example", "Ünï@cödé.example", "ABCDEFGH", "0123456789", "hostile"]
JSON = ["{}", "[]", "null", "0", '""', "[[[[[[[[]]]]]]]]", '{"rewards": []}', '{"rewards": [{"to": "referrer", "fixed": "1", "unit": "USD"}]}', '{"rewards": [{"to": "friend", "percent": "100", "unit": "USD"}]}',
        '{"rewards": [{"to": "friend", "percent": "1e400"}]}', '{"rewards": [{"to": "friend", "fixed": 1e400, "unit": "USD"}]}', '{"rewards": [{"to": "friend", "fixed": "100000000000000000000", "unit": "USD"}]}',
        '{"when": {"predicate": "total > 10"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "a"}]}', '{"when": {"predicate": "total / 0 > 1"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "a"}]}',
        '{"when": {"predicate": "$1"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "a"}]}', '{"when": {"within": "P1Y2M3DT4H"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "a"}]}',
        '{"when": {"within": "19998 years"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "a", "hold": "19998 years", "expires": "1 day"}]}',
        '{"when": {"occurrence": {"nth": 4294967295}}, "rewards": [{"to": "referrer", "tiers": [{"from": 1, "fixed": "1"}, {"from": 2, "percent": "3"}], "unit": "USD"}]}',
        '{"rewards": [{"to": "referrer", "fixed": "1", "unit": "USD"}], "limits": {"per_referrer": {"count": 1, "every": "day"}, "budget": "3"}}', '{"rewards": ' * 127 + "1" + "}" * 127,
        "[" * 200 + "]" * 200, "[" * 3000 + "]" * 3000]
NUMBERS = ["0", "1", "-1", "0.01", "-0.01", "0.005", "1.005", "99999999999999999999", "100000000000000000000", "1e20", "1e-20", "1e28", "-1e28", "79228162514264337593543950335", "79228162514264337593543950336",
           "1e130000", "1e-16000", "NaN", "Infinity", "-Infinity", "3", "2.50"]
INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}
TIMES = ["infinity", "-infinity", "2026-03-01", "2026-02-01 00:00+00", "1970-01-01", "2000-01-01", "294276-12-31 23:59:59.999999+00", "4713-01-01 00:00:00+00 BC", "9999-12-31", "10000-01-01", "20000-06-15",
         "2026-02-30", "2040-01-01", "0001-01-01 BC"]
INTERVALS = ["0", "1 day", "-1 day", "1 microsecond", "178000000 years", "-178000000 years", "2147483647 months", "-2147483648 months", "2147483647 days", "-2147483648 days", "9223372036854775807 microseconds",
             "-9223372036854775808 microseconds", "1 year -13 months", "1 month -30 days", "30 days", "10 years"]
USERS = [7000000 + n for n in (0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 20, 30, 40, 60, 61)]
RELATIONS = ["public.orders", "public.later", "public.codes", "public.signups", "public.users", "referral.credits", "referral.pending", "pg_class", "referral.invites_invite_id_seq", "orders_pkey",
             "public.odd", "public.parts", "public.seen", "pg_toast.pg_toast_2619", "information_schema.tables"]
DDL = [
    ("hostile_seller", "ALTER TABLE public.orders RENAME total TO total_2"), ("hostile_seller", "ALTER TABLE public.orders RENAME total_2 TO total"),
    ("hostile_seller", "ALTER TABLE public.orders ALTER total TYPE double precision"), ("hostile_seller", "ALTER TABLE public.orders ALTER total TYPE text"),
    ("hostile_seller", "ALTER TABLE public.orders ALTER total TYPE numeric USING total::numeric"), ("hostile_seller", "ALTER TABLE public.orders ADD note text DEFAULT 'x'"),
    ("hostile_seller", "ALTER TABLE public.orders DROP note"), ("hostile_seller", "ALTER TABLE public.orders ADD extra int GENERATED ALWAYS AS (1) STORED"), ("hostile_seller", "ALTER TABLE public.orders DROP extra"),
    ("hostile_seller", "DROP INDEX public.orders_user_id_idx"), ("hostile_seller", "CREATE INDEX orders_user_id_idx ON public.orders (user_id)"), ("hostile_seller", "ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY"),
    ("hostile_seller", "ALTER TABLE public.orders FORCE ROW LEVEL SECURITY"), ("hostile_seller", "ALTER TABLE public.orders DISABLE ROW LEVEL SECURITY"), ("hostile_seller", "ALTER TABLE public.orders DISABLE TRIGGER USER"),
    ("hostile_seller", "ALTER TABLE public.orders ENABLE TRIGGER USER"), ("hostile_seller", "ALTER TABLE public.orders RENAME TO orders_2"), ("hostile_seller", "ALTER TABLE public.orders_2 RENAME TO orders"),
    ("hostile_seller", "ALTER TABLE public.codes RENAME code TO code_2"), ("hostile_seller", "ALTER TABLE public.codes RENAME code_2 TO code"), ("hostile_seller", "CREATE OR REPLACE FUNCTION public.worth(total numeric) "
     "RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RETURN total / (total - 50); END $$"), ("hostile_seller", "CREATE OR REPLACE FUNCTION public.worth(total numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RETURN total; END $$"),
    ("hostile_seller", "CREATE OR REPLACE FUNCTION public.worth(total numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = 'ZZ123'; END $$"),
    ("hostile_seller", "ALTER FUNCTION public.wanted(numeric) RENAME TO wanted_2"), ("hostile_seller", "ALTER FUNCTION public.wanted_2(numeric) RENAME TO wanted"),
    ("hostile_owner", "UPDATE referral.programs SET strict = NOT strict WHERE name = 'default'"), ("hostile_owner", "UPDATE referral.programs SET grace = '-178000000 years' WHERE name = 'club'"),
    ("hostile_owner", "UPDATE referral.programs SET grace = '2147483647 months', attribution_window = '178000000 years' WHERE name = 'club'"), ("hostile_owner", "UPDATE referral.programs SET code_prefix = 'lower'"),
    ("hostile_owner", "UPDATE referral.programs SET code_prefix = NULL, code_length = 99"), ("hostile_owner", "UPDATE referral.programs SET code_length = NULL, expires_in = '178000000 years', max_redemptions = 2147483647"),
    ("hostile_owner", "UPDATE referral.programs SET expires_in = NULL, grace = NULL, attribution_window = NULL, strict = false"), ("hostile_owner", "UPDATE referral.settings SET wrong_codes = 1, wrong_codes_within = '178000000 years'"),
    ("hostile_owner", "UPDATE referral.settings SET wrong_codes = 1000, wrong_codes_within = '1 hour'"), ("hostile_owner", "DELETE FROM referral.settings"), ("hostile_owner", "DELETE FROM referral.secrets"),
    ("hostile_owner", "VACUUM referral.unsettled"), ("hostile_owner", "ANALYZE"), ("postgres", "DISCARD PLANS"), ("hostile_people", "DELETE FROM public.users WHERE id = 7000015"),
    ("hostile_people", "INSERT INTO public.users VALUES (7000015, 'again') ON CONFLICT DO NOTHING"), ("hostile_people", "ALTER TABLE public.users RENAME created_at TO joined_at"),
    ("hostile_people", "ALTER TABLE public.users RENAME joined_at TO created_at"), ("postgres", "SET quote_all_identifiers = on"), ("postgres", "RESET quote_all_identifiers"),
]
# What an application writes itself, and what fires triggers.
WRITES = [
    "INSERT INTO public.orders VALUES ($1::bigint, $2::bigint, $3::numeric, $4::text, $5::timestamptz) ON CONFLICT (id) DO UPDATE SET total = excluded.total, user_id = excluded.user_id, at = excluded.at",
    "UPDATE public.orders SET total = $3::numeric, status = $4::text WHERE id = $1::bigint OR user_id = $2::bigint AND $5::timestamptz IS NOT NULL", "DELETE FROM public.orders WHERE id = $1::bigint",
    "INSERT INTO public.codes SELECT $1::bigint, $2::bigint, $4::text, $6::text WHERE ($3::numeric, $5::timestamptz) IS NOT NULL OR true ON CONFLICT (id) DO UPDATE SET code = excluded.code, email = excluded.email",
    "INSERT INTO public.signups SELECT $1::bigint, $2::bigint, $4::text WHERE $3::numeric IS NOT NULL OR true ON CONFLICT (id) DO UPDATE SET code = excluded.code, user_id = excluded.user_id", "DELETE FROM public.codes WHERE id = $1::bigint",
    "UPDATE public.orders SET id = id + $1::bigint WHERE user_id = $2::bigint",
]


def argument(kind, name):
    """A value of a type, as text: an edge, one that means something, or a random one; or null."""
    if rng.random() < 0.06:
        return None
    if kind in INTEGERS:
        most = 2 ** INTEGERS[kind]
        if kind == "bigint" and rng.random() < 0.75:
            return str(rng.choice(USERS))
        return str(rng.choice([0, 1, 2, 3, 10, 100, 1000, -1, most - 1, -most, most // 2, rng.randrange(-most, most)])) if name not in ("count", "max_entries", "batch_size") or rng.random() < 0.5 else str(rng.randrange(-2, 200))
    if kind == "numeric":
        return rng.choice(NUMBERS) if rng.random() < 0.8 else f"{rng.randrange(-10**9, 10**9)}e{rng.randrange(-12, 12)}"
    if kind == "text":
        return rng.choice(TEXTS) if rng.random() < 0.85 else "".join(chr(rng.choice([rng.randrange(1, 128), rng.randrange(0xA0, 0xD7FF)])) for _ in range(rng.randrange(1, 40)))
    if kind == "text[]":
        return rng.choice(["{}", "{NULL}", "{orders}", "{orders,orders}", "{none}", "{orders,NULL,none}", '{{"orders"}}', "[5:5]={orders}",
                           "{" + ",".join(["orders"] * 2000) + "}", '{""}'])
    if kind == "jsonb":
        return rng.choice(JSON)
    if kind == "timestamp with time zone":
        return rng.choice(TIMES) if rng.random() < 0.8 else f"{rng.randrange(1, 12000)}-{rng.randrange(1, 13)}-{rng.randrange(1, 29)}"
    if kind == "interval":
        return rng.choice(INTERVALS)
    if kind == "boolean":
        return rng.choice(["true", "false"])
    if kind == "regclass":
        return rng.choice(RELATIONS + ["0", "4294967295", "1"])
    if kind == "regtype":
        return rng.choice(["bigint", "uuid", "text", "citext", "int[]", "void", "anyelement", "record", "referral.credits", "0", "4294967295", "point", "json", "name", '"char"'])
    if kind == "regrole":
        return rng.choice(["hostile_app", "hostile_owner", "hostile_stranger", "postgres", "pg_monitor", "0", "4294967295"])
    raise Exception(f"a type that is not known here: {kind}")


class Fuzz:
    def __init__(self):
        self.sessions = {role: self.connect(role) for role in ROLES}
        self.sessions["hostile_seller"], self.sessions["hostile_people"] = self.connect("hostile_seller"), self.connect("hostile_people")
        self.functions = self.read_functions()
        self.codes, self.called, self.took, self.faults = Counter(), Counter(), Counter(), {}

    def connect(self, role):
        return Connection(DATABASE, "SET client_min_messages = error", "SET statement_timeout = '20s'", "SET lock_timeout = '1s'", "SET TimeZone = 'UTC'", user=role)

    def read_functions(self):
        """Each function: its name, whether it is a procedure, and the names and types of its arguments."""
        rows = self.sessions["postgres"](
            "SELECT p.proname, p.prokind = 'p', pronargs, coalesce(array_to_string(proargnames[1:pronargs], ','), ''), (SELECT string_agg(format_type(t, NULL), ',' ORDER BY n) FROM unnest(proargtypes) WITH ORDINALITY a (t, n)), pronargdefaults "
            "FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace AND prorettype <> 'trigger'::regtype ORDER BY 1")
        return [(name, is_procedure == "t", list(zip(names.split(","), (types or "").split(","))) if int(count) else [], int(defaults))
                for name, is_procedure, count, names, types, defaults in rows]

    def call(self):
        """A call of a function: all its arguments, or those that it needs and some of the others, by name."""
        name, is_procedure, arguments, defaults = rng.choice(self.functions)
        while rng.random() >= RARE.get(name, 1):
            name, is_procedure, arguments, defaults = rng.choice(self.functions)
        needed = len(arguments) - defaults
        given = [a for place, a in enumerate(arguments) if place < needed or rng.random() < 0.35]
        values = [argument(kind, argument_name) for argument_name, kind in given]
        if name == "uninstall" and values:
            values = [rng.choice(["", "another"])]
        if name == "settle" and rng.random() < 0.5:
            values = [None if kind == "text" else value for (_, kind), value in zip(given, values)]
        says = ", ".join(f'"{argument_name}" => ${place}::{kind}' for place, (argument_name, kind) in enumerate(given, 1))
        return name, f"{'CALL' if is_procedure else 'SELECT * FROM'} referral.{name}({says})", values

    def run(self, role, name, statement, values):
        session, begun = self.sessions[role], time.monotonic()
        try:
            session(statement, *values)
            self.codes["00000"] += 1
        except Failed as failed:
            self.codes[failed.code or "lost"] += 1
            if failed.code is None or failed.code.startswith("XX") or "panicked" in failed.message or "unwrap" in failed.message:
                self.fault(role, name, statement, values, failed)
            if failed.code is None:
                self.wait_for_server()
        self.called[name] += 1
        self.took[name] += time.monotonic() - begun

    def fault(self, role, name, statement, values, failed):
        kind = f"{failed.code} in {name}: {re.sub('[0-9]+', 'n', failed.message)[:120]}"
        if kind not in self.faults:
            self.faults[kind] = f"{kind}\n    as {role}: {statement}\n    with {[v if v is None or len(v) < 300 else v[:300] + '...' for v in values]}"

    def wait_for_server(self):
        for role in list(self.sessions):
            for _ in range(100):
                try:
                    self.sessions[role] = self.connect(role)
                    break
                except Failed:
                    time.sleep(0.1)

    def play(self):
        begun, calls = time.monotonic(), 0
        while calls < CALLS and time.monotonic() - begun < SECONDS:
            role = rng.choices(list(ROLES), list(ROLES.values()))[0]
            session, block = self.sessions[role], rng.random()
            if block < 0.25:
                self.run(role, "begin", f"BEGIN ISOLATION LEVEL {rng.choice(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])}", [])
            for _ in range(rng.randrange(1, 6)):
                self.step(role)
                calls += 1
                if block < 0.25 and self.sessions[role].in_error():
                    self.run(role, "rollback", "ROLLBACK", [])
                    break
            if block < 0.25:
                self.run(role, "end", rng.choice(["COMMIT", "ROLLBACK"]), [])
            if rng.random() < 0.02:
                owner, statement = rng.choice(DDL)
                self.run(owner, "ddl", statement, [])
            if rng.random() < 0.01:
                mend(self.sessions["postgres"])
            if rng.random() < 0.002:
                self.sessions[role].close()
                self.sessions[role] = self.connect(role)
        return calls, time.monotonic() - begun

    def step(self, role):
        if role in ("postgres", "hostile_app") and rng.random() < 0.25:
            statement = rng.choice(WRITES)
            values = [str(rng.randrange(0, 60)), argument("bigint", "user_id"), argument("numeric", "total"), rng.choice(["paid", "refunded", argument("text", "code")]), argument("timestamp with time zone", "at"), argument("text", "email")]
            most = max(map(int, re.findall(r"\$(\d)", statement)))
            self.run(role, "write", statement, values[:most])
        else:
            self.run(role, *self.call())


def mend(root):
    """The shop as it was, as far as somebody who owns it would do that: then nothing may be wrong with the ledger."""
    for statement in ("ALTER TABLE IF EXISTS public.orders_2 RENAME TO orders", "ALTER TABLE public.orders RENAME total_2 TO total", "ALTER TABLE public.orders ALTER total TYPE numeric USING total::numeric",
                      "ALTER FUNCTION public.wanted_2(numeric) RENAME TO wanted", "ALTER TABLE public.codes RENAME code_2 TO code", "ALTER TABLE public.users RENAME joined_at TO created_at",
                      "SELECT referral.install('public.users', owner => 'hostile_owner')", "SELECT referral.grant_app('hostile_app')"):
        try:
            root(statement)
        except Failed:
            pass


def main():
    log = Path(os.environ["FUZZ_LOG"])
    begin = log.stat().st_size
    fuzz = Fuzz()
    calls, seconds = fuzz.play()
    mend(fuzz.sessions["postgres"])
    faults = list(fuzz.faults.values())
    faults += [f"{name} was never called" for name, *_ in fuzz.functions if not fuzz.called[name] and name not in RARE and calls > 2000]
    with log.open("rb") as file:
        file.seek(begin)
        faults += sorted({line[:300] for line in file.read().decode(errors="replace").splitlines() if re.search(r"panicked at|terminated by signal|called `.*unwrap|corrupt", line)})
    faults += [": ".join(row) for row in fuzz.sessions["postgres"]("TABLE public.violations")]
    print(f"{calls} calls of {len(fuzz.functions)} functions in {seconds:.0f} s with seed {SEED}: " + ", ".join(f"{code} {n}" for code, n in fuzz.codes.most_common()))
    print("seconds: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in fuzz.took.most_common(8)))
    if faults:
        print("\n".join(faults[:80]))
        sys.exit(1)


main()
