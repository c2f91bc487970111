-- The tables of a site whose invites work already.
\ir tables.sql
ALTER TABLE users ADD signup_code text;
CREATE TABLE invites (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inviter    bigint NOT NULL REFERENCES users,
    code       text NOT NULL UNIQUE,
    max_uses   integer DEFAULT 1,
    used_by    bigint REFERENCES users,
    used_at    timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE invites OWNER TO shop_owner;
INSERT INTO invites (inviter, code, used_by, used_at) VALUES (3, 'aB-33', 5, now()), (4, 'xY.77', NULL, NULL);
UPDATE users SET signup_code = CASE id WHEN 7 THEN 'xY.77' ELSE 'nonsense' END WHERE id IN (7, 8);
INSERT INTO orders (user_id, total) VALUES (5, 30.00), (7, 12.00), (7, 40.00);
