-- What there is to spend: 1,000,000 dollars for each referrer, given by support; and the job by hand, as it is usually written.

-- One conditional UPDATE of a balance, the spend under its unique reference, a line of the ledger. It settles nothing, has no
-- credit that expires and no lots to give back to, no reservations and no partial spends; what somebody else's reference
-- was for it does not compare; two users with one reference at one time meet a unique violation.
CREATE SCHEMA IF NOT EXISTS peer_row;
CREATE TABLE peer_row.balances (
    user_id bigint NOT NULL,
    unit    text NOT NULL,
    amount  numeric NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (user_id, unit)
) WITH (fillfactor = 80);
CREATE TABLE peer_row.spends (
    spend_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference  text NOT NULL UNIQUE,
    user_id    bigint NOT NULL,
    unit       text NOT NULL,
    amount     numeric NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON peer_row.spends (user_id);
CREATE TABLE peer_row.spend_lines (
    line_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL,
    unit       text NOT NULL,
    amount     numeric NOT NULL,
    spend_id   bigint REFERENCES peer_row.spends,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON peer_row.spend_lines (user_id);

CREATE FUNCTION peer_row.spend_credit(who bigint, cost numeric, what text, ref text)
RETURNS TABLE (status text, spent numeric, available numeric)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
BEGIN
    UPDATE peer_row.balances b SET amount = b.amount - cost
     WHERE b.user_id = who AND b.unit = what AND b.amount >= cost
       AND NOT EXISTS (SELECT FROM peer_row.spends s WHERE s.reference = ref)
    RETURNING b.amount INTO available;
    IF NOT FOUND THEN
        SELECT 'already_spent', s.amount INTO status, spent FROM peer_row.spends s WHERE s.reference = ref;
        IF NOT FOUND THEN status := 'insufficient'; spent := 0; END IF;
        SELECT b.amount INTO available FROM peer_row.balances b WHERE b.user_id = who AND b.unit = what;
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO peer_row.spends (reference, user_id, unit, amount) VALUES (ref, who, what, cost) RETURNING spend_id INTO id;
    INSERT INTO peer_row.spend_lines (user_id, unit, amount, spend_id) VALUES (who, what, -cost, id);
    status := 'spent';
    spent := cost;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION peer_row.spend_credit FROM PUBLIC;

INSERT INTO peer_row.balances SELECT n, 'USD', 1000000 FROM bench.sizes, generate_series(friends + 1, friends + referrers) n;
SELECT count(referral.adjust_credit(n, 1000000, 'USD', 'bench')) FROM bench.sizes, generate_series(friends + 1, friends + referrers) n;
