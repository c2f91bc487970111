-- Gives positions to entries of the feed that have none.   $1 the most entries, null: 1000
-- One session at a time does; another that polls meanwhile reads the entries that have one. An entry that commits late is
-- found by the next poll, because entries are taken and no mark is passed.
WITH head AS (SELECT h.position FROM referral.feed_head h FOR UPDATE SKIP LOCKED),
     taken AS (DELETE FROM referral.feed_pending u USING head
               WHERE u.feed_pending_id = ANY (ARRAY(
                   SELECT n.feed_pending_id FROM referral.feed_pending n
                   ORDER BY n.feed_pending_id LIMIT greatest(coalesce($1, 1000), 0)))
               RETURNING u.*),
     placed AS (INSERT INTO referral.feed
                    (position, kind, credit_id, amount, invite_id, invites_friends_id, happened_at)
                SELECT head.position + row_number() OVER (ORDER BY t.feed_pending_id), t.kind, t.credit_id,
                       t.amount, t.invite_id, t.invites_friends_id, t.happened_at
                FROM taken t, head RETURNING 1)
UPDATE referral.feed_head h SET position = h.position + (SELECT count(*) FROM placed)
WHERE EXISTS (SELECT FROM placed)
