-- A mapped column was renamed before the dump: in the restored database nothing knows what it was. The purchase stands and
-- says what is to be done; it is done; and all is well.
SET client_min_messages = warning;
SET search_path = :shop;
SET SESSION AUTHORIZATION dump_app;
INSERT INTO orders (user_id, grand_total) VALUES (28, 40);
RESET SESSION AUTHORIZATION;
DO $$
BEGIN
    ASSERT (SELECT count(*) FROM orders WHERE user_id = 28) = 1, 'the purchase does not stand';
    ASSERT (SELECT count(*) FROM referral.credits WHERE beneficiary_id = 28) = 0, 'credited, from which column?';
    ASSERT EXISTS (SELECT FROM referral.failures JOIN referral.sources USING (source_id)
                   WHERE name = 'orders' AND sqlstate = '42703' AND resolved_at IS NULL AND detail LIKE '%"total"%'
                     AND hint LIKE 'Detach the table%'), 'no failure that says what to do';
END $$;
SET ROLE dump_owner;
SELECT referral.detach('orders') \g /dev/null
SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'grand_total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at', refund_of => 'refund_of') \g /dev/null
CALL referral.reconcile();
RESET ROLE;
DO $$
BEGIN
    ASSERT (SELECT sum(amount) FROM referral.credits WHERE beneficiary_id = 28) = 5, 'what was missed is not made up for';
    ASSERT (SELECT count(*) FROM referral.failures WHERE resolved_at IS NULL AND sqlstate = '42703') = 0, 'the failure stays open';
END $$;
-- Refunded, and named as before, so that the rest can be as in every other database.
UPDATE orders SET status = 'refunded' WHERE user_id = 28;
ALTER TABLE orders RENAME grand_total TO total;
