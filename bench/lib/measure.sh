# How things are timed. Each figure becomes one line of $results: case, round, variant, value.

record() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$results"; }

# in_turn round variant ...: forwards in odd rounds, backwards in even ones, so that a drift favours nobody.
in_turn() {
    if (($1 % 2)); then shift; printf '%s\n' "$@"; else shift; printf '%s\n' "$@" | tac; fi
}

# The mean without the slowest and the fastest 5 %: what other processes took from us is in the slowest.
trimmed_mean() {
    sort -n | awk '{ v[NR] = $1 } END { t = int(NR / 20); for (i = t + 1; i <= NR - t; i++) s += v[i]; printf "%.3f\n", s / (NR - 2 * t) }'
}

# mixed case round transactions variant ...: one client picks the variants' scripts ($work/<case>.<variant>.pgbench)
# at random, transaction by transaction, so that noise falls on all of them alike; microseconds a transaction.
# Two variants at a time: with more, each finds the processor's caches full of the others.
mixed() {
    local case=$1 round=$2 n=$3 files=() v s=0
    shift 3
    for v in "$@"; do files+=(-f "$work/$case.$v.pgbench"); done
    rm -f "$work"/log.*
    (cd "$work" && pgbench -n -M prepared -c 1 -t "$n" -D i=0 -D round="$round" "${files[@]}" -l --log-prefix=log "$db" >pgbench.out 2>&1) ||
        die "pgbench failed: $(cat "$work/pgbench.out")"
    for v in "$@"; do
        record "$case" "$round" "$v" "$(awk -v s=$s '$4 == s { print $3 }' "$work"/log.* | trimmed_mean)"
        s=$((s + 1))
    done
}

# in_pairs case round transactions: ours with the floor, the peers with each other.
in_pairs() {
    mixed "$@" floor "${ours[@]}"
    mixed "$@" "${peers[@]}"
}

# timed case round variant rows statement: one statement with its commit; microseconds a row.
timed() {
    local ms
    sql -c CHECKPOINT
    ms=$(psql -qAtX -v ON_ERROR_STOP=1 -d "$db" -c '\timing on' -c "$5" | awk '/^Time:/ { print $2 }')
    [[ $ms ]] || die "no time for: $5"
    record "$1" "$2" "$3" "$(awk -v ms="$ms" -v n="$4" 'BEGIN { print ms * 1000 / n }')"
}

# rate case round variant clients seconds: transactions a second, and the percentage that failed.
rate() {
    local out
    out=$(pgbench -n -M prepared -c "$4" -j 2 -T "$5" -D i=0 -D round="$2" -f "$work/$1.$3.pgbench" \
        --max-tries=1 --failures-detailed "$db" 2>&1) || die "pgbench failed: $out"
    record "$1" "$2" "$3" "$(awk '/^tps/ { print $3 }' <<<"$out")"
    record "$1.failed" "$2" "$3" "$(awk '/failed transactions/ { gsub(/[(%)]/, ""); print $6 }' <<<"$out")"
}

# expect what value sql: a figure counts only when the work was done.
expect() {
    local got
    got=$(sql -c "$3")
    [[ $got == "$2" ]] || die "$1: expected $2, found $got"
}

# quiet: before each round, waits for other work on the machine to end (BENCH_PATIENCE seconds, none by default),
# and notes what there is.
quiet() {
    local waited=0
    while awk '{ exit !($1 > 1.3) }' /proc/loadavg && ((waited < ${BENCH_PATIENCE:-0})); do
        sleep 10
        waited=$((waited + 10))
    done
    cut -d' ' -f1 /proc/loadavg >>"$work/loads"
}
