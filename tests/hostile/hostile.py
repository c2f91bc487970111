"""Attacks: hostile.py NAME DATABASE, in a shop of shop.sql. It prints what went wrong, and fails then."""

import difflib
import os
import re
import sys
from pathlib import Path

from pq import Connection, Failed

HERE = Path(__file__).parent
LOG = Path(os.environ["HOSTILE_LOG"])
ROLES = ["owner", "people", "seller", "app", "support", "reports", "stranger"]

# All that the program does, each with what a superuser, the owner or the application would write. They are played one by one, and
# undone. Nothing in them is an operator or a function but those of the program, which a path could find elsewhere.
VERBS = {
    "issue_invite": "SELECT referral.issue_invite(7000003)",
    "issue_invites": "SELECT referral.issue_invites(7000003, 2)",
    "issue_invite, addressed": "SELECT referral.issue_invite(7000003, recipient => 'a@hostile.example')",
    "redeem_invite": "SELECT referral.redeem_invite('LINK', 7000020)",
    "redeem_invite, of a club": "SELECT referral.redeem_invite('CLUB', 7000050)",
    "redeem_invite, wrong": "SELECT referral.redeem_invite('nothing', 7000021)",
    "revoke_invite": "SELECT referral.revoke_invite('OTHER')",
    "record_event": "SELECT referral.record_event('visit', 7000011, 'visit 2')",
    "balance": "SELECT referral.balance(7000001)",
    "credit_history": "SELECT referral.credit_history(7000001)",
    "expiring": "SELECT referral.expiring('10 years')",
    "feed": "SELECT referral.feed(0, 10)",
    "spend_credit": "SELECT referral.spend_credit(7000001, 2, 'USD', 'spent again')",
    "authorize_credit": "SELECT referral.authorize_credit(7000001, 2, 'USD', 'reserved again')",
    "capture_credit": "SELECT referral.capture_credit('reserved', 2)",
    "void_credit": "SELECT referral.void_credit('held')",
    "release_credit": "SELECT referral.release_credit('spent', 1, 'released again')",
    "a purchase": "INSERT INTO public.orders VALUES (1000, 7000010, 50), (1001, 7000013, 60)",
    "a refund": "UPDATE public.orders SET status = 'refunded' WHERE user_id OPERATOR(pg_catalog.=) 7000010",
    "a purchase that fails": "INSERT INTO public.orders VALUES (1002, 7000010, 'NaN')",
    "a deletion": "DELETE FROM public.orders WHERE id OPERATOR(pg_catalog.=) 1",
    "a truncation": "TRUNCATE public.orders",
    "an adopted code": "INSERT INTO public.codes VALUES (3, 7000002, 'THIRD', NULL)",
    "a sign-up": "INSERT INTO public.signups VALUES (3, 7000022, 'OPEN'), (4, 7000023, 'no such code')",
}
SUPPORTS = {
    "adjust_credit": "SELECT referral.adjust_credit(7000010, 3, 'USD', 'a gift')",
    "friend_terms": "SELECT referral.friend_terms(7000010)",
}
OWNERS = {
    "reassign_referral": "SELECT referral.reassign_referral(7000010, 'OTHER', 'a mistake')",
    "reevaluate": "SELECT referral.reevaluate(7000010)",
    "settle": "CALL referral.settle()",
    "settle, in years": "CALL referral.settle('2040-01-01', 'default')",
    "settle_at_once": "SELECT referral.settle_at_once()",
    "reconcile": "CALL referral.reconcile(restart => true)",
    "doctor": "SELECT referral.doctor()",
    "reset_program": "SELECT referral.reset_program(pg_catalog.current_database())",
    "create_program": "SELECT referral.create_program('another')",
    "pause_program": "SELECT referral.pause_program('club', false)",
    "resume_program": "SELECT referral.pause_program('club'), referral.resume_program('club')",
    "create_goal": "SELECT referral.create_goal('another', reward => 1, source => 'orders')",
    "create_event": "SELECT referral.create_event('another')",
    "grant_app": "SELECT referral.grant_app('hostile_stranger')",
    "grant_reports": "SELECT referral.grant_reports('hostile_stranger')",
    "grant_support": "SELECT referral.grant_support('hostile_stranger')",
}
SUPERUSERS = {
    "create_goal, with a predicate": """SELECT referral.create_goal('predicate', source => 'orders', rule =>
        '{"when": {"predicate": "public.wanted(total)"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "USD"}]}')""",
    "detach": "SELECT referral.detach('orders')",
    "repair": "SELECT referral.repair('orders')",
    "attach_transactions": "SELECT referral.attach_transactions('public.later', 'user_id', 'public.worth(total)', 'USD', occurred_at => 'at')",
    "install": "SELECT referral.install('public.users', owner => 'hostile_owner')",
    "install, without foreign keys": "SELECT referral.install('public.users', foreign_keys => false)",
    "uninstall": "SELECT referral.uninstall()",
}
EVERYTHING = VERBS | SUPPORTS | OWNERS | SUPERUSERS


class Wrong(Exception):
    """What an attack achieved."""


def expect(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what}: {found!r}, not {wanted!r}")


class Log:
    """What the server has written to its log since a moment."""

    def __init__(self):
        self.begin = LOG.stat().st_size

    def read(self):
        with LOG.open("rb") as log:
            log.seek(self.begin)
            return log.read().decode(errors="replace")


# Privileges


def brief(objects, all_of):
    """A list of names, by what it lacks where that is shorter."""
    lacks = sorted(all_of - objects)
    return "all" + (f" but {' '.join(lacks)}" if lacks else "") if len(lacks) < len(objects) else " ".join(sorted(objects))


KINDS = {"r": "table", "v": "view", "S": "sequence", "f": "function", "p": "procedure", "t": "trigger function", "d": "domain", "n": "schema", "e": "extension"}


def privileges(database):
    """Every verb on every object, by every role: what is not refused is this list."""
    root = Connection(database, "SET client_min_messages = error")
    everything = {}
    for _, kind, object, _, _ in root("SELECT * FROM public.attempts() WHERE kind IS NOT NULL"):
        everything.setdefault(kind, set()).add(object)
    lines, tried = [], 0
    for role in ROLES:
        session = Connection(database, "SET client_min_messages = error", user=f"hostile_{role}")
        allowed = {}
        for verb, kind, object, ended, count in session("SELECT * FROM public.attempts()"):
            tried += int(count) if verb is None else 0
            if verb is not None:
                # A constraint or a missing argument is not a privilege.
                allowed.setdefault((verb, kind, ended == "55000" and kind == "r"), set()).add(object)
        for direction in ("TO STDOUT", "FROM STDIN"):
            for relation in sorted(everything["r"]):
                tried += 1
                if refusal(session, f"COPY referral.{relation} {direction}") != "42501":
                    allowed.setdefault((f"COPY {direction}", "r", False), set()).add(relation)
                    session.connect()
        for (verb, kind, stopped), objects in sorted(allowed.items()):
            lines.append(f"{role}: {verb} {KINDS[kind]}: {brief(objects, everything[kind])}" + (" - refused by a trigger" if stopped else ""))
    said = "\n".join(lines) + "\n"
    (Path(os.environ["TEST_RESULTS"]) / "hostile" / "privileges.out").write_text(said)
    wanted = (HERE / "expected" / "privileges.out").read_text()
    if said != wanted:
        raise Wrong("".join(difflib.unified_diff(wanted.splitlines(True), said.splitlines(True), "expected", "found")))
    if tried < 5000:
        raise Wrong(f"only {tried} attempts")
    print(f"{tried} attempts")


# Whose code runs as whom


def play(session, verbs, sprung, role=None):
    """Plays each verb and undoes it. What traps say is in the log; what they leave in the session is told here."""
    for name, statement in verbs.items():
        session("SAVEPOINT verb")
        if role:
            session(f"SET LOCAL SESSION AUTHORIZATION {role}")
        try:
            session(statement)
            if role:
                session("SET LOCAL SESSION AUTHORIZATION DEFAULT")
            session("SET CONSTRAINTS ALL IMMEDIATE")
        except Failed as failed:
            if failed.code is None:
                sprung.append(f"{name}: {failed}")
            session("ROLLBACK TO verb")
            continue
        left = session(LEFT)
        if left != [("public", None, "0", "0", "0", "0", "t")]:
            sprung.append(f"{name} leaves behind {left}")
            session("DEALLOCATE ALL")
        session("ROLLBACK TO verb")


LEFT = """SELECT current_setting('search_path'), nullif(current_setting('traps.trace', true), ''), (SELECT count(*) FROM pg_class WHERE relname = 'left_behind'),
    (SELECT count(*) FROM pg_cursors WHERE name = 'left_behind'), (SELECT count(*) FROM pg_prepared_statements WHERE name = 'left_behind'),
    (SELECT count(*) FROM pg_listening_channels()), current_user = 'postgres' AND session_user = 'postgres'"""


def told(log, sprung, what):
    """What traps have said, of which none may have run as anybody but the role whose they are. Returns how often they ran."""
    ran = re.findall(r"trap: (.*)", log.read())
    wrong = {line for line in ran if not line.endswith(" ran as itself")}
    # What ran as somebody else from the beginning did not have to become that first.
    wrong = {line for line in wrong if " ran as " in line or not any(other.startswith(line.split(", then ")[0] + " ran as ") for other in wrong)}
    sprung += [f"{what}: {line}" for line in wrong]
    return len(ran)


def end(sprung, ran, least=1):
    sprung = sorted(set(sprung))
    if sprung:
        raise Wrong("\n".join(sprung[:60] + [f"... and {len(sprung) - 60} more"] * (len(sprung) > 60)))
    if ran < least:
        raise Wrong(f"the traps were sprung {ran} times: they are none")
    print(f"the traps were sprung {ran} times")


def session_of(database):
    return Connection(database, "SET search_path = public", "SET client_min_messages = error")


def owner_ways(root):
    """For each way, the statements with which the owner of the program lays traps, by the object that they lie in."""
    name = lambda sql: [n for n, in root(sql)]
    tables = name("SELECT relname FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' AND pg_get_userbyid(relowner) = 'hostile_owner'")
    views = name("SELECT relname FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'v'")
    domains = name("SELECT typname FROM pg_type WHERE typnamespace = 'referral'::regnamespace AND typtype = 'd'")
    routines = name("SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'referral'::regnamespace")
    columns = lambda relation: root(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0", f"referral.{relation}")
    way = lambda text: f"traps.spring('{text}')"
    steady = lambda text: f"traps.spring_steadily('{text}')"
    return {
        "a deferred trigger": {t: [
            f"CREATE CONSTRAINT TRIGGER trap AFTER INSERT OR UPDATE OR DELETE ON referral.{t} DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW EXECUTE FUNCTION traps.on_change('deferred')"] for t in tables},
        "a trigger": {t: [
            f"CREATE TRIGGER trap_1 BEFORE INSERT OR UPDATE OR DELETE ON referral.{t} FOR EACH ROW EXECUTE FUNCTION traps.on_change('before')",
            f"CREATE TRIGGER trap_2 AFTER INSERT OR UPDATE OR DELETE ON referral.{t} EXECUTE FUNCTION traps.on_change('after')"] for t in tables},
        "a rule": {t: [f"CREATE RULE trap_{verb} AS ON {verb} TO referral.{t} DO ALSO SELECT {way(f'rule on {t}')}"
                       for verb in ("INSERT", "UPDATE", "DELETE")] for t in tables},
        "a constraint, a default, a generated column": {t: [
            f"ALTER TABLE referral.{t} ADD CONSTRAINT trap CHECK ({way(f'check of {t}')}) NOT VALID",
            f"ALTER TABLE referral.{t} ADD trap boolean", f"ALTER TABLE referral.{t} ALTER trap SET DEFAULT {way(f'default of {t}')}",
            f"ALTER TABLE referral.{t} ADD trap_2 boolean GENERATED ALWAYS AS ({steady(f'generated in {t}')}) STORED"] for t in tables},
        "an index": {t: [f"CREATE INDEX trap ON referral.{t} (({steady(f'index of {t}')})) WHERE {steady(f'part of index of {t}')}",
                         f"CREATE STATISTICS traps.{t} ON ({steady(f'statistics of {t}')}), (1 + 1) FROM referral.{t}"] for t in tables},
        "a policy": {t: [f"ALTER TABLE referral.{t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
                         f"CREATE POLICY trap ON referral.{t} USING ({way(f'policy of {t}')}) WITH CHECK ({way(f'policy of {t}')})"] for t in tables},
        "a view": {v: [(
            f"CREATE OR REPLACE RULE \"_RETURN\" AS ON SELECT TO referral.{v} DO INSTEAD SELECT "
            + ", ".join(f"traps.thing('view {v}', NULL::{type}) AS \"{column}\"" for column, type in columns(v)))] for v in views},
        "a domain": {d: [f"ALTER DOMAIN referral.{d} ADD CONSTRAINT trap CHECK ({way(f'domain {d}')}) NOT VALID"] for d in domains},
        "a type": {t: [f"DROP VIEW referral.{v} CASCADE" for v in views] + [
            f"ALTER TABLE referral.{t} ALTER {column} TYPE traps.lure USING traps.lured({column}::text)" for column, _ in columns(t)] for t in tables},
        "a function": {r: [f"ALTER ROUTINE {r} SECURITY INVOKER SET search_path = traps, pg_catalog",
                           f"ALTER ROUTINE {r} SET session_preload_libraries = 'nothing'",
                           f"ALTER ROUTINE {r} SUPPORT traps.support"] for r in routines},
    }


def lay(session, statements):
    """Lays what of these traps the owner may lay. Returns how many statements that took."""
    laid = 0
    for statement in statements:
        session("SAVEPOINT laying")
        session("SET LOCAL traps.laying = 'yes'")
        session("SET LOCAL SESSION AUTHORIZATION hostile_owner")
        try:
            session(statement)
            session("SET LOCAL SESSION AUTHORIZATION DEFAULT")
            session("RESET traps.laying")
            laid += 1
        except Failed:
            session("ROLLBACK TO laying")
    return laid


# Of these, the traps are laid one by one: the first that is met would keep a statement from the others.
ONE_BY_ONE = ("a deferred trigger", "a rule", "a type")
# These are never sprung: PostgreSQL refuses to put a trigger off in a restricted operation, policies are not asked about the
# owner's own reads, and the functions are not the owner's.
NEVER_SPRUNG = ("a deferred trigger", "a policy", "a function")


def writers(session, verbs):
    """For each table of the program, the verbs that write it, whether with success or not."""
    found = {}
    for name, statement in verbs.items():
        session("BEGIN")
        try:
            session(statement)
        except Failed as failed:
            raise Wrong(f"{name} fails of itself: {failed}")
        for table, in session("SELECT relname FROM pg_stat_xact_user_tables WHERE schemaname = 'referral' AND n_tup_ins + n_tup_upd + n_tup_del > 0"):
            found.setdefault(table, {})[name] = statement
        session("ROLLBACK")
    return found


def owner(database, way):
    """The owner of the program lays traps in all that is theirs; whoever calls, they are sprung as the owner, and leave nothing behind."""
    session, sprung, laid = session_of(database), [], 0
    written = writers(session, EVERYTHING)
    unwritten = {t for t, in session("SELECT relname FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r'")} - set(written)
    expect("tables that no verb writes", unwritten, {"installation", "secrets"})
    ways, log = owner_ways(session)[way], Log()
    for place, (object, statements) in enumerate(ways.items() if way in ONE_BY_ONE else [("all", sum(ways.values(), []))]):
        verbs = EVERYTHING
        if way == "a type":  # whatever reads the table: one verb in three, another one for each table
            verbs = dict(list(EVERYTHING.items())[place % 3::3])
        elif way in ONE_BY_ONE:
            verbs = written.get(object, {})
        session("BEGIN")
        laid += lay(session, statements)
        play(session, verbs, sprung)
        if way not in ONE_BY_ONE:
            play(session, VERBS, sprung, "hostile_app")
        session("ROLLBACK")
    print(f"{laid} traps were laid")
    expect("traps in functions, which are the installer's" if way == "a function" else "whether any trap was laid", laid > 0, way != "a function")
    end(sprung, told(log, sprung, way), least=0 if way in NEVER_SPRUNG else 1)


def lastval(database):
    """Whatever is called, and however it ends, lastval() is what the application has drawn."""
    session, wrong, played = session_of(database), [], 0
    number = session.one("SELECT nextval('public.numbers')")
    session("BEGIN")
    for role, verbs in ((None, EVERYTHING), ("hostile_app", VERBS)):
        for name, statement in verbs.items():
            session("SAVEPOINT verb")
            session(f"SET LOCAL SESSION AUTHORIZATION {role or 'DEFAULT'}")
            try:
                session(statement)
                session("SET CONSTRAINTS ALL IMMEDIATE")
                played += 1
                session("SET LOCAL SESSION AUTHORIZATION DEFAULT")
                if session.one("SELECT lastval()") != number:
                    wrong.append(f"{name} as {role} changes lastval()")
            except Failed as failed:
                wrong.append(f"{name} as {role}: {failed}")
            session("ROLLBACK TO verb")
            if session.one("SELECT lastval()") != number:  # of a sequence that went with the savepoint, too
                session("SELECT setval('public.numbers', 1)")
                number = session.one("SELECT nextval('public.numbers')")
    session("ROLLBACK")
    print(f"{played} verbs")
    if wrong:
        raise Wrong("\n".join(wrong))


def seller(database):
    """Mappings and predicates are the seller's: they run as the seller, and leave nothing behind."""
    session, log, sprung = session_of(database), Log(), []
    lay_in_functions(session, "hostile_seller", {"public.worth(total numeric)": "total", "public.wanted(total numeric)": "true"})
    for role in (None, "hostile_owner", "hostile_app"):
        session("BEGIN")
        play(session, EVERYTHING if role is None else VERBS, sprung, role)
        session("ROLLBACK")
    end(sprung, told(log, sprung, "a mapping"))


def people(database):
    """When an account was created is said by an expression of the users table's owner."""
    session, log, sprung = session_of(database), Log(), []
    lay_in_functions(session, "hostile_people", {"public.joined(at timestamptz)": "at"})
    for role in (None, "hostile_app"):
        session("BEGIN")
        play(session, EVERYTHING if role is None else VERBS, sprung, role)
        session("ROLLBACK")
    end(sprung, told(log, sprung, "an expression over users"))


def lay_in_functions(session, role, functions):
    session(f"SET ROLE {role}")
    for function, result in functions.items():
        returns = session.one("SELECT prorettype::regtype::text FROM pg_proc WHERE proname = $1", re.match(r"public\.(\w+)", function)[1])
        session(f"CREATE OR REPLACE FUNCTION {function} RETURNS {returns} LANGUAGE plpgsql AS "
                f"$$ BEGIN PERFORM traps.spring('{function}'); RETURN {result}; END $$")
    session("RESET ROLE")


def shadowed(database, where):
    """The application shadows all that SQL could name: none of it runs but where the application itself would run it."""
    log, sprung = Log(), []
    session = Connection(database, "SET client_min_messages = error", user="hostile_app")
    made = int(session.one("SELECT shadows.fill($1)", where))
    session(f"SET search_path = {where}, public, pg_catalog")
    for name, statement in VERBS.items():
        session("BEGIN")
        try:
            session(statement)
        except Failed as failed:
            sprung.append(f"{name}: {failed}")
        session("ROLLBACK")
    mine = told(log, sprung, f"in {where}")
    if mine:
        sprung.append(f"in {where}: {mine} of the application's functions ran: {sorted(set(re.findall('trap: (.*) ran as', log.read())))[:20]}")
    # PostgreSQL itself looks for no function in pg_temp, but for types and tables.
    found = "to_regclass('credits') IS NOT NULL" if where == "pg_temp" else "(1 = 1) IS NULL"
    expect("the shadows are in the way", session.one(f"SELECT {found}"), "t")
    # Whoever else has that schema on their path, though after PostgreSQL's own.
    if where != "pg_temp":
        log = Log()
        other = Connection(database, "SET client_min_messages = error", f"SET search_path = public, {where}")
        other("BEGIN")
        for name, statement in EVERYTHING.items():
            other("SAVEPOINT verb")
            other(statement)
            other("ROLLBACK TO verb")
        other("ROLLBACK")
        told(log, sprung, "as a superuser")
    print(f"{made} objects are shadowed")
    end(sprung, 1)


def hijack(database):
    """The program's trigger functions on tables of somebody else's: nothing happens, or an error."""
    functions = ["transactions_changed", "invites_changed", "signups_changed", "append_only", "configuration_changed"]
    root, wrong = session_of(database), []
    state = "SELECT (SELECT count(*) FROM referral.credits), (SELECT count(*) FROM referral.invites), (SELECT count(*) FROM referral.invites_friends)"
    before = root(state)
    timings = ["AFTER INSERT OR UPDATE OR DELETE ON {}", "AFTER INSERT ON {} REFERENCING NEW TABLE AS new_rows", "AFTER INSERT OR DELETE ON {} FOR EACH ROW",
               "BEFORE INSERT OR UPDATE ON {} FOR EACH ROW", "BEFORE INSERT ON {}", "AFTER TRUNCATE ON {}"]
    for role in ("owner", "app", "stranger"):
        session = Connection(database, "SET client_min_messages = error", user=f"hostile_{role}")
        session("CREATE TEMP TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric, status text, at timestamptz, code text, email text)")
        for function in functions:
            for timing in timings:
                trigger = f"CREATE TRIGGER referral_transactions {timing.format('orders')} EXECUTE FUNCTION referral.{function}('orders')"
                session("BEGIN")
                try:
                    session(trigger)
                    if role != "owner":
                        wrong.append(f"{role}: {trigger}")
                except Failed as failed:
                    if role != "owner" and failed.code != "42501":
                        wrong.append(f"{role}: {failed}")
                    session("ROLLBACK")
                    continue
                attack(session, wrong)
                session("ROLLBACK")
    # A trigger of before the right was revoked goes on to fire.
    root("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA referral TO hostile_stranger")
    root("GRANT USAGE ON SCHEMA referral TO hostile_stranger")
    root("GRANT CREATE ON SCHEMA public TO hostile_stranger")
    session = Connection(database, "SET client_min_messages = error", user="hostile_stranger")
    session("CREATE TABLE public.mine (id bigint PRIMARY KEY, user_id bigint, total numeric, status text, at timestamptz, code text, email text)")
    for place, function in enumerate(functions):
        session(f"CREATE TRIGGER t{place} AFTER INSERT ON public.mine FOR EACH ROW EXECUTE FUNCTION referral.{function}()")
    root("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA referral FROM hostile_stranger")
    session("ALTER TABLE public.mine DISABLE TRIGGER t3")
    session("INSERT INTO public.mine VALUES (1, 7000010, 1000, 'paid', '2026-03-01', 'LINK', NULL)")
    root("DROP TABLE public.mine")
    expect("lines, invites and referrals", root(state), before)
    if wrong:
        raise Wrong("\n".join(wrong))


def attack(session, wrong):
    for statement in ("INSERT INTO orders VALUES (1, 7000010, 1000, 'paid', '2026-03-01', 'LINK', NULL)", "UPDATE orders SET total = 2000", "DELETE FROM orders", "TRUNCATE orders"):
        session("SAVEPOINT attack")
        try:
            session(statement)
        except Failed as failed:
            if failed.code is None or failed.code.startswith("XX"):
                wrong.append(str(failed))
            session("ROLLBACK TO attack")


def squatting(database):
    """What is there before the extension, under its names, is refused or left alone."""
    root = session_of(database)
    owner = lambda: set(root("SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'referral'"))
    refused = lambda statement: refusal(root, statement)
    root("CREATE SCHEMA squatted AUTHORIZATION hostile_app")
    root("CREATE SCHEMA referral AUTHORIZATION hostile_app")
    expect("a schema of somebody else's", refused("CREATE EXTENSION referral"), "42P06")
    expect("the same, asked for", refused("CREATE EXTENSION referral SCHEMA referral"), "42P06")
    root("DROP SCHEMA referral")
    as_app = Connection(database, user="hostile_app")
    for statement in ("CREATE TYPE squatted.credits AS ENUM ('a')", "CREATE TABLE squatted.sources (x int)", "CREATE DOMAIN squatted.credit_amount AS text",
                      "CREATE FUNCTION squatted.append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
                      "CREATE OPERATOR squatted.= (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text)"):
        as_app(statement)
    expect("a stranger", refusal(as_app, "CREATE EXTENSION referral"), "42501")
    root("SET search_path = squatted, public")
    root("CREATE EXTENSION referral SCHEMA squatted")
    root("CREATE TABLE public.users (id bigint PRIMARY KEY)")
    root("SELECT referral.install('public.users', owner => 'hostile_owner')")
    expect("the owner of the schema", owner(), {("postgres",)})
    here = "SELECT relname FROM pg_class WHERE relnamespace = 'squatted'::regnamespace AND relname NOT IN ('sources', 'credits')"
    expect("what is in the other schema", root(here), [])
    expect("what is there", root.one("SELECT count(*) > 30 FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v')"), "t")


def refusal(session, statement):
    try:
        session(statement)
    except Failed as failed:
        return failed.code
    return None


def maintenance(database):
    """A superuser looks after the database: the traps of the owners are sprung as the owners, or not at all."""
    session, log, sprung = session_of(database), Log(), []
    for way, objects in owner_ways(session).items():
        if way not in ("a view", "a function", "a type", "a policy", "a rule"):
            session("BEGIN")
            lay(session, sum(objects.values(), []))
            session("COMMIT")
    session("CREATE EXTENSION amcheck")
    names = lambda sql: [n for n, in session(sql)]
    tables = names("SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r'")
    # The owner lays one that PostgreSQL's own maintenance runs, which shows that the traps are some.
    session("SET traps.laying = 'yes'")
    session("CREATE INDEX trap ON referral.lots ((traps.spring_steadily('an index that maintenance builds')))")
    session("RESET traps.laying")
    session("CREATE MATERIALIZED VIEW public.summary AS SELECT traps.spring('a materialized view') AS x WITH NO DATA")
    session("ALTER MATERIALIZED VIEW public.summary OWNER TO hostile_owner")
    for statement in ["ANALYZE", "VACUUM", "VACUUM FULL referral.lots", "CLUSTER referral.credits USING credits_pkey", "REINDEX SCHEMA referral", f"REINDEX DATABASE {database}",
                      "REFRESH MATERIALIZED VIEW public.summary", "SELECT bt_index_check(indexrelid, true) FROM pg_index JOIN pg_class c ON c.oid = indrelid "
                      "JOIN pg_class i ON i.oid = indexrelid JOIN pg_am a ON a.oid = i.relam WHERE c.relnamespace = 'referral'::regnamespace AND amname = 'btree' AND i.relname <> 'trap'",
                      *[f"SELECT verify_heapam('{t}')" for t in tables]]:
        session(statement)
    if os.system(f"pg_dump --file=/dev/null {database}"):
        raise Wrong("pg_dump failed")
    end(sprung, told(log, sprung, "maintenance"))


# What a session may have set. Each must give the same ledger, or an error.
SETTINGS = {
    "standard_conforming_strings": ["off"], "backslash_quote": ["on"], "escape_string_warning": ["off"], "quote_all_identifiers": ["on"], "transform_null_equals": ["on"],
    "array_nulls": ["off"], "DateStyle": ["SQL, DMY", "German, DMY", "Postgres, YMD"], "IntervalStyle": ["sql_standard", "iso_8601", "postgres_verbose"],
    "TimeZone": ["Asia/Kathmandu", "America/St_Johns", "+15"], "timezone_abbreviations": ["India", "Australia"], "bytea_output": ["escape"], "extra_float_digits": ["-15", "3"],
    "xmlbinary": ["hex"], "xmloption": ["document"], "lc_monetary": ["C", "C.UTF-8"], "lc_numeric": ["C", "C.UTF-8"], "lc_time": ["C"], "client_encoding": ["LATIN1", "SQL_ASCII", "EUC_JP"],
    "row_security": ["off"], "check_function_bodies": ["off"], "gin_fuzzy_search_limit": ["1"], "default_transaction_isolation": ["serializable", "repeatable read"],
    "default_transaction_deferrable": ["on"], "default_transaction_read_only": ["on"], "default_tablespace": ["pg_default"], "temp_tablespaces": ["pg_default"],
    "default_table_access_method": ["heap"], "default_toast_compression": ["pglz"], "search_path": ["''", "pg_temp", "referral", "pg_catalog, referral"],
    "statement_timeout": ["600000"], "lock_timeout": ["600000", "1"], "idle_in_transaction_session_timeout": ["600000"], "deadlock_timeout": ["1"], "session_replication_role": ["local"],
    "enable_seqscan": ["off"], "enable_indexscan": ["off"], "enable_indexonlyscan": ["off"], "enable_bitmapscan": ["off"], "enable_tidscan": ["off"], "enable_sort": ["off"],
    "enable_incremental_sort": ["off"], "enable_hashagg": ["off"], "enable_material": ["off"], "enable_memoize": ["off"], "enable_nestloop": ["off"], "enable_mergejoin": ["off"],
    "enable_hashjoin": ["off"], "enable_gathermerge": ["off"], "enable_partition_pruning": ["off"], "enable_parallel_append": ["off"], "constraint_exclusion": ["on"], "plan_cache_mode":
    ["force_custom_plan", "force_generic_plan"], "force_parallel_mode": ["on", "regress"], "parallel_setup_cost": ["0"], "parallel_tuple_cost": ["0"], "min_parallel_table_scan_size": ["0"],
    "jit_above_cost": ["0"], "work_mem": ["64kB"], "maintenance_work_mem": ["1MB"], "temp_buffers": ["100"], "hash_mem_multiplier": ["1000"],
    "join_collapse_limit": ["1"], "from_collapse_limit": ["1"], "geqo_threshold": ["2"], "cursor_tuple_fraction": ["0"], "cpu_tuple_cost": ["0"], "random_page_cost": ["0"], "effective_cache_size": ["1"],
    "synchronous_commit": ["off"], "commit_delay": ["100"], "client_min_messages": ["debug5", "error"], "log_min_messages": ["debug5"], "debug_print_plan": ["on"], "track_functions": ["all"],
    "exit_on_error": ["on"], "ignore_checksum_failure": ["on"], "zero_damaged_pages": ["on"], "allow_system_table_mods": ["on"], "debug_discard_caches": ["0"], "wal_compression": ["on"],
    "password_encryption": ["md5"], "lo_compat_privileges": ["on"], "vacuum_freeze_min_age": ["0"], "tcp_keepalives_idle": ["1"], "application_name": ["a'b\"c\\"], "compute_query_id": ["on"],
    "backtrace_functions": ["errstart"], "session_preload_libraries": ["''"], "max_stack_depth": ["100kB"], "max_parallel_workers_per_gather": ["0"], "recursive_worktable_factor": ["1000000"],
    "stats_fetch_consistency": ["none"], "vacuum_cost_delay": ["0"], "wal_skip_threshold": ["0"], "trace_sort": ["on"], "trace_notify": ["on"], "update_process_title": ["off"],
}
SCENARIO = [
    ("app", "SELECT referral.issue_invite(7000030, code => 'SETTING', max_redemptions => NULL, expires_in => '20000 days')"),
    ("app", "SELECT status FROM referral.redeem_invite('setting', 7000031, '2026-02-01')"),
    ("app", "SELECT status FROM referral.redeem_invite('set_ting', 7000032)"),
    ("app", "INSERT INTO public.orders VALUES (500, 7000031, 123.45), (501, 7000031, 10.005), (502, 7000031, 1000)"),
    ("app", "UPDATE public.orders SET status = 'refunded' WHERE id = 501"),
    ("app", "SELECT referral.record_event('visit', 7000031, 'v', 1.5, 'EUR', '2026-03-02 12:00+05')"),
    ("root", "SELECT referral.settle_at_once('2026-12-31 23:59:59+00')"),
    ("root", "SELECT referral.adjust_credit(7000030, -1.50, 'USD', 'a '' quote')"),
    ("app", "SELECT * FROM referral.spend_credit(7000030, 2.50, 'USD', 'a reference')"),
    ("app", "SELECT * FROM referral.authorize_credit(7000030, 1, 'points', 'r2', valid_for => '1 day 2 hours')"),
    ("app", "SELECT * FROM referral.capture_credit('r2')"),
    ("root", "SELECT referral.reassign_referral(7000031, 'OTHER', 'mended')"),
    ("root", "SELECT referral.create_goal('of settings', source => 'orders', rule => '{\"when\": {\"predicate\": \"total > 1 AND status <> ''a''\"}, \"rewards\": [{\"to\": \"friend\", \"fixed\": \"1.50\", \"unit\": \"USD\"}]}') > 0"),
    ("root", "CALL referral.reconcile(restart => true)"),
    ("app", "SELECT * FROM referral.balance(7000030)"),
    ("app", "SELECT what, unit, amount, balance FROM referral.credit_history(7000030)"),
    ("root", "SELECT check_name, object, status FROM referral.doctor() WHERE status <> 'ok' AND check_name !~ 'session'"),
]
# What the program has then, without keys and times that the moment gives.
LEDGER = [
    "SELECT kind, side, unit, amount, beneficiary_id, CASE source WHEN 'orders' THEN transaction_key END, goal, reason, occurred_at, transaction_amount, expires_at FROM referral.credit_lines ORDER BY credit_id",
    "SELECT beneficiary_id, unit, amount, earned, reversed, limited, spent, expired, adjusted, written_off FROM referral.balances ORDER BY 1, 2",
    "SELECT reference, state, unit, requested, amount, released FROM referral.spends ORDER BY 1",
    "SELECT transaction_key, sqlstate, message, detail FROM referral.failures ORDER BY failure_id",
    "SELECT user_id, invite_code, max_redemptions FROM referral.invites ORDER BY 2",
    "SELECT reason FROM referral.reassignments ORDER BY 1",
    "SELECT condition FROM referral.predicates ORDER BY 1",
]


def play_with(database, *settings):
    """The scenario in a session with these settings, undone: the ledger that it ends in, or an error."""
    session = Connection(database, "SET client_min_messages = error")
    try:
        session("BEGIN")
        session("SET LOCAL TimeZone = 'UTC'")
        for setting, value in settings:
            literal = "'" + value.replace("'", "''") + "'"
            session(f"SET {setting} = {value if setting == 'search_path' else literal}")  # a path is a list
        for who, statement in SCENARIO:
            session("SET LOCAL SESSION AUTHORIZATION " + ("hostile_app" if who == "app" else "DEFAULT"))
            session(statement)
        session("SET LOCAL SESSION AUTHORIZATION DEFAULT")
        for setting, _ in settings:
            session(f"RESET {setting}")
        session("SET LOCAL TimeZone = 'UTC'")
        return [session(query) for query in LEDGER]
    except Failed as failed:
        return failed
    finally:
        session.close()


# With these a session may not write, or waits for nothing, or has no stack: an error is the right answer.
RIGHT_ERRORS = {"default_transaction_read_only": "25006", "lock_timeout": "55P03", "max_stack_depth": "54001"}
ALONE = {*RIGHT_ERRORS, "search_path", "standard_conforming_strings", "quote_all_identifiers", "client_encoding", "row_security", "transform_null_equals"}


def settings(database):
    """The scenario under each setting ends in the same ledger, or in an error that says why."""
    root, wrong = Connection(database, "SET client_min_messages = error"), []
    ledger = play_with(database)
    if isinstance(ledger, Failed):
        raise Wrong(f"the scenario itself fails: {ledger}")
    alone, groups = [], {}
    for setting, values in SETTINGS.items():
        for place, value in enumerate(values):
            try:  # a setting, or a value, that there is not in this version of PostgreSQL or on this machine
                root("SELECT set_config($1, $2, true)", setting, value.strip("'"))
            except Failed:
                continue
            if setting in ALONE:
                alone.append((setting, value))
            else:
                groups.setdefault(place, []).append((setting, value))
    for group in [group[n:n + 12] for group in groups.values() for n in range(0, len(group), 12)]:
        if play_with(database, *group) != ledger:
            alone += group  # which of them is it?
    for setting, value in alone:
        found = play_with(database, (setting, value))
        if isinstance(found, Failed):
            if RIGHT_ERRORS.get(setting) != found.code:
                wrong.append(f"{setting} = {value}: {str(found)[:300]}")
        elif found != ledger:
            wrong += [f"{setting} = {value}: {a} in place of {b}" for one, other in zip(found, ledger) for a, b in differences(one, other)][:3]
    if wrong:
        raise Wrong("\n".join(wrong))
    print(f"{len(alone) + sum(map(len, groups.values()))} settings, {len(alone)} of them alone")


def differences(found, wanted):
    pairs = [(a, b) for a, b in zip(found, wanted) if a != b]
    return pairs or ([(f"{len(found)} rows", len(wanted))] if len(found) != len(wanted) else [])


# What is told, and to whom

# Each with the users whom the caller has named, and others whom the answer would be about.
REFUSALS = [
    ("SELECT referral.issue_invite(7999999)", "23503"), ("SELECT referral.issue_invite(7000003, code => 'LINK')", "23505"),
    ("SELECT referral.issue_invite(7000003, code => 'ADOPTED')", "23505"), ("SELECT referral.issue_invite(7000003, code => '!')", "22023"),
    ("SELECT referral.issue_invite(7000003, recipient => '')", "22023"), ("SELECT referral.issue_invites(7000003, -1)", "22023"),
    ("SELECT referral.redeem_invite('LINK', 7999999)", "23503"), ("SELECT referral.redeem_invite('LINK', NULL)", "22004"),
    ("SELECT referral.record_event('visit', 7000011, 'visit 1')", "23505"), ("SELECT referral.record_event('no such', 7000010)", "42704"),
    ("SELECT referral.spend_credit(7000003, 1, 'USD', 'spent')", "23505"), ("SELECT referral.spend_credit(7000003, 1, 'USD', 'reserved')", "23505"),
    ("SELECT referral.authorize_credit(7000003, 1, 'USD', 'spent')", "23505"), ("SELECT referral.capture_credit('reserved', 1000)", "22023"),
    ("SELECT referral.release_credit('spent', 1000)", "22023"), ("SELECT referral.spend_credit(7999999, 1, 'USD', 'x')", "23503"),
    ("SELECT referral.balance(7000001, 'soon')", "22007"),
]


def told_to_the_application(database):
    """What is refused names no user whom the caller did not."""
    session, wrong = Connection(database, user="hostile_app"), []
    for statement, code in REFUSALS:
        try:
            session(statement)
            wrong.append(f"{statement} is not refused")
        except Failed as failed:
            if failed.code != code:
                wrong.append(f"{failed}, not {code}")
            said = " ".join((failed.message, failed.detail, failed.hint, failed.args[0].replace(statement, "")))
            others = set(re.findall(r"7[0-9]{6}|[a-z]+@[a-z.]+", said)) - set(re.findall(r"7[0-9]{6}|[a-z]+@[a-z.]+", statement))
            if others:
                wrong.append(f"{statement} tells of {others}: {said}")
    # Whose code it is is the answer to redeeming it; a refusal names nobody.
    for code, friend in (("LINK", 7000001), ("LINK", 7000016), ("ADOPTED", 7000040), ("CLUB", 7000010), ("nothing", 7000040)):
        (status, referrer, referral), = session("SELECT * FROM referral.redeem_invite($1, $2)", code, friend)
        if status not in ("redeemed", "already_redeemed") and (referrer or referral):
            wrong.append(f"{code} for {friend}: {status} tells of {referrer}, {referral}")
    if wrong:
        raise Wrong("\n".join(wrong))


def log(database):
    """What is said of people is said to the program and to nobody beside: not to the log, at any level that a server runs at. (An error
    that is about a value names it, and is logged: a chosen code that is taken, a reference that belongs to another spend.)"""
    log, secrets = Log(), ["SECRETCODE", "person@hostile.example", "a private reason", "SECRETLINK"]
    for level in ("warning", "notice", "debug5"):
        session = Connection(database)
        session(f"SET log_min_messages = {level}")
        session("BEGIN")
        for statement, *values in [
                ("SELECT referral.issue_invite($1, code => $2, recipient => $3)", 7000003, "SECRETCODE", "person@hostile.example"),
                ("SELECT referral.redeem_invite($1, $2, recipient => $3)", "SECRETCODE", 7000041, "other.person@hostile.example"),
                ("SELECT referral.redeem_invite($1, $2, recipient => $3)", "SECRETCODE", 7000041, "person@hostile.example"),
                ("SELECT referral.redeem_invite($1, $2)", "SECRETLINK", 7000042), ("SELECT referral.revoke_invite($1)", "SECRETCODE"),
                ("INSERT INTO public.codes VALUES (50, $1, $2, $3)", 7000004, "SECRETLINK", "person@hostile.example"),
                ("INSERT INTO public.signups VALUES (50, $1, $2)", 7000043, "SECRETLINK"),
                ("INSERT INTO public.codes VALUES (51, $1, $2, $3)", 7000004, "SECRETCODE", "person@hostile.example"),
                ("INSERT INTO public.orders VALUES (600, $1, $2)", 7000010, "NaN"),
                ("SELECT referral.adjust_credit($1, 1, 'USD', $2)", 7000010, "a private reason"),
                ("SELECT referral.spend_credit($1, 1, 'USD', $2)", 7000010, "SECRETLINK")]:
            session("SAVEPOINT statement")
            try:
                session(statement, *values)
            except Failed:
                session("ROLLBACK TO statement")
        session("ROLLBACK")
        secrets += [code for code, in session("SELECT invite_code FROM referral.invites WHERE invite_code ~ '-'")]
    said = log.read()
    found = sorted({line.strip()[:300] for line in said.splitlines() for secret in secrets if secret.lower() in line.lower()})
    if found:
        raise Wrong("\n".join(found[:40]))


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]](*sys.argv[2:])
    except Wrong as wrong:
        print(wrong)
        sys.exit(1)
