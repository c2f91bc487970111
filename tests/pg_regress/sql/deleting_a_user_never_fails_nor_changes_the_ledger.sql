-- A person can be deleted, whatever part he had in the program, and the ledger stays as it was written.
\set ECHO none
\i shop.sql
\set ECHO all
\i deleting_a_user.sql
