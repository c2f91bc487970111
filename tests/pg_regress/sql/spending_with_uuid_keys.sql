-- Every function about credit with keys of type uuid, however they are written.
\set ECHO none
\set key uuid
\set a '''00000000-0000-0000-0000-00000000000a'''
\set b '''00000000-0000-0000-0000-00000000000b'''
\set c '''00000000-0000-0000-0000-00000000000c'''
\set a_again '''{00000000-0000-0000-0000-00000000000A}'''
\i spending_scenario.sql
