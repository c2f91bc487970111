CREATE VIEW referral.progress_reconcile AS
SELECT r.pid, s.name AS source, s.kind, r.phase, r.done, r.total,
       round(100.0 * r.done / nullif(greatest(r.total, r.done), 0), 1) AS percent,
       r.posted, r.started_at, r.updated_at, r.finished_at
FROM referral.reconciliations r JOIN referral.sources s USING (source_id);
COMMENT ON VIEW referral.progress_reconcile IS 'How far reconcile has come with each source, batch by batch.';
COMMENT ON COLUMN referral.progress_reconcile.pid IS 'Process id of the session that did the last batch.';
COMMENT ON COLUMN referral.progress_reconcile.source IS 'Name of the source.';
COMMENT ON COLUMN referral.progress_reconcile.kind IS 'Kind of the source: transactions, invites or signups.';
COMMENT ON COLUMN referral.progress_reconcile.phase IS
    'Phase: friends, rows, redemptions, gone or finished. referral.reconciliations.phase describes each.';
COMMENT ON COLUMN referral.progress_reconcile.done IS 'Number of friends, invites or redemptions that are done.';
COMMENT ON COLUMN referral.progress_reconcile.total IS 'Number of them when the reconciliation began.';
COMMENT ON COLUMN referral.progress_reconcile.percent IS 'Share of the total that is done. Null: the total is zero.';
COMMENT ON COLUMN referral.progress_reconcile.posted IS 'Number of rows written that were missing or had changed.';
COMMENT ON COLUMN referral.progress_reconcile.started_at IS 'Time at which the reconciliation began.';
COMMENT ON COLUMN referral.progress_reconcile.updated_at IS 'Time of the last batch.';
COMMENT ON COLUMN referral.progress_reconcile.finished_at IS
    'Time at which the reconciliation finished. Null: it has not.';
