-- Where the users live: what install() was told. It is stored, and not guessed from foreign keys, which a site may lose.

CREATE TABLE referral.installation (
    only_row       boolean DEFAULT true CONSTRAINT installation_pkey PRIMARY KEY
                   CONSTRAINT installation_only_row_check CHECK (only_row),
    users          regclass,
    users_name     text,
    key_column     text,
    key_number     smallint,
    table_identity text,
    CONSTRAINT installation_users_check
        CHECK (num_nulls(users, users_name, key_column, key_number, table_identity) = ANY ('{0,5}'))
);
COMMENT ON TABLE referral.installation IS
    'Where the users live, in one row that install() writes. The table stays with whoever installed: users are looked up '
    'with the rights of the owner of the users table.';
COMMENT ON COLUMN referral.installation.only_row IS 'Always true, so that there is one row.';
COMMENT ON COLUMN referral.installation.users IS
    'Table of the users, also when it is renamed or moved. Null: the users live elsewhere.';
COMMENT ON COLUMN referral.installation.users_name IS
    'Qualified name of that table when install() was called. Another table of this name can take its place.';
COMMENT ON COLUMN referral.installation.key_column IS 'Column of their key when install() was called.';
COMMENT ON COLUMN referral.installation.key_number IS
    'Number of that column in the table, by which a renamed column is found again.';
COMMENT ON COLUMN referral.installation.table_identity IS
    'Server, database and Oid of the table that key_number is about. After a restore it differs, and the column is found by '
    'its foreign key or its name.';
