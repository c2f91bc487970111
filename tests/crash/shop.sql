-- A shop whose ledger can be recounted from its tables alone, as check.sql does.
\set template yes
\set users 5
\ir ../lib/shop.sql
\ir ../lib/invariants.sql
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at', on_delete => 'reverse'),
  referral.create_event('visit'),
  referral.create_goal('share', effective_from => '-infinity', rule => '{"when": {"occurrence": "every"},
    "rewards": [{"to": "referrer", "percent": "10", "unit": "USD"}, {"to": "friend", "percent": "5", "unit": "USD"}]}'),
  referral.create_goal('welcome', effective_from => '-infinity', rule => '{"when": {"occurrence": {"first": 1}},
    "rewards": [{"to": "referrer", "fixed": "3", "unit": "points"}], "limits": {"per_referrer": {"count": 5}}}'),
  referral.create_goal('visits', source => 'visit', effective_from => '-infinity', rule => '{"when": {"occurrence": "every"},
    "rewards": [{"to": "referrer", "fixed": "1", "unit": "points"}], "limits": {"budget": "100"}}');
SELECT referral.issue_invite(id, code => 'LINK-' || id, max_redemptions => NULL) FROM users;

-- What the clients did, each in the commit of what it did: a client's transactions in its order.
CREATE TABLE public.journal (
    client integer, seq bigint, what text NOT NULL, key text NOT NULL, amount numeric, PRIMARY KEY (client, seq, what, key));

-- A purchase that has written its lines stops here while somebody holds the lock 1.
CREATE FUNCTION public.barrier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock_shared(1);
    RETURN NULL;
END $$;
CREATE TRIGGER barrier AFTER INSERT ON referral.unsettled EXECUTE FUNCTION public.barrier();
