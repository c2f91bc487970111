"""Attaches a table by expressions made at random and compares: mapping.py DATABASE SEED EXPRESSIONS SECONDS

PostgreSQL parses a mapping and prints it, qualified, for others to read. What is printed must say of every row what the expression
itself says, in a session with another path; where the expression fails, both do, and with the same SQLSTATE.
"""

import random
import sys
import time

from pq import Connection, Failed

DATABASE, SEED, EXPRESSIONS, SECONDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
rng = random.Random(SEED)

# The table has the names that printers get wrong: a keyword, another's column, a quote, the names that the query itself uses.
TABLE = """CREATE TABLE public."Order ""s" (
    id bigint PRIMARY KEY, user_id bigint, "order" numeric, "a ""b" int, "row_key" text, "f" text, "Order ""s" text, amount numeric, "Größe" boolean, at timestamptz,
    day date, "time" timestamp, tags text[], doc jsonb, span interval)"""
ROWS = """INSERT INTO public."Order ""s" SELECT n, 7000000 + n % 60, n * 1.25, n - 3, 'key ' || n, CASE WHEN n % 2 = 0 THEN E'\\\\\\'\\n' END, 'x', nullif(n % 4, 0), n % 3 = 0, timestamptz '2026-01-01' + n * interval '7 hours',
    date '2026-01-30' + n, timestamp '2026-03-29 01:30' + n * interval '1 hour', ARRAY['a', NULL, n::text], jsonb_build_object('n', n, 'a', jsonb_build_array(n)), n * interval '1 day' FROM generate_series(1, 12) n"""
NUMBERS = ['"order"', "amount", '"a ""b"', "1", "0.50", "-3", "length(f)", "(doc ->> 'n')::numeric", "array_length(tags, 1)", "extract(day FROM day)", '"Order ""s"."order"', "extract(epoch FROM span)::int", "id"]
TRUTHS = ['"Größe"', "true", "NOT \"Größe\"", "f IS NULL", "'a' = ANY (tags)", "doc ? 'n'", "row_key ~ '^k.y [0-9]+$'", "day < '2026-02-05'", '"Order ""s" IS NOT NULL', "f IS DISTINCT FROM 'x'", "day = date '2026-02-03' OR NULL",
          'EXISTS (SELECT FROM public.users u WHERE u.id = user_id)', '(amount, "order") < (2, 3)', "id IN (1, 2, (SELECT max(x) FROM (VALUES (3), (4)) f (x)))", "f LIKE '%\\\\%' ESCAPE '!'", "doc @> '{\"n\": 3}'"]
TEXTS = ["f", "row_key", '"Order ""s"', "'it''s'", "E'\\\\n'", "U&'\\00e4'", "$$a'b$$", "upper(row_key)", "tags[2]", "concat_ws(',', f, tags[1])", "doc #>> '{a,0}'", "('x' || id)::varchar(3)", "id::text COLLATE \"C\""]
TIMES = ["at", '"time"', "day", "at + span", "at AT TIME ZONE 'Asia/Kathmandu'", "date_trunc('month', at)", "'2026-05-06 07:08'::timestamptz", '"time" - interval \'1 month 2 days\'', "coalesce(at, day)", "greatest(at, 'infinity')"]


def number(depth):
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(NUMBERS)
    a, b = number(depth - 1), number(depth - 1)
    return rng.choice([
        f"{a} + {b}", f"({a} - {b})", f"{a} * ({b})", f"{a} / nullif({b}, 0)", f"({a}) / ({b})", f"-({a})", f"- {a}", f"coalesce({a}, {b})", f"CASE WHEN {truth(depth - 1)} THEN {a} ELSE {b} END",
        f"greatest({a}, {b})", f"({a})::numeric", f"round(({a})::numeric, 1)", f"CASE {a} WHEN {b} THEN 1 END", f"({a} + {b}) % nullif({b}, 0)", f"(SELECT x.n FROM (SELECT {a} AS n) x)",
        f"(SELECT sum(v) FROM unnest(ARRAY[{a}, {b}]) v)", f"length({text(depth - 1)})", f"cast({a} AS numeric(20, 4))", f"@ ({a})", f"({a}) /* {b.replace('*/', '')} */"])


def truth(depth):
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(TRUTHS)
    a, b = truth(depth - 1), truth(depth - 1)
    return rng.choice([f"{a} AND {b}", f"({a}) OR ({b})", f"NOT ({a})", f"({a}) IS NOT TRUE", f"({number(depth - 1)}) > ({number(depth - 1)})", f"({number(depth - 1)}) BETWEEN ({number(depth - 1)}) AND 5",
                       f"({text(depth - 1)}) = ({text(depth - 1)})", f"({number(depth - 1)}) IN (1, 2.5, {number(depth - 1)})", f"({when(depth - 1)})::timestamptz < now() + interval '100 years'", f"({a}) = ({b})",
                       f"({text(depth - 1)}) IS NULL -- {b.splitlines()[0]}\n"])


def text(depth):
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(TEXTS)
    a, b = text(depth - 1), text(depth - 1)
    return rng.choice([f"{a} || {b}", f"coalesce({a}, {b})", f"CASE WHEN {truth(depth - 1)} THEN {a} END", f"left({a}, 3)", f"({number(depth - 1)})::text", f"replace({a}, {b}, '')", f"(ARRAY[{a}, {b}])[1]", f"overlay({a} PLACING 'x' FROM 1)"])


def when(depth):
    if depth == 0 or rng.random() < 0.5:
        return rng.choice(TIMES)
    return rng.choice([f"({when(depth - 1)}) + interval '1 day'", f"CASE WHEN {truth(depth - 1)} THEN {rng.choice(['at', 'day'])} END", f"({when(depth - 1)})::date", f"({when(depth - 1)})::timestamp"])


def outcome(session, sql):
    session("SAVEPOINT outcome")
    try:
        return session(sql)
    except Failed as failed:
        session("ROLLBACK TO outcome")
        return failed.code


def main():
    session, wrong, refused, compared, begun = Connection(DATABASE, "SET client_min_messages = error", "SET TimeZone = 'Europe/Vienna'"), [], 0, 0, time.monotonic()
    session("BEGIN")
    session(TABLE)
    session(ROWS)
    while compared + refused < EXPRESSIONS and time.monotonic() - begun < SECONDS and len(wrong) < 10:
        amount, qualifies, occurred_at = number(3), truth(3), when(2)
        session("SAVEPOINT attached")
        direct = f"""SELECT id::text AS a, (\n{amount}\n)::numeric AS b, coalesce((\n{qualifies}\n), false) AS c
            FROM public."Order ""s" ORDER BY "Order ""s".id"""
        types = outcome(session, f"""SELECT pg_typeof((\n{amount}\n)), pg_typeof((\n{occurred_at}\n)), (\n{qualifies}\n) FROM public."Order ""s" LIMIT 1""")
        answer = outcome(session, direct)
        try:
            session("SELECT referral.attach_transactions($1, user_column => 'user_id', amount => $2, currency => 'USD', qualifies => $3, occurred_at => $4, name => 'printed')",
                    'public."Order ""s"', amount, qualifies, occurred_at)
        except Failed as failed:
            refused += 1
            # A float is refused, and what PostgreSQL itself refuses.
            if failed.code is None or failed.code.startswith("XX") or (not isinstance(types, str) and "double precision" not in types[0] and types[0][0] != "real"):
                wrong.append(f"refused: {failed.code} {failed.message}: {failed.detail}\n    {(amount, qualifies, occurred_at)}")
            session("ROLLBACK TO attached")
            continue
        compared += 1
        facts = session.one("""SELECT facts[1] || 'public."Order ""s"' || facts[2] FROM referral.sources WHERE name = 'printed'""")
        session("SET LOCAL search_path = pg_catalog")
        printed = outcome(session, f"SELECT row_key, amount, qualifies FROM ({facts}) f ORDER BY row_id")
        if printed != answer:
            wrong.append(f"{printed if isinstance(printed, str) else [a for a, b in zip(printed, answer) if a != b][:3]} in place of "
                         f"{answer if isinstance(answer, str) else [b for a, b in zip(printed, answer) if a != b][:3]}\n    {(amount, qualifies)}\n    {facts}")
        session("ROLLBACK TO attached")
    session("ROLLBACK")
    print(f"{compared} mappings compared, {refused} refused, with seed {SEED}")
    if wrong:
        print("\n".join(wrong))
        sys.exit(1)


main()
