-- In a database of another encoding codes and ids could be misread: install refuses it.
\set ECHO none
SET client_min_messages = warning;
CREATE DATABASE regress_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\connect regress_latin1
CREATE EXTENSION referral;
CREATE TABLE users (id bigint PRIMARY KEY);
\set ECHO all
\set VERBOSITY default
SELECT referral.install('users');
\echo :SQLSTATE
\connect regress
DROP DATABASE regress_latin1;
