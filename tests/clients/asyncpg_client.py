"""asyncpg."""

import asyncio
import json
import os
import uuid
from decimal import Decimal

import asyncpg

pooled = "POOLED" in os.environ


async def day():
    # asyncpg prepares everything; for a pooler that does not track prepared statements, under no name.
    db = await asyncpg.connect(**({"statement_cache_size": 0} if pooled else {}))

    async def redeem(code, friend):
        return tuple(await db.fetchrow("SELECT status, referrer FROM referral.redeem_invite($1, $2)", code, friend))

    referrer = await db.fetchval("INSERT INTO users (name) VALUES ($1) RETURNING id", "referrer")
    assert isinstance(referrer, uuid.UUID if os.environ["KEY"] == "uuid" else int)
    for n in range(1, 9):
        code = await db.fetchval("SELECT referral.issue_invite($1)", referrer)
        async with db.transaction():
            friend = await db.fetchval("INSERT INTO users (name) VALUES ($1) RETURNING id", f"friend {n}")
            assert await redeem("7KQ2-M9XD-4TRWA", friend) == ("malformed_code", None)
            assert await redeem("7KQ2-M9XD-4TRW3", friend) == ("unknown_code", None)
            assert await redeem(code, friend) == ("redeemed", referrer)
        await db.execute("INSERT INTO orders (user_id, total) VALUES ($1, $2)", friend, Decimal("30.00"))
        available = await db.fetchval("SELECT available FROM referral.balance($1)", referrer)
        assert available == 10 * n
    plans = await db.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0")
    await db.close()
    print(json.dumps({"referrer": str(referrer), "available": str(available), "generic_plans": plans}))


asyncio.run(day())
