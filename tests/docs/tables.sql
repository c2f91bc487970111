-- The reader's own tables, as README.md takes them to be.
CREATE ROLE shop_app;
CREATE TABLE users (id bigint PRIMARY KEY, name text);
CREATE TABLE orders (
    id         bigserial PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users,
    total      numeric(10,2) NOT NULL,
    status     text NOT NULL DEFAULT 'paid',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON orders (user_id);
INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) n;
