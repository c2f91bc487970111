-- The core scenario at this level: the same lines as at the others.
\set ECHO none
\i shop.sql
SET default_transaction_isolation = 'serializable';
\set ECHO all
\i core_scenario.sql
