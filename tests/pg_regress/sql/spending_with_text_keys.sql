-- Every function about credit with keys of type text, with characters that are special somewhere.
\set ECHO none
\set key text
\set a '$$o''Hara "x", {y}$$'
\set b '''user, {2}'''
\set c '''NULL'''
\set a_again '$$o''Hara "x", {y}$$'
\i spending_scenario.sql
