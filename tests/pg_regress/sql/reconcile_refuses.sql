-- reconcile refuses what it does not understand and whom it does not serve.
\set ECHO none
\i legacy.sql
\set ECHO all
CALL referral.reconcile('no such source');
\echo :SQLSTATE
CALL referral.reconcile('Orders');
\echo :SQLSTATE
CALL referral.reconcile('orders', batch_size => 0);
\echo :SQLSTATE
CALL referral.reconcile('orders', batch_size => -1);
\echo :SQLSTATE
CALL referral.reconcile('orders', batch_size => 100001);
\echo :SQLSTATE
CALL referral.reconcile('orders', batch_size => NULL);
\echo :SQLSTATE
CALL referral.reconcile('orders', restart => NULL);
\echo :SQLSTATE
CALL referral.reconcile('orders', batch_size => 100000);
CALL referral.reconcile(NULL);
-- a name that is not attached any more
SELECT referral.detach('orders');
CALL referral.reconcile('orders');
\echo :SQLSTATE
-- nothing to do is no error
CALL referral.reconcile();
SELECT count(*) FROM referral.progress_reconcile WHERE phase <> 'finished';
-- as a function
SELECT referral.reconcile('orders');
\echo :SQLSTATE
