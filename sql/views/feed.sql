CREATE VIEW referral.feed_entries AS
SELECT f.position, f.kind, f.happened_at, p.name AS program,
       coalesce(l.beneficiary_id, r.referrer_id, i.user_id) AS user_id, r.friend_id, i.invite_code, l.side, l.unit,
       coalesce(f.amount, l.amount) AS amount, l.available_at, l.expires_at, l.reason, s.reference AS spend_reference,
       f.credit_id, f.invites_friends_id
FROM referral.feed f
LEFT JOIN referral.credits l ON l.credit_id = f.credit_id
LEFT JOIN referral.invites_friends r ON r.invites_friends_id = coalesce(f.invites_friends_id, l.invites_friends_id)
LEFT JOIN referral.invites i ON i.invite_id = coalesce(f.invite_id, r.invite_id)
LEFT JOIN referral.programs p ON p.program_id = coalesce(r.program_id, i.program_id)
LEFT JOIN referral.spends s ON s.spend_id = l.spend_id;
COMMENT ON VIEW referral.feed_entries IS
    'What feed() has returned so far, for a standby and for the DBA. Entries that nobody has polled yet are in '
    'referral.feed_pending.';
COMMENT ON COLUMN referral.feed_entries.position IS 'Position of the entry, from 1.';
COMMENT ON COLUMN referral.feed_entries.kind IS
    'What happened: issued, redeemed, available, or the kind of a line of the ledger.';
COMMENT ON COLUMN referral.feed_entries.happened_at IS 'Start of the transaction in which it happened.';
COMMENT ON COLUMN referral.feed_entries.program IS 'Name of the program. Null: the entry is about no program.';
COMMENT ON COLUMN referral.feed_entries.user_id IS
    'User whom the entry is about: who is credited, whose invite was redeemed, or who issued it.';
COMMENT ON COLUMN referral.feed_entries.friend_id IS 'Friend of the referral. Null: none.';
COMMENT ON COLUMN referral.feed_entries.invite_code IS 'Code of the invite. Null: none.';
COMMENT ON COLUMN referral.feed_entries.side IS
    'Side of the referral that is credited: referrer or friend. Null: none.';
COMMENT ON COLUMN referral.feed_entries.unit IS 'Unit of the amount. Null: none.';
COMMENT ON COLUMN referral.feed_entries.amount IS
    'Amount that became available, or the amount of the line. Null: none.';
COMMENT ON COLUMN referral.feed_entries.available_at IS
    'Time from which the amount is available. Null: the entry is about no line.';
COMMENT ON COLUMN referral.feed_entries.expires_at IS
    'Time at which the amount expires. Null: never, or the entry is about no line.';
COMMENT ON COLUMN referral.feed_entries.reason IS 'Reason of the line. Null: none.';
COMMENT ON COLUMN referral.feed_entries.spend_reference IS 'Reference of the spend. Null: none.';
COMMENT ON COLUMN referral.feed_entries.credit_id IS 'Line of the ledger that the entry is about. Null: none.';
COMMENT ON COLUMN referral.feed_entries.invites_friends_id IS
    'Referral of an entry of the kind redeemed. Null: the entry is about a line or an invite.';
