-- A shop whose purchases are payments that name an order.
\ir shop.sql
CREATE TABLE payments (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    amount   numeric(10,2) NOT NULL,
    currency text NOT NULL DEFAULT 'USD',
    paid_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON payments (order_id);
ALTER TABLE payments OWNER TO shop_owner;
