-- Plays the shape in the variable shape. The variable statement may hold a statement that is run behind the program's
-- back once the first purchase is credited. What doctor() would repair is repaired first: the application must not notice.
SET client_min_messages = error;
SET TimeZone = 'UTC';
SELECT set_config('zoo.shape', :'shape', false) \g /dev/null
CALL zoo.open();
SELECT refusals IS NULL AS lives FROM zoo.shape \gset
\if :lives
\o /dev/null
SELECT DISTINCT repair FROM referral.doctor() WHERE status <> 'ok' AND repair IS NOT NULL \gexec
SELECT zoo.expect_no_repairs();
\o
CALL zoo.play(nullif(:'statement', ''));
\endif
