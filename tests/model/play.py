"""Plays random operations and compares: play.py serial|concurrent DATABASE SEED OPERATIONS DAY LOG

serial: one session; every answer, every line and every account is predicted.
concurrent: six sessions that are disturbed, and two bank readers; at rest, every completion and every invariant is checked.
Then the ledger is broken in many ways, each of which has to be noticed.
"""

import json
import random
import sys
import threading
import time as clock
from collections import defaultdict
from datetime import datetime, timezone
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import ledger as rules
import operations
from ledger import SOURCES, Fact, Goal, Ledger, Program, Refused, Wrong, decisions, fact_of, kept, key_of, source_of, time
from operations import LEVELS, ROW, World, draw, read_row
from pq import Connection, Failed

BREAKAGES = (Path(__file__).parent / "breakages.sql").read_text()
UTC = ("SET TimeZone = 'UTC'", "SET client_min_messages = warning")


def number(text):
    return None if text is None else Decimal(text)


def goals_of(session):
    """The goals as they were created. Of the program's own reading of them nothing is used."""
    rows = session(
        "SELECT v.goal_version_id, v.goal_id, g.program_id, (SELECT json_agg(s.name) FROM referral.sources s WHERE s.source_id = ANY (v.source_ids)), v.effective_from, "
        "       coalesce(lead(v.effective_from) OVER (PARTITION BY v.goal_id ORDER BY v.version), 'infinity'), v.rule "
        "FROM referral.goal_versions v JOIN referral.goals g USING (goal_id)")
    return [Goal(int(i), int(first), int(program), tuple(json.loads(sources)), time(begins), time(ends), json.loads(rule, parse_float=Decimal))
            for i, first, program, sources, begins, ends, rule in rows]


def programs_of(session):
    rows = session("""SELECT program_id, name, extract(epoch FROM attribution_window)::int || ' seconds',
                             extract(epoch FROM grace)::int || ' seconds', allow_debt FROM referral.programs""")
    programs = {int(i): Program(rules.length(window), rules.length(grace), debt == "t") for i, _, window, grace, debt in rows}
    return programs, {name: int(i) for i, name, *_ in rows}


def expect(what, said, predicted):
    if said != predicted:
        only = lambda a, b: {k: v for k, v in a.items() if b.get(k) != v} if isinstance(a, dict) else a
        raise Wrong(f"{what}: the ledger says {only(said, predicted)}, the model {only(predicted, said)}")


def same(said, predicted):
    """Whether an answer of the database, in texts, is the predicted one."""
    if isinstance(predicted, (list, tuple)):
        return len(said) == len(predicted) and all(map(same, said, predicted))
    if said is None or predicted is None:
        return said is predicted
    return said == predicted if isinstance(predicted, str) else Decimal(said) == predicted


def check_invariants(session):
    violations = session("TABLE public.violations")
    if violations:
        raise Wrong("\n".join(": ".join(violation) for violation in violations[:10]))


def new_ledger(session):
    programs, names = programs_of(session)
    ledger = Ledger(goals_of(session), programs)
    ledger.program_names = names
    for (user,) in session("SELECT id FROM public.users"):
        ledger.user_arrives(int(user))
    return ledger


class Serial:
    """One session, and the model beside it."""

    def __init__(self, database, seed, day, log):
        self.session = Connection(database, *UTC)
        self.ledger = new_ledger(self.session)
        self.rng, self.world, self.log = random.Random(seed), World(day), log
        self.last_line, self.known_spends, self.operations = 0, set(), 0

    def play(self, operations):
        while self.operations < operations:
            self.transaction()
            if self.rng.random() < 0.01:
                self.compare()
        self.compare()

    def transaction(self):
        rng = self.rng
        plan = [draw(self.world, rng) for _ in range(rng.choice([1, 1, 1, 2, 3, 5]))]
        level, rolled_back = rng.choice(LEVELS), rng.random() < 0.08
        done, session = [], self.session
        begun = time(session.one("SELECT now()"))
        self.operations += len(plan)
        bare = len(plan) == 1 and plan[0].bare and rng.random() < 0.7
        if not bare:
            session(f"BEGIN ISOLATION LEVEL {level}")
            begun = time(session.one("SELECT now()"))
        for operation in plan:
            guarded = not bare and (len(plan) > 1 or rng.random() < 0.3)
            undone = guarded and rng.random() < 0.1
            if guarded:
                session("SAVEPOINT before")
            try:
                answer = operation.run(session)
            except Failed as failure:
                answer = failure
                undone = guarded
            if undone:
                session("ROLLBACK TO before")
            if not undone or isinstance(answer, Failed):
                done.append((operation, answer))
            print(f"{self.operations}\t{operation}\t{answer}{' undone' if undone else ''}", file=self.log)
        if not bare:
            session("ROLLBACK" if rolled_back else "COMMIT")
        print("rolled back" if rolled_back and not bare else "committed", file=self.log, flush=True)
        if session.warnings:
            raise Wrong(f"warnings: {session.warnings}")
        if bare or not rolled_back:
            self.replay(done, begun, time(session.one("SELECT now()")) if bare else begun)

    def replay(self, done, begun, now):
        ledger = self.ledger
        ledger.begun, ledger.now = begun, now
        self.learn(begun)
        for operation, answer in done:
            try:
                predicted = operation.model(ledger, None if isinstance(answer, Failed) else answer)
            except Refused as refused:
                if not isinstance(answer, Failed) or answer.code != str(refused):
                    raise Wrong(f"{operation} must fail with {refused}, and said {answer}")
                continue
            if isinstance(answer, Failed):
                raise Wrong(f"{operation} must not fail: {answer}")
            if predicted is not None and not same(answer, predicted):
                raise Wrong(f"{operation} said {answer}, and not {predicted}")
        ledger.commit()
        if ledger.left_over():
            raise Wrong(f"the model lacks {ledger.left_over()} after {[operation for operation, _ in done]}")

    def learn(self, begun):
        """The numbers that the database gave to what is new."""
        ledger, session = self.ledger, self.session
        ledger.posted = {}
        for line, available, kind, user, unit, amount, side, referral, completion, reverses, expires, spend, limit in session(
                "SELECT credit_id, available_at, kind, beneficiary_id, unit, amount, side, invites_friends_id, completion_no, reverses, "
                "       expires_at, spend_id, goal_id FROM referral.credits WHERE credit_id > $1 ORDER BY credit_id", self.last_line):
            self.last_line = int(line)
            integer = lambda text: text and int(text)
            key = (kind, int(user), unit, Decimal(amount), side, integer(referral), integer(completion), integer(reverses),
                   time(expires), integer(spend), integer(limit))
            ledger.posted.setdefault(key, []).append((int(line), time(available)))
        ledger.numbers.update(
            ((int(referral), int(goal), key_of(source, key)), int(completion)) for referral, goal, source, key, completion in session(
                "SELECT invites_friends_id, goal_version_id, name, transaction_key, completion_no FROM referral.goal_completions "
                "JOIN referral.sources USING (source_id) WHERE decided_at >= $1", begun))
        ledger.spend_ids = {reference: int(spend) for reference, spend in session(
            "SELECT reference, spend_id FROM referral.spends WHERE created_at >= $1", begun)}

    def compare(self):
        """Every table with the model."""
        ledger, session = self.ledger, self.session
        check_invariants(session)
        expect("users", {int(u) for (u,) in session("SELECT id FROM public.users")}, ledger.users)
        for source in SOURCES:
            rows = {row["id"]: row for row in map(read_row, session(f"SELECT {ROW} FROM public.{source}"))}
            simple = lambda rows: {k: {c: str(v) if c == "total" and v is not None and not v.is_finite() else v for c, v in row.items() if c != "note"}
                                   for k, row in rows.items()}
            expect(source, simple(rows), simple(ledger.rows[source]))
        integer = lambda text: text and int(text)
        expect("referrals", {int(n): (integer(f), integer(r), time(at)) for n, f, r, at in session(
            "SELECT invites_friends_id, friend_id, referrer_id, redeemed_at FROM referral.invites_friends")},
            {n: (r.friend, r.referrer, r.redeemed) for n, r in ledger.referrals.items()})
        state = lambda c: "active" if c.standing else "preliminary" if c.counted else "reversed"
        expect("completions", {(int(r), int(n)): (int(g), key_of(source, k), s, Decimal(a), time(at)) for r, n, g, source, k, s, a, at in session(
            "SELECT invites_friends_id, completion_no, goal_version_id, name, transaction_key, state, amount, occurred_at FROM referral.goal_completions JOIN referral.sources USING (source_id)")},
            {(r, c.number): (*key, state(c), c.basis.amount, c.basis.at) for r, referral in ledger.referrals.items()
             for key, c in referral.completions.items()})
        expect("failures", {(int(r), s) for r, s in session(
            "SELECT DISTINCT f.invites_friends_id, s.name FROM referral.failures f JOIN referral.sources s USING (source_id) WHERE resolved_at IS NULL")},
            set(ledger.failures))
        expect("unsettled", {int(line) for (line,) in session("SELECT credit_id FROM referral.unsettled")}, set(ledger.unsettled))
        expect("balances", {(int(u), unit): tuple(map(Decimal, sums)) for u, unit, *sums in session(
            "SELECT beneficiary_id, unit, earned, reversed, limited, spent, expired, adjusted, written_off FROM referral.balances") if any(map(Decimal, sums))},
            {key: tuple(b.sums.values()) for key, b in ledger.balances.items() if any(b.sums.values())})
        expect("lots", {(int(u), unit, time(at)): tuple(map(Decimal, amounts)) for u, unit, at, *amounts in session(
            "SELECT beneficiary_id, unit, expires_at, remaining, expired, repaid_from_other FROM referral.lots") if any(map(Decimal, amounts))},
            {(*key, at): (lot.remaining, lot.expired, lot.repaid_from_other) for key, b in ledger.balances.items() for at, lot in b.lots.items()
             if lot.remaining or lot.expired or lot.repaid_from_other})
        expect("awards", {(int(u), int(r), int(n), side, unit): (int(g), Decimal(a), Decimal(c), int(day) if Decimal(a) else 0, int(place) * (side == "referrer"), cr == "t", cf == "t")
                          for u, r, n, side, unit, g, a, c, day, place, cr, cf in session(
            "SELECT beneficiary_id, invites_friends_id, completion_no, side, unit, goal_id, awarded, limited, day, rank, counts_reward, counts_friend FROM referral.awards")},
            {key: (g.goal, g.awarded, g.limited, g.day if g.awarded else 0, g.place * (key[3] == "referrer"), g.counts_reward, g.counts_friend) for key, g in ledger.awards.items()})
        expect("budgets", {(int(g), unit): Decimal(u) for g, unit, u in session("SELECT goal_id, unit, used FROM referral.budgets WHERE used <> 0")},
               {g: u for g, u in ledger.budgets.items() if u})
        expect("spends", {ref: (int(u), unit, Decimal(asked), Decimal(amount), Decimal(released), state) for ref, u, unit, asked, amount, released, state in session(
            "SELECT reference, beneficiary_id, unit, requested, amount, released, state FROM referral.spends")},
            {ref: (s.user, s.unit, s.asked, s.amount, s.released, s.state) for ref, s in ledger.spends.items()})
        expect("parts of spends", {(int(s), time(at)): (Decimal(a), Decimal(r)) for s, at, a, r in session(
            "SELECT spend_id, expires_at, amount, released FROM referral.spend_parts")},
            {(s.id, at or rules.FOREVER): (a, r) for s in ledger.spends.values() for at, a, r in s.parts})
        expect("releases", {own: Decimal(a) for own, a in session("SELECT reference, amount FROM referral.releases")},
               {own: a for own, (_, a) in ledger.releases.items()})


class Concurrent:
    """Six sessions that get in each other's way, two bank readers, and somebody who cancels and kills."""

    WORKERS = 6
    # What an operation may meet: it is cancelled, killed, deadlocked or waits for too long; or it asked for what is not there.
    MAY_MEET = {"57014", "57P01", None, "40P01", "55P03", "23503", "23505", "22023", "23514"}

    def __init__(self, database, seed, day, log):
        self.database, self.day, self.log = database, day, log
        self.session = Connection(database, *UTC)
        self.programs, _ = programs_of(self.session)
        self.goals = goals_of(self.session)
        self.rows = {source: {} for source in SOURCES}  # by key: version and row, as they were committed
        self.spent, self.gone, self.redeemed = {}, set(), {}
        self.lines, self.frozen, self.operations, self.met = {}, {}, 0, defaultdict(int)
        self.wrong, self.stop, self.lock = [], threading.Event(), threading.Lock()
        world = World(day, bad_amounts=False)
        self.workers = [Worker(self, number, world.worker(number), random.Random(f"{seed}/{number}")) for number in range(self.WORKERS)]
        self.rng = random.Random(f"{seed}/disturber")

    def play(self, operations):
        readers = [threading.Thread(target=self.guarded(f)) for f in (self.read_at_once, self.read_in_a_snapshot, self.disturb)]
        threads = readers + [threading.Thread(target=self.guarded(worker.work)) for worker in self.workers]
        for thread in threads:
            thread.start()
        try:
            step = max(operations // 4, 1)
            for target in range(step, operations + 1, step):
                while self.operations < target and not self.wrong:
                    clock.sleep(0.05)
                for worker in self.workers:
                    worker.busy.acquire()
                try:
                    self.rest()
                finally:
                    for worker in self.workers:
                        worker.busy.release()
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
            for met, times in sorted(self.met.items(), key=str):
                print(met, times, sep="\t", file=self.log)
        if self.wrong:
            raise self.wrong[0]
        self.rest()
        self.break_it()
        # At the end of time all is decided, and each rule of the limits has been applied.
        self.session("CALL referral.settle($1)", self.day.replace(year=self.day.year + 3))
        self.check(self.session)
        expect("lines that wait", self.session.one("SELECT count(*) FROM referral.unsettled"), "0")
        self.check_tiers()

    def guarded(self, function):
        def run():
            try:
                function()
            except Exception as wrong:  # noqa: BLE001: whatever it is, the test has failed
                if not isinstance(wrong, Wrong):
                    import traceback

                    wrong = Wrong(traceback.format_exc())
                self.wrong.append(wrong)
                self.stop.set()
        return run

    # Those who look on

    ACCOUNTS = """SELECT beneficiary_id, unit, amount FROM referral.balances
        UNION ALL SELECT c.beneficiary_id, c.unit, c.amount FROM referral.unsettled JOIN referral.credits c USING (credit_id)"""

    def read_at_once(self):
        session = Connection(self.database, *UTC)
        while not self.stop.wait(0.02):
            differences = session(f"""SELECT beneficiary_id, unit, sum(l), sum(a) FROM (
                SELECT beneficiary_id, unit, amount AS l, 0 AS a FROM referral.credits
                UNION ALL SELECT beneficiary_id, unit, 0, amount FROM ({self.ACCOUNTS}) x) y
                GROUP BY beneficiary_id, unit HAVING sum(l) <> sum(a)""")
            if differences:
                raise Wrong(f"I12: a reader saw lines and accounts differ: {differences}")
            self.met["bank reads at once"] += 1

    def read_in_a_snapshot(self):
        session = Connection(self.database, *UTC)
        while not self.stop.wait(0.02):
            session("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            sums = [session(f"SELECT beneficiary_id, unit, sum(amount) FROM {accounts} x GROUP BY 1, 2 HAVING sum(amount) <> 0 ORDER BY 1, 2")
                    for accounts in ("referral.credits", f"({self.ACCOUNTS})")]
            session("COMMIT")
            numbers = [[(user, unit, Decimal(amount)) for user, unit, amount in each] for each in sums]
            if numbers[0] != numbers[1]:
                raise Wrong(f"I12: a snapshot has lines and accounts that differ: {set(numbers[0]) ^ set(numbers[1])}")
            self.met["bank reads in a snapshot"] += 1

    def disturb(self):
        session = Connection(self.database, *UTC)
        while not self.stop.wait(self.rng.uniform(0.01, 0.15)):
            worker = self.rng.choice(self.workers)
            how = self.rng.choice(["cancel"] * 5 + ["terminate"])
            session(f"SELECT pg_{how}_backend($1)", worker.session.pid)

    # What is checked at rest

    def rest(self):
        session = self.session
        session("CALL referral.reconcile(NULL, 1000, true)")
        before = session.one("SELECT count(*) FROM referral.credits")
        session("CALL referral.reconcile(NULL, 1000, true)")
        expect("I11: lines after a reconcile that finds nothing", session.one("SELECT count(*) FROM referral.credits"), before)
        expect("I13: failures", session(
            "SELECT s.name, p.name, f.invites_friends_id, i.friend_id, f.transaction_key, f.sqlstate, f.message FROM referral.failures f "
            "JOIN referral.sources s ON s.source_id = f.source_id LEFT JOIN referral.invites_friends i ON i.invites_friends_id = f.invites_friends_id "
            "LEFT JOIN referral.programs p ON p.program_id = i.program_id WHERE f.resolved_at IS NULL"), [])
        self.check(session)
        self.lines.update(self.read_lines(session))

    def read_lines(self, session):
        return {line[0]: line for line in session("SELECT credit_id, beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, "
                                                  "revision, reverses, goal_id, spend_id, available_at, expires_at, reason FROM referral.credits")}

    def check(self, session):
        check_invariants(session)
        now = self.read_lines(session)
        changed = [line for key, line in self.lines.items() if now.get(key) != line]
        if changed:
            raise Wrong(f"I1: lines were changed: {changed[:5]}")
        users = {int(u) for (u,) in session("SELECT id FROM public.users")}
        rows = {source: {row["id"]: row for row in map(read_row, session(f"SELECT {ROW} FROM public.{source}"))} for source in SOURCES}
        for source in SOURCES:
            mine = {key: dict(row) for key, (_, row) in self.rows[source].items() if row}
            for key, row in list(mine.items()):
                if row["user_id"] is not None and row["user_id"] not in users:
                    row["user_id"] = None
                    if source == "bookings":
                        del mine[key]
            expect(f"committed {source}", rows[source], mine)
        self.check_targets(session, rows)
        self.check_spends(session)

    def check_targets(self, session, rows):
        """I3, I4, I9: what each completion was credited is what one evaluation of what was committed says."""
        goals = {goal.id: goal for goal in self.goals}
        integer = lambda text: text and int(text)
        referrals = session("SELECT invites_friends_id, friend_id, referrer_id, program_id, redeemed_at FROM referral.invites_friends")
        expect("referrals that were answered", {int(r[0]) for r in referrals}, set(self.redeemed))
        credited = defaultdict(Decimal)
        for referral, goal, source, key, side, unit, user, amount in session(
                "SELECT l.invites_friends_id, c.goal_version_id, s.name, c.transaction_key, l.side, l.unit, l.beneficiary_id, sum(l.amount) "
                "FROM referral.credits l JOIN referral.goal_completions c USING (invites_friends_id, completion_no) "
                "JOIN referral.sources s USING (source_id) "
                "WHERE l.revision IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(l.amount) <> 0"):
            credited[int(referral), int(goal), key_of(source, key), side, unit, int(user)] = Decimal(amount)
        archived = defaultdict(dict)
        for referral, source, key, amount, currency, at in session(
                "SELECT c.invites_friends_id, s.name, c.transaction_key, c.amount, c.currency, c.occurred_at FROM referral.goal_completions c "
                "JOIN referral.sources s USING (source_id) WHERE state <> 'reversed'"):
            if SOURCES[source] == "archive":
                key = key_of(source, key)
                archived[int(referral)][key] = Fact(key, True, Decimal(amount), currency, time(at))
        bought = defaultdict(list)
        for source in SOURCES:
            for row in rows[source].values():
                bought[row["user_id"]].append(fact_of(source, row))
        for number, friend, referrer, program, redeemed in referrals:
            number, friend, referrer, program = int(number), integer(friend), integer(referrer), int(program)
            mine = {key[1:]: amount for key, amount in credited.items() if key[0] == number}
            if friend is None:
                # Nothing changes any more for a friend who is gone.
                expect(f"referral {number}", mine, self.frozen.setdefault(number, mine))
                continue
            due, facts = {}, bought[friend]
            here = {fact.key for fact in facts}
            left = [kept(fact, rows[source_of(key)].get(key[1]))
                    for key, fact in archived[number].items() if key not in here]
            facts = facts + [fact for fact in left if fact]
            about = [goal for goal in self.goals if goal.program == program]
            for (goal, key), rewards in decisions(about, self.programs[program], time(redeemed), facts).items():
                for (side, unit), (amount, *_) in (rewards or {}).items():
                    due[goal, key, side, unit, friend if side == "friend" else referrer] = amount
            if referrer is None:
                # Who is gone is credited no more; what he had is taken back as before.
                had, most = ({key: amount for key, amount in each.items() if key[2] == "referrer"} for each in (mine, due))
                for *about, user in had:
                    if sum(a for k, a in had.items() if list(k[:4]) == about) > most.get((*about, None), 0):
                        raise Wrong(f"referral {number}: {user}, who is gone, has {had}, of {most}")
                due, mine = ({key: amount for key, amount in each.items() if key[2] == "friend"} for each in (due, mine))
            expect(f"referral {number}", mine, due)

    def check_spends(self, session):
        """What was answered is what is stored, and each reference was spent once."""
        stored = {ref: (int(user), unit, Decimal(amount)) for ref, user, unit, amount in session(
            "SELECT reference, beneficiary_id, unit, amount FROM referral.spends")}
        expect("spends that were answered", stored, self.spent)

    def check_tiers(self):
        """Where all is settled, a tiered reward is no more than its tier pays of what the purchase is now."""
        goals, wrong = {goal.id: goal for goal in self.goals}, []
        for goal, unit, place, awarded, paid, key in self.session(
                "SELECT c.goal_version_id, g.unit, g.rank, g.awarded, c.amount, c.transaction_key FROM referral.awards g "
                "JOIN referral.goal_completions c USING (invites_friends_id, completion_no) WHERE g.side = 'referrer' AND c.state = 'active'"):
            goal = goals[int(goal)]
            most = goal.worth("referrer", unit, Decimal(paid), int(place))
            if any("tiers" in reward for reward in goal.rule["rewards"]) and Decimal(awarded) > most:
                wrong.append(f"{awarded} for purchase {key} of {paid} at place {place}, which pays {most}")
        print("not ok" if wrong else "ok", "verdict: a tier pays no more than it says", sep=" ")
        print("tiers", *wrong, sep="\n", file=self.log)

    # Whether all this can fail

    def break_it(self):
        session = self.session
        for breakage in BREAKAGES.split("\n\n")[1:]:
            name, statement = breakage.removeprefix("-- ").rstrip(";\n").split("\n", 1)
            session("BEGIN")
            session("SET LOCAL session_replication_role = replica")
            rows = dict(self.rows["orders"])
            # What is committed without being seen is committed.
            changed = session(f"{statement} RETURNING *")
            if name == "a refund is not seen":
                for key, *_ in changed:
                    version, row = rows[int(key)]
                    self.rows["orders"][int(key)] = version, {**row, "status": "refunded"}
            self.notices(name, bool(changed))
            self.rows["orders"] = rows
            session("ROLLBACK")
        rules.ROUNDING = ROUND_DOWN
        self.notices("the model rounds down")
        rules.ROUNDING = rules.ROUND_HALF_UP

    def notices(self, name, changed=True):
        try:
            self.check(self.session)
        except Wrong as wrong:
            print(f"ok verdict: notices that {name}")
            print("noticed", name, str(wrong).splitlines()[0][:200], sep="\t", file=self.log)
        else:
            print(f"not ok verdict: notices that {name}" + ("" if changed else ": there was nothing to break"))

    # What was committed

    def committed(self, operation, answer):
        kind = type(operation).__name__
        with self.lock:
            if kind in ("Buy", "Change", "ChangeUnseen", "Rename", "Delete"):
                rows = self.rows[operation.source]
                changes = [(int(key), int(version), None) for key, version in answer] if kind == "Delete" else [
                    (int(row[0]), int(row[-1]), read_row(row[:-1])) for row in answer]
                if kind == "Rename":
                    changes += [(key, changes[0][1], None) for key in operation.old if changes and key != operation.new]
                for key, version, row in changes:
                    if version > rows.get(key, (0, None))[0]:
                        rows[key] = version, row
            elif kind in ("Spend", "Authorize") and answer[0][0] in ("spent", "authorized"):
                if operation.reference in self.spent:
                    raise Wrong(f"{operation} was spent twice")
                self.spent[operation.reference] = operation.user, operation.unit, Decimal(answer[0][1])
            elif kind == "Redeem" and answer[0][0] == "redeemed":
                self.redeemed[int(answer[0][2])] = operation


class Worker:
    def __init__(self, room, number, world, rng):
        self.room, self.world, self.rng, self.name = room, world, rng, f"worker {number}"
        self.session, self.witness = Connection(room.database, *UTC), Connection(room.database, *UTC)
        self.busy, self.transactions = threading.Lock(), 0

    def work(self):
        while not self.room.stop.is_set():
            with self.busy:
                self.transaction()
            clock.sleep(0)

    def transaction(self):
        rng, room = self.rng, self.room
        plan = [draw(self.world, rng) for _ in range(rng.choice([1, 1, 1, 2, 3, 5]))]
        room.operations += len(plan)
        level = rng.choice(LEVELS)
        setting = rng.choice([None] * 8 + ["statement_timeout", "lock_timeout"])
        if len(plan) == 1 and plan[0].bare and rng.random() < 0.7:
            self.attempt(plan, None, None, rng.getstate())
            return
        state = rng.getstate()
        for _ in range(5):
            if self.attempt(plan, level, setting, state):
                return

    def attempt(self, plan, level, setting, state):
        """Plays a transaction, the same way each time. False: it is to be tried again."""
        self.rng.setstate(state)
        rng, room, session, done = self.rng, self.room, self.session, []
        self.transactions += 1
        name, ending = f"{self.name}, {self.transactions}", False
        try:
            if level:
                session(f"BEGIN ISOLATION LEVEL {level}")
                if setting:
                    session(f"SET LOCAL {setting} = '{rng.choice([3, 10, 30])}ms'")
                session("INSERT INTO public.journal VALUES ($1)", name)
            for operation in plan:
                guarded, undone = level and rng.random() < 0.6, rng.random() < 0.1
                if guarded:
                    session("SAVEPOINT before")
                try:
                    answer = operation.run(session)
                except Failed as failure:
                    self.meet(operation, level, failure)
                    if not guarded or failure.code in (None, "40001"):
                        raise
                    undone = True
                if guarded and undone:
                    session("ROLLBACK TO before")
                else:
                    done.append((operation, answer))
            if level and rng.random() < 0.08:
                session("ROLLBACK")
                return True
            ending = True
            if level:
                session("COMMIT")
        except Failed as failure:
            if ending:
                self.meet("COMMIT", level, failure)
            if failure.code not in ("40001", "40P01") or not level:
                self.room.met["given up"] += 1
            lost = not self.back_to_rest()
            # Whether a COMMIT on which the connection was lost came through is told by the journal.
            if not (ending and lost and self.witness("SELECT FROM public.journal WHERE transaction = $1", name)):
                return failure.code not in ("40001", "40P01")
        finally:
            self.complain()
        for operation, answer in done:
            room.committed(operation, answer)
        return True

    def back_to_rest(self):
        """Rolls back, or connects again once the old session is over; then it says False."""
        try:
            self.session("ROLLBACK")
            return True
        except Failed:
            while self.witness("SELECT FROM pg_stat_activity WHERE pid = $1", self.session.pid):
                clock.sleep(0.01)
            self.session.connect()
            return False

    def meet(self, operation, level, failure):
        kind = operation if isinstance(operation, str) else type(operation).__name__
        self.room.met[kind, level, failure.code] += 1
        if failure.code in ("40001", "40P01", "55P03"):
            print(kind, level, " ".join(str(failure).split()), sep="\t", file=self.room.log)
        may_meet = self.room.MAY_MEET | ({"40001"} if level not in (None, "READ COMMITTED") else set())
        if failure.code not in may_meet:
            raise Wrong(f"{operation} at {level} failed: {failure}")

    def complain(self):
        for warning in self.session.warnings:
            if "no transaction in progress" not in warning:
                self.room.met["warning", warning] += 1
        self.session.warnings.clear()


if __name__ == "__main__":
    mode, database, seed, count, day, log = sys.argv[1:]
    day = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
    try:
        with open(log, "w") as file:
            game = {"serial": Serial, "concurrent": Concurrent}[mode](database, int(seed), day, file)
            game.play(int(count))
            print(game.operations, "operations")
    except Wrong as wrong:
        print(str(wrong)[:3000])
        sys.exit(1)
