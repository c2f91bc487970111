-- A shop with the part of pg_cron that the page calls. The room cron runs the real one.
\ir shop.sql
CREATE SCHEMA cron;
CREATE TABLE cron.job_run_details (runid bigint, status text, return_message text, start_time timestamptz);
CREATE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
