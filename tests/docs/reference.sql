-- The tables on which the examples of docs/reference.md run.
CREATE EXTENSION referral;
CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
INSERT INTO users (id, name) VALUES (1, 'Ada'), (2, 'Ben'), (3, 'Cleo'), (4, 'Dov'), (5, 'Eve');
CREATE TABLE orders (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id   bigint NOT NULL REFERENCES users,
    total     numeric(12, 2) NOT NULL,
    status    text NOT NULL DEFAULT 'paid',
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON orders (user_id);
-- Codes of an earlier system, and the form on which users sign up.
CREATE TABLE coupons (code text PRIMARY KEY, owner_id bigint NOT NULL, uses integer NOT NULL, valid_until timestamptz);
INSERT INTO coupons VALUES ('ADA10', 1, 100, 'infinity');
CREATE TABLE registrations (user_id bigint PRIMARY KEY, promo_code text);
CREATE ROLE shop;
CREATE ROLE helpdesk;
CREATE ROLE analyst;
