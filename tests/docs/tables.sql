-- The reader's own tables, as README.md takes them to be.
CREATE ROLE shop_app;
CREATE TABLE users (id bigint PRIMARY KEY, name text, signup_code text, created_at timestamptz DEFAULT now());
CREATE TABLE invites (
    id       serial PRIMARY KEY,
    inviter  bigint,
    code     text NOT NULL UNIQUE,
    max_uses integer DEFAULT 1,
    used_by  bigint,
    used_at  timestamptz,
    revoked  boolean NOT NULL DEFAULT false
);
CREATE TABLE orders (
    id         bigserial PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users,
    total      numeric(10,2) NOT NULL,
    status     text NOT NULL DEFAULT 'paid',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON orders (user_id);
INSERT INTO users SELECT n, 'user ' || n, CASE n WHEN 7 THEN 'xY.77' WHEN 8 THEN 'nonsense' END FROM generate_series(1, 100) n;
INSERT INTO invites (inviter, code, used_by, used_at) VALUES (3, 'aB-33', 5, now()), (4, 'xY.77', NULL, NULL);
