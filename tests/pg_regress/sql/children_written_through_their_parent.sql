-- A table that is a child of another one by inheritance: statements on its parent change its rows too, and are seen.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2);
CREATE TABLE ledger (id bigint, user_id bigint, total numeric, rate numeric, status text, note text, created_at timestamptz);
ALTER TABLE ledger ALTER id SET NOT NULL, ALTER rate SET NOT NULL, ALTER status SET NOT NULL, ALTER created_at SET NOT NULL;
ALTER TABLE orders INHERIT ledger;
SELECT finding, repair FROM referral.doctor() WHERE check_name = 'triggers' AND status <> 'ok';
SELECT repair FROM referral.doctor() WHERE check_name = 'triggers' AND status <> 'ok' \gexec
SELECT finding, repair FROM referral.doctor() WHERE check_name = 'triggers' AND status <> 'ok';
UPDATE ledger SET status = 'refunded' WHERE id = 1;
SELECT * FROM standing;
UPDATE ledger SET status = 'paid' WHERE id = 1;
SELECT * FROM standing;
ALTER TABLE orders NO INHERIT ledger;
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT * FROM standing;
