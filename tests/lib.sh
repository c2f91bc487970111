# Sourced by the rooms.
# shellcheck shell=bash
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"
shopt -s nullglob

# verdict NAME COMMAND...: the test NAME passes if the command does; what the command says is shown if it fails.
verdict() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then say "ok $name"; else say "$output" "not ok $name"; fi
}

# compare PROGRAM DATABASE IN OUT NAME: runs IN's test NAME through PostgreSQL's own pg_regress or pg_isolation_regress,
# leaves its output in OUT, and shows where it differs from what is expected. No expected output is a difference.
compare() {
  local program=$1 database=$2 in=$3 out=$4 name=$5
  mkdir -p "$out"
  if ! "$(pgxs_bin "$program")" --use-existing --dbname "$database" --user "$PGUSER" --host "$PGHOST" --port "$PGPORT" \
    --bindir "$("$PG_CONFIG" --bindir)" --inputdir "$in" --outputdir "$out" "$name" >"$out/$name.log" 2>&1; then
    cat "$out/$name.log" "$out/regression.diffs"
    return 1
  fi
}
