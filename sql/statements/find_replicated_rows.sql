-- Finds whether a subscription writes to the table $1. $2: only where it writes the ledger too, and triggers of ours fire
-- for what it writes; or only where it does not write the ledger, for which $3 is the repair.
WITH subscribed AS (
    SELECT EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = to_regclass('referral.credits')) AS ledger
    WHERE EXISTS (
        SELECT FROM pg_subscription_rel r
        WHERE r.srrelid = $1 OR r.srrelid IN (SELECT relid FROM pg_partition_tree($1::oid::regclass))))
SELECT format('%s is a target of logical replication, whose rows fire no trigger', $1::oid::regclass) AS finding,
       $3 AS repair
FROM subscribed WHERE NOT $2 AND NOT ledger
UNION ALL
SELECT format('trigger %I of %s fires for replicated rows, whose credit is replicated too', t.tgname,
              t.tgrelid::regclass),
       format('ALTER TABLE %s ENABLE TRIGGER %I;', t.tgrelid::regclass, t.tgname)
FROM subscribed, pg_trigger t
WHERE $2 AND ledger AND t.tgrelid = $1 AND t.tgenabled = ANY ('{A,R}')
  AND t.tgname LIKE 'referral%' AND NOT t.tgisinternal
ORDER BY 1
