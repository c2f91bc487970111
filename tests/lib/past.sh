# Sourced by the rooms that copy or move a whole database: the shop with a past, which tests/dump/*.sql make, show and recount.
# shellcheck shell=bash

sql() { psql --quiet --no-align --tuples-only ${out:+--output "$out"} --set ON_ERROR_STOP="${ON_ERROR_STOP:-1}" "$@"; }
# in_shop DATABASE SCHEMA FILE...: runs a file of tests/dump, which knows the schema.
in_shop() { sql --dbname "$1" --set shop="$2" --set archived=true --file "$root/tests/dump/$3" "${@:4}"; }
silent() {
  local said status=0
  said=$("$@" 2>&1) || status=$?
  [ -z "$said" ] || say "$said"
  [ -z "$said" ] && [ $status = 0 ]
}

# reconciled DATABASE: says so if reconcile found anything that was missed, or is too much.
reconciled() {
  PGOPTIONS='-c client_min_messages=warning' sql --dbname "$1" --command 'CALL referral.reconcile(restart => true)' \
    --command "SELECT format('reconcile posted %s for source %s', posted, source_id)
      FROM referral.reconciliations WHERE posted <> 0 OR phase <> 'finished'"
}

# make_past: the roles and the database "shop", with the view of what cannot be true of a ledger.
make_past() {
  local role
  for role in dump_owner dump_app dump_reports dump_nobody; do createuser $role; done
  createdb shop
  in_shop shop public shop.sql
  sql --dbname shop --file "$root/tests/lib/invariants.sql"
}

# goes_on_well DATABASE: its application works, nothing was missed, the recount agrees, and nothing is true that cannot be.
goes_on_well() {
  ON_ERROR_STOP=0 silent in_shop "$1" public goes_on.sql
  nothing_is_wrong "$1"
}
nothing_is_wrong() {
  silent reconciled "$1"
  silent in_shop "$1" public recount.sql
  silent sql --dbname "$1" --command 'TABLE public.violations'
}
