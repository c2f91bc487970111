-- psql, whose version 15 knows only the simple protocol: \bind came with 16.
\set ON_ERROR_STOP 1
\set n 0
INSERT INTO users (name) VALUES ('referrer') RETURNING id AS referrer \gset
\ir round.sql
\ir round.sql
\ir round.sql
\ir round.sql
\ir round.sql
\ir round.sql
\ir round.sql
\ir round.sql
SELECT json_build_object('referrer', :'referrer', 'available', :'available', 'generic_plans', 0);
