"""What the ledger must say: the rules of README.md once more, in another language and by another hand.

`decisions` is what one friend's purchases should have earned. `Ledger` replays what was committed, in its order, and
predicts every line and every account; the database only tells it the numbers of the lines that it asks for.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
ROUNDING = ROUND_HALF_UP  # of what is never negative: half away from zero
SOURCES = {"orders": "archive", "bookings": "reverse"}
FOREVER = datetime.max.replace(tzinfo=timezone.utc)
ALWAYS = datetime.min.replace(tzinfo=timezone.utc)


class Wrong(Exception):
    """The ledger is not what it must be."""


class Refused(Exception):
    """A call has to fail with this SQLSTATE."""


def time(text):
    """A timestamptz as PostgreSQL writes it in UTC."""
    if text is None:
        return None
    return {"infinity": FOREVER, "-infinity": ALWAYS}.get(text) or datetime.fromisoformat(text)


def length(text):
    """A duration: so many days, or microseconds."""
    return timedelta(**{text.split()[1].rstrip("s") + "s": int(text.split()[0])}) if text else None


def end_of_day(at):
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at if at == day else day + timedelta(days=1)


def decimals(unit):
    return Decimal("0.01") if unit == "USD" else Decimal(1)


@dataclass(frozen=True)
class Goal:
    id: int
    first: int  # of its first version
    program: int
    sources: tuple  # of their names
    begins: datetime
    ends: datetime
    rule: dict

    def has_budget(self):
        return "budget" in self.rule.get("limits", {})

    def is_tiered(self, side):
        return any("tiers" in reward for reward in self.rule["rewards"] if reward["to"] == side)

    def settled_for(self, side):
        """Whether settlement has to decide what this side gets."""
        return self.has_budget() or side == "referrer" and "per_referrer" in self.rule.get("limits", {}) or self.is_tiered(side)

    def worth(self, side, unit, paid, place):
        """What one side is paid in a unit for a friend at this place."""
        mine = (reward for reward in self.rule["rewards"] if (reward["to"], reward["unit"]) == (side, unit))
        return sum((worth(tier_of(reward, place), unit, paid) for reward in mine), ZERO)


def tier_of(reward, place):
    return [tier for tier in reward.get("tiers", [reward]) if tier.get("from", 1) <= place][-1]


def worth(tier, unit, paid):
    if "fixed" in tier:
        return Decimal(tier["fixed"])
    part = (paid * Decimal(tier["percent"]) / 100).quantize(decimals(unit), ROUNDING)
    return min(part, Decimal(tier["max"])) if "max" in tier else part


@dataclass(frozen=True)
class Fact:
    """A purchase as it is now."""

    key: tuple  # the place of its source, and its id there
    qualifies: bool
    amount: Decimal | None
    currency: str
    at: datetime | None


def key_of(source, id):
    """What a purchase is found by. Of two at the same time the one in the source that was attached first comes first."""
    return list(SOURCES).index(source), int(id)


def source_of(key):
    return list(SOURCES)[key[0]]


def fact_of(source, row):
    """A purchase as its row says it."""
    amount = None if row["total"] is None else row["total"] - row["refunded"]
    return Fact(key_of(source, row["id"]), row["status"] == "paid", amount, row["currency"], row["bought_at"])


def kept(basis, row):
    """What is left of a purchase that its friend has no more: all of it where the row is gone; where it is nobody's, as much as
    it still says; nothing where it is somebody else's."""
    if row is None:
        return basis
    if row["user_id"] is not None:
        return None
    now = fact_of(source_of(basis.key), row)
    if not now.qualifies or now.amount is None:
        return replace(basis, qualifies=False)
    return replace(basis, amount=min(basis.amount, now.amount) if now.amount.is_finite() else now.amount)


def unreadable(facts):
    return any(fact.qualifies and fact.amount is not None and not fact.amount.is_finite() for fact in facts)


@dataclass(frozen=True)
class Program:
    window: timedelta | None
    grace: timedelta | None
    allow_debt: bool


def passes(goal, program, redeemed, fact):
    when = goal.rule.get("when", {})
    percent_of = [r["unit"] for r in goal.rule["rewards"] if r["unit"] == "USD"
                  and any("percent" in tier for tier in r.get("tiers", [r]))]
    return (
        fact.qualifies and fact.amount is not None and fact.amount > 0 and fact.at is not None
        and fact.at >= redeemed - (program.grace or timedelta())
        and all(fact.at < redeemed + window for window in (program.window, length(when.get("within"))) if window)
        and when.get("currency", fact.currency) == fact.currency
        and all(unit == fact.currency for unit in percent_of)
        and fact.amount >= Decimal(when.get("min_amount", 0))
    )


def decisions(goals, program, redeemed, facts):
    """By goal and purchase: what is due by side and unit, as (amount, available at, expires at); None where a purchase is
    only counted."""
    due = {}
    for goal in goals:
        if not goal.begins <= redeemed < goal.ends:
            continue
        passed = (f for f in facts if source_of(f.key) in goal.sources and passes(goal, program, redeemed, f))
        passed = sorted(passed, key=lambda f: (f.at, f.key))
        occurrence = goal.rule.get("when", {}).get("occurrence", {"first": 1})
        for place, fact in enumerate(passed, 1):
            nth = occurrence != "every" and occurrence.get("nth")
            if occurrence == "every" or place <= occurrence.get("first", 0) or place == nth:
                due[goal.id, fact.key] = rewards(goal, fact)
            elif nth and place < nth:
                due[goal.id, fact.key] = None
    return due


def rewards(goal, fact):
    due = {}
    for reward in goal.rule["rewards"]:
        unit = reward["unit"]
        amount = max(worth(tier, unit, fact.amount) for tier in reward.get("tiers", [reward]))
        if amount > 0:
            available = fact.at + length(reward["hold"]) if "hold" in reward else None
            expires = end_of_day((available or fact.at) + length(reward["expires"])) if "expires" in reward else None
            if (reward["to"], unit) in due:
                raise NotImplementedError("two rewards of one unit to one side")
            due[reward["to"], unit] = amount, available, expires
    return due


@dataclass
class Line:
    id: int
    beneficiary: int
    side: str | None
    unit: str
    amount: Decimal
    reverses: int | None
    available: datetime
    expires: datetime | None
    referral: int
    completion: "Completion"
    limit: int | None  # the goal, by its first version, whose limits are to be applied


@dataclass
class Completion:
    number: int
    goal: Goal
    basis: Fact
    standing: bool = True
    counted: bool = False
    lines: list = field(default_factory=list)


@dataclass
class Referral:
    friend: int | None
    referrer: int | None
    program: int
    redeemed: datetime
    code: str
    completions: dict = field(default_factory=dict)  # by goal and purchase


@dataclass
class Invite:
    user: int | None
    program: int
    most: int | None
    revoked: datetime | None = None
    left: int = 0  # friends who were given to somebody else


@dataclass
class Lot:
    remaining: Decimal = ZERO
    expired: Decimal = ZERO
    repaid_from_other: Decimal = ZERO  # taken back after it was spent, and so from something else


KINDS = ["earned", "reversed", "limited", "spent", "expired", "adjusted", "written_off"]


class Balance:
    """What a user has of one unit."""

    def __init__(self):
        self.sums = dict.fromkeys(KINDS, ZERO)
        self.lots = defaultdict(Lot)

    def amount(self):
        return sum(self.sums.values())

    def lasting(self):
        return self.amount() - sum(lot.remaining for lot in self.lots.values())

    def draw(self, amount):
        """Uses up what expires, first-expiring first."""
        parts = []
        for expires in sorted(self.lots):
            lot = self.lots[expires]
            part = min(lot.remaining, amount)
            if part > 0:
                lot.remaining -= part
                amount -= part
                parts.append((expires, part))
        return parts


@dataclass
class Award:
    goal: int
    awarded: Decimal = ZERO
    limited: Decimal = ZERO
    day: int | None = None
    place: int = 0
    counts_reward: bool = False
    counts_friend: bool = False


@dataclass
class Spend:
    id: int
    user: int
    unit: str
    asked: Decimal
    amount: Decimal
    state: str
    expires: datetime | None
    parts: list  # [expires, amount, released]
    released: Decimal = ZERO

    def state_at(self, at):
        """As it is once what was reserved for too long is given back."""
        return "voided" if self.overdue(at) else self.state

    def overdue(self, at):
        return self.state == "authorized" and self.expires is not None and self.expires <= at


@dataclass
class Claim:
    """Lines that are settled together."""

    user: int
    unit: str
    may_owe: bool = True
    earned: Decimal = ZERO
    reversed: Decimal = ZERO
    expires: datetime | None = None
    lines: list = field(default_factory=list)
    cut: Decimal = ZERO

    def net(self):
        return self.earned + self.reversed - self.cut


class Ledger:
    def __init__(self, goals, programs):
        self.goals, self.programs = {goal.id: goal for goal in goals}, programs
        self.users, self.invites, self.referrals = set(), {}, {}
        self.rows = {source: {} for source in SOURCES}
        self.failures = {}  # when each failed last
        self.unsettled, self.balances, self.awards = {}, defaultdict(Balance), {}
        self.spends, self.releases, self.budgets = {}, {}, defaultdict(Decimal)
        self.now = None
        # What the database says of the transaction that is replayed.
        self.posted, self.numbers, self.spend_ids = {}, {}, {}
        self.departed = set()

    # Lines

    def post(self, kind, user, unit, amount, *, side=None, referral=None, number=None, reverses=None, expires=None, spend=None,
             limit=None):
        """Predicts a line, and learns its number and the time since when it is available."""
        line = (kind, user, unit, amount, side, referral, number, reverses, expires, spend, limit)
        known = self.posted.get(line)
        if not known:
            raise Wrong(f"the ledger lacks {line}; it has {self.left_over()}")
        return known.pop(0)

    def left_over(self):
        return [line for line, known in self.posted.items() for _ in known]

    # Purchases

    def change(self, source, changes, renamed=(), seen=True):
        """Rows of one statement, as they were and as they are."""
        rows, touched, departed = self.rows[source], set(), set()
        for old, new in changes:
            if old:
                del rows[old["id"]]
        for old, new in changes:
            if new:
                rows[new["id"]] = new
            if not new and SOURCES[source] == "archive":
                continue
            if not old or not new or any(old[c] != new[c] for c in old if c != "note"):
                moved = old and new and None not in (old["user_id"], new["user_id"]) and old["user_id"] != new["user_id"]
                touched |= {row["user_id"] for row in ([new] if moved else (old, new)) if row}
                departed |= {old["user_id"]} if moved else set()
        if seen:
            self.evaluate(source, [r for r, referral in self.referrals.items() if referral.friend in touched], renamed)
            self.departed |= {(source, r) for r, referral in self.referrals.items() if referral.friend in departed - touched}

    def commit(self):
        """Who gave a purchase to somebody else is evaluated at the end of the transaction."""
        for source in SOURCES:
            self.evaluate(source, [r for of, r in self.departed if of == source])
        self.departed = set()

    def facts(self, source, user):
        for row in self.rows[source].values():
            if row["user_id"] == user:
                yield fact_of(source, row)

    def evaluate(self, source, referrals, renamed=()):
        for number in sorted(referrals):
            referral = self.referrals[number]
            goals = [g for g in self.goals.values() if source in g.sources and g.program == referral.program]
            if referral.friend is None or not goals:
                continue
            in_force = (goal for goal in goals if goal.begins <= referral.redeemed < goal.ends)
            read = {source} | {each for goal in in_force for each in goal.sources}
            facts = {fact.key: fact for each in read for fact in self.facts(each, referral.friend)}
            stored = {key: c for key, c in referral.completions.items() if source in c.goal.sources}
            renamed_keys = {key_of(source, id) for id in renamed}
            left = [(key, c.basis) for (_, key), c in stored.items() if c.standing or c.counted]
            left = {key: kept(basis, self.rows[source_of(key)].get(key[1])) for key, basis in left
                    if SOURCES[source_of(key)] == "archive" and key not in facts and key not in renamed_keys}
            facts |= {key: fact for key, fact in left.items() if fact}
            if unreadable(facts.values()):
                self.failures[number, source] = self.now
                continue
            self.failures.pop((number, source), None)
            due = decisions(goals, self.programs[referral.program], referral.redeemed, facts.values())
            for key, completion in stored.items():
                if key not in due and (completion.standing or completion.counted):
                    completion.standing = completion.counted = False
                    self.bring(number, completion, {})
            for key, reward in due.items():
                if key not in referral.completions:
                    if (number, *key) not in self.numbers:
                        raise Wrong(f"the ledger lacks completion {number}, {key}")
                    referral.completions[key] = Completion(self.numbers[number, *key], self.goals[key[0]], facts[key[1]])
                completion = referral.completions[key]
                changed = completion.basis.amount != facts[key[1]].amount
                completion.basis = facts[key[1]]
                completion.standing, completion.counted = reward is not None, reward is None
                self.bring(number, completion, reward or {}, changed)

    def bring(self, number, completion, due, changed=False):
        """Posts the difference between what is due for a completion and what is posted. Where the purchase has changed and
        there are tiers that is all of it, once back and once anew, since only settlement knows which tier it is."""
        referral = self.referrals[number]
        current = lambda line: line.side == "friend" or referral.referrer in (None, line.beneficiary)
        sums = {(side, unit, True): ZERO for side, unit in due}
        for line in completion.lines:
            key = line.side, line.unit, current(line)
            sums[key] = sums.get(key, ZERO) + line.amount
        for (side, unit, now), posted in sorted(sums.items()):
            amount, available, expires = due.get((side, unit), (ZERO, None, None)) if now else (ZERO, None, None)
            beneficiary = referral.friend if side == "friend" else referral.referrer
            goal = completion.goal
            limit = goal.first if goal.settled_for(side) else None
            about = {"side": side, "referral": number, "number": completion.number, "limit": limit}

            def append(kind, user, amount, available, expires, reverses):
                line, at = self.post(kind, user, unit, amount, reverses=reverses, expires=expires, **about)
                if available is None and not self.begun <= at <= self.now or available not in (None, at):
                    raise Wrong(f"line {line} is available from {at}, not {available}")
                new = Line(line, user, side, unit, amount, reverses, at, expires, number, completion, limit)
                completion.lines.append(new)
                self.unsettled[line] = new

            anew = changed and amount > 0 and posted > 0 and goal.is_tiered(side)
            surplus, missing = (posted, amount) if anew else (posted - amount, amount - posted)
            for line in sorted(completion.lines, key=lambda line: -line.id):
                if surplus > 0 and line.reverses is None and (line.side, line.unit, current(line)) == (side, unit, now):
                    part = min(surplus, line.amount + sum(o.amount for o in completion.lines if o.reverses == line.id))
                    if part > 0:
                        append("reversed", line.beneficiary, -part, line.available, line.expires, line.id)
                        surplus -= part
            if missing > 0 and beneficiary is not None:
                append("earned", beneficiary, missing, available, expires, None)

    # Users and referrals

    def user_arrives(self, user):
        if user in self.users:
            raise Refused("23505")
        self.users.add(user)
        for program in self.programs:
            self.invites[f"LINK-{user}-{program}"] = Invite(user, program, None)
            self.invites[f"TWICE-{user}-{program}"] = Invite(user, program, 2)

    def user_goes(self, user):
        self.users.discard(user)
        for row in self.rows["orders"].values():
            row["user_id"] = None if row["user_id"] == user else row["user_id"]
        self.rows["bookings"] = {key: row for key, row in self.rows["bookings"].items() if row["user_id"] != user}
        for referral in self.referrals.values():
            referral.friend = None if referral.friend == user else referral.friend
            referral.referrer = None if referral.referrer == user else referral.referrer
        for invite in self.invites.values():
            invite.user = None if invite.user == user else invite.user

    def referral_of(self, friend, program):
        known = [n for n, r in self.referrals.items() if (r.friend, r.program) == (friend, program)]
        return known[0] if known else None

    def is_above(self, friend, user, program):
        while user is not None and user != friend:
            above = self.referral_of(user, program)
            user = above and self.referrals[above].referrer
        return user == friend

    def redeem(self, friend, code, as_of, number):
        """The status, and the referrer; `number` is the referral that the database made."""
        invite = self.invites.get(code)
        if friend not in self.users:
            raise Refused("23503")
        if invite is None:
            return "malformed_code", None
        known = self.referral_of(friend, invite.program)
        if known:
            if self.referrals[known].code == code:
                return "already_redeemed", self.referrals[known].referrer
            return "already_referred", None
        if invite.user == friend:
            return "own_invite", None
        if invite.user is None:
            return "unknown_referrer", None
        if invite.revoked and (as_of is None or invite.revoked <= as_of):
            return "revoked", None
        redeemed = sum(r.code == code for r in self.referrals.values()) + invite.left
        if invite.most is not None and redeemed >= invite.most:
            return "exhausted", None
        if self.is_above(friend, invite.user, invite.program):
            return "cycle", None
        self.referrals[number] = Referral(friend, invite.user, invite.program, as_of or self.now, code)
        for source in SOURCES:
            self.evaluate(source, [number])
        return "redeemed", invite.user

    def reassign(self, friend, code):
        invite = self.invites.get(code)
        if friend not in self.users:
            raise Refused("23503")
        if invite is None:
            return "unknown_code", None
        known = self.referral_of(friend, invite.program)
        if not known:
            return "not_referred", None
        referral = self.referrals[known]
        if invite.user is None:
            return "unknown_referrer", None
        if referral.code == code:
            return "already_redeemed", referral.referrer
        if invite.user == friend:
            return "own_invite", None
        if self.is_above(friend, invite.user, invite.program):
            return "cycle", None
        self.invites[referral.code].left += 1
        referral.code, referral.referrer = code, invite.user
        for source in SOURCES:
            self.evaluate(source, [known])
        return "reassigned", invite.user

    def revoke(self, code):
        invite = self.invites.get(code)
        if invite is None or invite.revoked:
            return False
        invite.revoked = self.now
        return True

    # Settlement

    def settle(self, as_of, program, batch):
        as_of, settled = as_of or self.now, 0
        if program is None:
            for user in sorted({spend.user for spend in self.spends.values() if spend.overdue(as_of)}):
                self.open(user, as_of)
        for goal in sorted(g for g in self.with_budget() if program in (None, self.goals[g].program)):
            lines = [line for line in self.unsettled.values() if line.limit == goal and line.available <= as_of]
            claim = lambda line: (line.beneficiary, line.referral, line.completion.number, line.side, line.unit)
            earning = {claim(line) for line in lines if line.amount > 0}
            # What only takes back makes room for what is new.
            lines.sort(key=lambda line: (claim(line) in earning, line.completion.basis.at, line.id))
            while lines:
                size = min(batch, len(lines))
                while size < len(lines) and lines[size].completion.basis.at == lines[size - 1].completion.basis.at:
                    size += 1
                part, lines = lines[:size], lines[size:]
                users = {line.beneficiary for line in part}
                settled += self.settle_users(users, as_of, program, {line.id for line in part})
        ripe = {line.beneficiary for line in self.unsettled.values()
                if line.available <= as_of and program in (None, self.referrals[line.referral].program)}
        settled += self.settle_users(ripe, as_of, program)
        if program is None:
            self.settle_users({user for user, _ in self.balances}, as_of)
        return settled

    def with_budget(self):
        return {goal.first for goal in self.goals.values() if goal.has_budget()}

    def settle_users(self, users, as_of, program=None, only=None):
        """Takes what is ripe of users into their balances: these lines of theirs, or all that count on no budget."""
        left = self.with_budget()
        taken = [line for line in self.unsettled.values()
                 if line.beneficiary in users and line.available <= as_of
                 and (line.limit not in left if only is None else line.id in only)
                 and program in (None, self.referrals[line.referral].program)]
        claims = {}
        for line in sorted(taken, key=lambda line: line.id):
            del self.unsettled[line.id]
            may_owe = line.amount > 0 or self.programs[self.referrals[line.referral].program].allow_debt
            about = (line.referral, line.completion.number, line.side) if line.limit else (may_owe,)
            key = line.beneficiary, line.unit, line.limit or 0, line.expires or FOREVER, about
            claim = claims.setdefault(key, Claim(line.beneficiary, line.unit, expires=line.expires))
            claim.may_owe &= may_owe
            claim.lines.append(line)
            if line.amount > 0:
                claim.earned += line.amount
            else:
                claim.reversed += line.amount
        limited = [claim for key, claim in claims.items() if key[2]]
        limited.sort(key=lambda claim: (claim.earned > 0, claim.lines[0].completion.basis.at, claim.lines[-1].id))
        self.expire(users, as_of)
        for claim in limited:
            self.decide(claim)
        plain = [claims[key] for key in sorted(key for key in claims if not key[2])]
        for user in sorted(users):
            self.fold_all([claim for claim in plain + limited if claim.user == user])
        self.expire(users, as_of)
        return len(taken)

    def standing(self, user, goal):
        """What was awarded to a referrer by a goal, by (referral, number, unit)."""
        mine = {key[1:3] + key[4:]: g for key, g in self.awards.items()
                if key[0] == user and key[3] == "referrer" and g.goal == goal and g.awarded > 0}
        return dict(sorted(mine.items()))

    def decide(self, claim):
        line = claim.lines[-1]
        side, unit, completion, user = line.side, line.unit, line.completion, claim.user
        goal, number, basis = completion.goal, completion.number, completion.basis
        limits = goal.rule.get("limits", {})
        award = self.awards.setdefault((user, line.referral, number, side, unit), Award(goal.first))
        before, stood = award.awarded, self.standing(user, goal.first)
        due = max(ZERO, award.awarded + award.limited + claim.earned + claim.reversed)

        friends = {key[0]: g.place for key, g in reversed(stood.items())}
        places = [g.place for key, g in stood.items() if key[0] == line.referral]
        award.place = min(places) if places else len(friends) + 1
        awarded = due
        if goal.is_tiered(side):
            awarded = min(due, goal.worth(side, unit, basis.amount, award.place))
        # A purchase that is dated anew counts where it was counted before.
        days = [g.day for key, g in self.awards.items() if key[:4] == (user, line.referral, number, side) and g.awarded > 0]
        award.day = days[0] if days else (basis.at - datetime(2000, 1, 1, tzinfo=timezone.utc)).days
        if awarded > before:
            more = min(awarded - before, claim.earned)
            cap = limits.get("per_referrer") if side == "referrer" else None
            if cap:
                same = [(key, g) for key, g in stood.items() if same_period(cap.get("every", "ever"), g.day, award.day)]
                if not days and sum(g.counts_reward for _, g in same) >= cap.get("count", 10**9):
                    more = ZERO
                elif "amount" in cap:
                    used = sum(g.awarded for key, g in same if key[2] == unit)
                    more = min(more, max(ZERO, Decimal(cap["amount"]) - used))
            if "budget" in limits:
                more = min(more, max(ZERO, Decimal(limits["budget"]) - self.budgets[goal.first, unit]))
            awarded = before + more
        claim.cut = due - awarded - award.limited
        if claim.cut:
            self.post("limited", user, unit, -claim.cut, side=side, referral=line.referral, number=number, expires=claim.expires)
        if "budget" in limits:
            self.budgets[goal.first, unit] += awarded - before
        award.awarded, award.limited = awarded, due - awarded
        if side == "referrer":
            if awarded == 0:
                award.counts_reward = award.counts_friend = False
            # A completion, and a friend, is counted by one of its rewards; what is taken back hands that on.
            stood = self.standing(user, goal.first)
            own = [g for key, g in stood.items() if key[:2] == (line.referral, number)]
            if own and not any(g.counts_reward for g in own):
                own[0].counts_reward = True
            friend = [g for key, g in stood.items() if key[0] == line.referral]
            if friend and not any(g.counts_friend for g in friend):
                friend[0].counts_friend = True

    def fold_all(self, claims):
        """What is given goes first, so that nothing is owed that the same settlement fills."""
        for claim in sorted(claims, key=lambda claim: claim.net() < 0):
            self.fold(claim)

    def fold(self, claim):
        balance = self.balances[claim.user, claim.unit]
        balance.sums["earned"] += claim.earned
        balance.sums["reversed"] += claim.reversed
        balance.sums["limited"] -= claim.cut
        if claim.net() > 0:
            self.give(claim.user, claim.unit, claim.net(), claim.expires)
        else:
            self.take(claim.user, claim.unit, -claim.net(), claim.expires, claim.may_owe)

    def give(self, user, unit, amount, expires):
        """What was written off is made up for first, then what is owed is filled, and the rest goes where it expires."""
        balance = self.balances[user, unit]
        recovered = min(amount, balance.sums["written_off"])
        if recovered > 0:
            balance.sums["written_off"] -= recovered
            amount -= recovered
            self.post("recovered", user, unit, -recovered)
        if expires:
            owed_before = max(ZERO, amount - balance.lasting())
            # What stood in for it when it was taken back gets it: it lasts.
            returned = min(amount, balance.lots[expires].repaid_from_other) if expires in balance.lots else ZERO
            kept = amount - max(owed_before, returned)
            if returned > 0:
                balance.lots[expires].repaid_from_other -= returned
            if kept > 0:
                balance.lots[expires].remaining += kept

    def take(self, user, unit, amount, expires, may_owe):
        """From where it was given; what has expired there is taken from nobody; then from what lasts, if it was given to
        last, and from what expires first. The rest is owed, or written off."""
        balance = self.balances[user, unit]
        if expires in balance.lots:
            lot = balance.lots[expires]
            there = min(lot.remaining, amount)
            lot.remaining -= there
            gone = min(lot.expired, amount - there)
            lot.expired -= gone
            amount -= there + gone
            if gone > 0:
                balance.sums["expired"] += gone
                self.post("expired", user, unit, gone, expires=expires)
        lasting = max(ZERO, balance.lasting() + amount) if expires is None else ZERO
        balance.draw(max(ZERO, amount - lasting))
        owed = min(amount, -balance.lasting())
        if owed > 0 and not may_owe:
            balance.sums["written_off"] += owed
            amount -= owed
            self.post("shortfall", user, unit, owed)
        if expires and amount > 0:
            balance.lots[expires].repaid_from_other += amount

    def expire(self, users, as_of, units=None):
        for (user, unit), balance in self.balances.items():
            for expires, lot in sorted(balance.lots.items()):
                if user in users and expires <= as_of and lot.remaining > 0 and (units is None or unit in units):
                    balance.sums["expired"] -= lot.remaining
                    self.post("expired", user, unit, -lot.remaining, expires=expires)
                    lot.expired += lot.remaining
                    lot.remaining = ZERO

    # Spending

    def open(self, user, as_of=None):
        """Who spends is settled first, but for budgets, and what he reserved for too long is given back."""
        as_of = as_of or self.now
        self.settle_users([user], as_of)
        overdue = (s for s in self.spends.values() if s.user == user and s.overdue(as_of))
        for spend in sorted(overdue, key=lambda s: s.id):
            self.give_back(spend, spend.amount)
            spend.state = "voided"

    def available(self, user, unit):
        """What a user may spend: not what was taken back of a reward that counts on a budget, though only settlement takes it.
        What was cut of such a reward is taken back first."""
        cut, gone = {}, ZERO
        with_budget = self.with_budget()
        for line in sorted(self.unsettled.values(), key=lambda line: line.id):
            key = user, line.referral, line.completion.number, line.side, unit
            if (line.beneficiary, line.unit) == (user, unit) and line.limit in with_budget and line.amount < 0 and key in self.awards:
                spared = min(-line.amount, cut.setdefault(key, self.awards[key].limited))
                cut[key] -= spared
                if line.available <= self.now:
                    gone += -line.amount - spared
        return self.balances[user, unit].amount() - gone

    def spend(self, user, amount, unit, reference, partial, reserve=False, valid_for=None):
        if amount <= 0 or amount % decimals(unit):
            raise Refused("22023")
        if user not in self.users:
            raise Refused("23503")
        known = self.spends.get(reference)
        answers = {("authorized", True): "already_authorized", ("captured", False): "already_spent", ("voided", True): "already_voided",
                   ("captured", True): "already_captured"}
        answer = known and answers.get((known.state_at(self.now), reserve))
        if known and ((known.user, known.unit, known.asked) != (user, unit, amount) or not answer):
            raise Refused("23505")
        self.open(user)
        balance, available = self.balances[user, unit], self.available(user, unit)
        if known:
            return answer, known.amount - known.released, available
        comes_to = min(amount, available) if partial else amount
        if comes_to <= 0 or comes_to > available:
            return "insufficient", ZERO, available
        if reference not in self.spend_ids:
            raise Wrong(f"the ledger lacks spend {reference}")
        parts = balance.draw(comes_to)
        rest = comes_to - sum(part for _, part in parts)
        parts += [(None, rest)] if rest else []
        balance.sums["spent"] -= comes_to
        number = self.spend_ids[reference]
        for expires, part in parts:
            self.post("spent", user, unit, -part, expires=expires, spend=number)
        until = self.now + length(valid_for) if valid_for else None
        self.spends[reference] = Spend(number, user, unit, amount, comes_to, "authorized" if reserve else "captured", until,
                                       [[expires, part, ZERO] for expires, part in parts])
        return "authorized" if reserve else "spent", comes_to, available - comes_to

    def give_back(self, spend, amount):
        """What lasts longest first, to where it came from."""
        spend.released += amount
        for part in sorted(spend.parts, key=lambda part: part[0] or FOREVER, reverse=True):
            back = min(amount, part[1] - part[2])
            if back > 0:
                part[2] += back
                amount -= back
                self.post("released", spend.user, spend.unit, back, expires=part[0], spend=spend.id)
                self.balances[spend.user, spend.unit].sums["spent"] += back
                self.give(spend.user, spend.unit, back, part[0])
        self.expire([spend.user], self.now, [spend.unit])

    def capture(self, reference, amount):
        spend = self.spends.get(reference)
        if not spend:
            return "unknown_reference", ZERO
        if spend.state_at(self.now) == "authorized" and amount is not None and not (0 < amount <= spend.amount and amount % decimals(spend.unit) == 0):
            raise Refused("22023")
        self.open(spend.user)
        if spend.state == "voided":
            return "voided", ZERO
        if spend.state == "captured":
            return "already_captured", spend.amount - spend.released
        amount = spend.amount if amount is None else amount
        self.give_back(spend, spend.amount - amount)
        spend.state = "captured"
        return "captured", amount

    def void(self, reference):
        spend = self.spends.get(reference)
        if not spend:
            return "unknown_reference", ZERO
        self.open(spend.user)
        if spend.state != "authorized":
            return {"voided": "already_voided", "captured": "already_captured"}[spend.state], ZERO
        self.give_back(spend, spend.amount)
        spend.state = "voided"
        return "voided", spend.amount

    def release(self, reference, amount, own):
        spend = self.spends.get(reference)
        if not spend:
            return "unknown_reference", ZERO
        left = ZERO if spend.overdue(self.now) else spend.amount - spend.released
        asked = left if amount is None else amount
        status = None
        if spend.state_at(self.now) == "authorized":
            status = "not_captured", ZERO
        elif amount is not None and amount % decimals(spend.unit):
            raise Refused("22023")
        elif own in self.releases:
            of, released = self.releases[own]
            if of != reference or amount not in (None, released):
                raise Refused("23505")
            status = "already_released", released
        elif left == 0 and amount is None:
            status = "already_released", ZERO
        elif not 0 < asked <= left:
            raise Refused("22023")
        self.open(spend.user)
        if status:
            return status
        if own:
            self.releases[own] = reference, asked
        self.give_back(spend, asked)
        return "released", asked

    def adjust(self, user, amount, unit, expires_in):
        if amount == 0 or amount % decimals(unit) or expires_in and amount < 0:
            raise Refused("22023")
        if user not in self.users:
            raise Refused("23503")
        # What is refused leaves no trace of the settlement that came before it.
        if amount < 0 and self.would_have(user, unit) < -amount:
            raise Refused("23514")
        self.open(user)
        balance = self.balances[user, unit]
        expires = end_of_day(self.now + length(expires_in)) if expires_in else None
        balance.sums["adjusted"] += amount
        self.post("adjusted", user, unit, amount, expires=expires)
        if amount > 0:
            self.give(user, unit, amount, expires)
        else:
            self.take(user, unit, -amount, None, True)

    def would_have(self, user, unit):
        from copy import deepcopy

        trial = deepcopy(self)
        trial.post = lambda *_, **__: (0, None)
        trial.open(user)
        return trial.available(user, unit)


def same_period(every, day, other):
    """Whether two days, counted from 2000-01-01, are in the same stretch of the calendar."""
    one, two = (datetime(2000, 1, 1) + timedelta(days=d) for d in (day, other))
    return {
        "ever": True,
        "day": one == two,
        "week": one.isocalendar()[:2] == two.isocalendar()[:2],
        "month": (one.year, one.month) == (two.year, two.month),
    }[every]
