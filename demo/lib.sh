# Sourced by demo/play and demo/adopt, which set $database.
# shellcheck shell=bash
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

# shellcheck disable=SC2154 # database: see above
sql() { psql --quiet --set ON_ERROR_STOP=1 --dbname "$database" "$@"; }
as_the_shop() { sql --username shop_app "$@"; }
value() { sql --tuples-only --no-align --command "$1"; }

step() { say "" "== $1"; }

# Seconds since $1, a value of EPOCHREALTIME.
since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.2f", to - from }'; }

# per_second N SECONDS
per_second() { awk -v n="$1" -v s="$2" 'BEGIN { printf "%d", n / s }'; }
