"""SQLAlchemy 2: the tables by its ORM, our functions by func."""

import json
import os
from decimal import Decimal

from sqlalchemy import BigInteger, FetchedValue, ForeignKey, Uuid, create_engine, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

Key = Uuid if os.environ["KEY"] == "uuid" else BigInteger


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id = mapped_column(Key, primary_key=True, server_default=FetchedValue())
    name: Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    id = mapped_column(Key, primary_key=True, server_default=FetchedValue())
    user_id = mapped_column(Key, ForeignKey("users.id"))
    total: Mapped[Decimal]


# The driver's setting, as psycopg_client.py has it.
engine = create_engine(
    "postgresql+psycopg://", connect_args={"prepare_threshold": None if "POOLED" in os.environ else 0}
)


def redeem(session, code, friend):
    redeemed = func.referral.redeem_invite(code, friend.id).table_valued("status", "referrer")
    return session.execute(select(redeemed.c.status, redeemed.c.referrer)).one()


with Session(engine, expire_on_commit=False) as session:
    with session.begin():
        session.add(referrer := User(name="referrer"))
    for n in range(1, 9):
        with session.begin():
            code = session.scalar(select(func.referral.issue_invite(referrer.id)))
        with session.begin():
            session.add(friend := User(name=f"friend {n}"))
            session.flush()
            assert redeem(session, "7KQ2-M9XD-4TRWA", friend) == ("malformed_code", None)
            assert redeem(session, "7KQ2-M9XD-4TRW3", friend) == ("unknown_code", None)
            assert redeem(session, code, friend) == ("redeemed", referrer.id)
        with session.begin():
            session.add(Order(user_id=friend.id, total=Decimal("30.00")))
        with session.begin():
            read = text("SELECT available FROM referral.balance(:user_id)")
            available = session.scalar(read, {"user_id": referrer.id})
        assert available == 10 * n
    plans = session.scalar(text("SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0"))
print(json.dumps({"referrer": str(referrer.id), "available": str(available), "generic_plans": plans}))
