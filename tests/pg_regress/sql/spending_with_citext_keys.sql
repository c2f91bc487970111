-- Every function about credit with keys of type citext, in any case.
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION citext;
\set key citext
\set a '''Alice'''
\set b '''Bob'''
\set c '''Carol'''
\set a_again '''ALICE'''
\i spending_scenario.sql
