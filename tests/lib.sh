# Sourced by the rooms.
# shellcheck shell=bash
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"
shopt -s nullglob

# Tests run side by side in as many lanes as there are processors, or JOBS.
JOBS=${JOBS:-$(nproc)}

# A verdict is one block of the output, also when lanes print at the same moment.
verdict_of() { { flock 9; say "$@"; } 9<"$TEST_RESULTS"; }

# verdict NAME COMMAND...: the test NAME passes if the command does. The output of a command that fails is shown.
verdict() {
  local name=$1 output said
  shift
  if output=$("$@" 2>&1); then said=("ok $name"); else said=("$output" "not ok $name"); fi
  verdict_of "${said[@]}"
}

# Whether the server was built with ICU.
has_icu() {
  psql --quiet --dbname postgres --command BEGIN --command "CREATE COLLATION icu (provider = icu, locale = 'und')" \
    >/dev/null 2>&1
}

# skip NAME WHY: the test NAME is not played. That is not a failure, and is counted apart.
skip() { verdict_of "skip $1: $2"; }

# step NAME COMMAND...: a verdict on a function, which fails where any of its commands does. (Within a condition bash would go
# on.) What the function sets is its own.
step() {
  local said status=0
  said=$(mktemp "$TEST_RESULTS/step.XXXXXX")
  "${@:2}" >"$said" 2>&1 &
  wait $! || status=$?
  verdict "$1" shown "$said" $status
  rm "$said"
}
shown() { cat "$1"; return "$2"; }

# until_true COMMAND...: waits until it is, and no longer than a busy machine takes.
until_true() {
  local deadline=$((SECONDS + 180))
  until "$@"; do
    [ $SECONDS -lt $deadline ] || die "in vain: until $*"
    sleep 0.05
  done
}

# count WHAT NUMBER: what the room did, for the sums of tests/soak.
count() { say "$1 $2" >>"$TEST_RESULTS/counts"; }

# choose NAMES PATTERN...: reduces the array NAMES to the names that match a pattern of the shell. A pattern without a match is an
# error. Without patterns all names stay.
choose() {
  local -n names=$1
  local pattern name found matching=()
  local -A is_chosen=()
  shift
  [ $# -gt 0 ] || return 0
  for pattern; do
    found=no
    for name in "${names[@]}"; do
      # shellcheck disable=SC2053 # a pattern
      [[ $name = "$pattern" || $name = $pattern ]] || continue
      found=yes
      [ -n "${is_chosen[$name]:-}" ] || matching+=("$name")
      is_chosen[$name]=yes
    done
    [ $found = yes ] || die "no test of this room is named $pattern"
  done
  names=("${matching[@]}")
}

# plan NAME COMMAND...: a verdict that is given by run_plan, where it is chosen.
plan() {
  local command=("${@:2}")
  planned+=("$1")
  plan_of[$1]=${command[*]@Q}
}
planned=()
declare -A plan_of=()

# run_plan PATTERN...: gives the verdicts that were planned, or those whose names match.
run_plan() {
  local name
  choose planned "$@"
  for name in "${planned[@]}"; do eval "verdict ${name@Q} ${plan_of[$name]}"; done
}

# one_story ARGUMENT...: a room whose tests follow from each other takes no names.
one_story() {
  [ $# = 0 ] || die "the tests of this room follow from each other and cannot be chosen: $*"
}

# lanes_start PREPARE [MOST]: starts JOBS lanes, or the MOST that are of use. A lane is a server of its own, where the function
# PREPARE has run. Two lanes share no role, no lock and no transaction. The first is the server of the room.
lanes_start() {
  local prepare=$1 most=${2:-$JOBS} lane pids=()
  lanes=("$PGHOST")
  for ((lane = 2; lane <= JOBS && lane <= most; lane++)); do
    lanes+=("$PGHOST/lane$lane")
    mkdir "$PGHOST/lane$lane"
  done
  trap 'for lane in "${lanes[@]:1}"; do cluster_remove "$lane"; done' EXIT
  for lane in "${lanes[@]}"; do lane_start "$lane" "$prepare" & pids+=($!); done
  wait_for_all "${pids[@]}"
}

# wait_for_all PID...: fails if any of them did, once all have ended.
wait_for_all() {
  local pid status=0
  for pid; do wait "$pid" || status=1; done
  return $status
}

lane_start() {
  [ "$1" = "$PGHOST" ] || cluster_start "$1" fsync=off
  "$2"
}

# in_lanes TEST NAME...: calls the function TEST with each name. A lane that is free takes the next name.
in_lanes() {
  local taken lane pids=()
  taken=$(mktemp -d "$PGHOST/taken.XXXXXX")
  for lane in "${lanes[@]}"; do lane_work "$lane" "$taken" "$@" & pids+=($!); done
  wait_for_all "${pids[@]}"
}

# lane_work SERVER TAKEN TEST NAME...: what one lane does. It takes the name number N by making the directory TAKEN/N.
lane_work() {
  local taken=$2 test=$3 name n=0
  [ "$1" = "$PGHOST" ] || cluster_use "$1"
  shift 3
  for name; do
    n=$((n + 1))
    mkdir "$taken/$n" 2>/dev/null || continue
    "$test" "$name"
  done
}

# compare PROGRAM DATABASE IN OUT NAME: runs IN's test NAME through PostgreSQL's own pg_regress or pg_isolation_regress,
# leaves its output in OUT/results, and shows where it differs from what is expected. No expected output is a difference.
compare() {
  local program=$1 database=$2 in=$3 out=$4 name=$5 status=0 own
  mkdir -p "$out/results"
  own=$(mktemp -d "$out/$name.XXXXXX") # the program writes files of fixed names
  "$(pgxs_bin "$program")" --use-existing --dbname "$database" --user "$PGUSER" --host "$PGHOST" --port "$PGPORT" \
    --bindir "$("$PG_CONFIG" --bindir)" --inputdir "$in" --outputdir "$own" "$name" >"$own/log" 2>&1 || status=1
  [ $status = 0 ] || cat "$own/log" "$own/regression.diffs"
  mv "$own"/results/* "$out/results"
  rm -r "$own"
  return $status
}

# Software that a room needs and Debian or a registry has. A room that cannot have it says "skip WHAT: why".

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

debian() {
  local package missing=()
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Debian packages to install: ${missing[*]}"
  # A list of packages that is an hour old will do.
  [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mmin -60 -print -quit)" ] || apt_get update
  apt_get install --yes --no-install-recommends "${missing[@]}"
}

# once FILE DIR COMMAND...: runs the command that fills DIR from FILE, where it has not done so from this very file.
once() {
  local file=$1 dir=$2
  shift 2
  ! cmp --silent "$file" "$dir/made-from" || return 0
  say "$(basename "$dir"): $*"
  mkdir -p "$dir"
  "$@"
  cp "$file" "$dir/made-from"
}
