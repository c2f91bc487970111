# The data: one template database, copied for each case so that no case sees another's leavings.

peers=(peer_row peer_stmt)
ours=()         # ('ours') once the extension is there

# tables variant: the schema of the variant's referral tables.
tables() { if [[ $1 == ours ]]; then echo referral; else echo "$1"; fi; }

make_shop() {   # database users friends referrers
    db=postgres sql -c "CREATE DATABASE $1 TEMPLATE blank"
    db=$1
    sql -v users="$2" -v friends="$3" -v referrers="$4" -f sql/shop.sql >/dev/null
    sql -c "CALL bench.make_orders('floor')"
}

make_peer() {   # schema row|statement
    sql -c "CALL bench.make_orders('$1')"
    sed "s/\\bpeer\\b/$1/g" sql/peer.sql | sql -v triggers="$2" -f - >/dev/null
}

# The database all others are made from, with the extension as it is now.
make_blank() {
    db=postgres sql -c 'CREATE DATABASE blank'
    if db=blank sql -c 'CREATE EXTENSION referral' 2>"$work/ours.log"; then
        ours=(ours)
    else
        say "ours is skipped: $(grep -m1 ERROR "$work/ours.log")"
    fi
}

make_ours() {
    ((${#ours[@]})) || return 0
    sql -c "CALL bench.make_orders('ours')"
    sql -f sql/ours.sql >/dev/null
}

make_template() {
    local v users=1000000 friends=220000
    [[ -z $quick ]] || { users=300000 friends=120000; }
    say "a shop of $users users, $friends of them invited"
    make_shop template $users $friends 20000
    make_peer peer_row row
    make_peer peer_stmt statement
    make_ours
    for v in "${peers[@]}" "${ours[@]}"; do sql -c "CALL bench.fill('$(tables "$v")', 1, $friends)"; done
    sql -c 'VACUUM (ANALYZE, FREEZE)'
}

# use name: a fresh copy of the template, read into memory.
use() {
    db=postgres sql -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1 TEMPLATE template"
    db=$1
    sql -c "SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relkind IN ('r', 'i') AND relpages > 0" >/dev/null
}

drop() { db=postgres sql -c "DROP DATABASE $db"; }

# fresh variant: the same history for everybody. 100,000 orders of strangers, then one each of 20,000 friends.
fresh() {
    local t
    t=$(tables "$1")
    sql -c "CALL bench.reset_orders('$1', 100000)"
    if [[ $1 == floor ]]; then
        sql -c 'INSERT INTO floor.orders (user_id, total) SELECT n, 20.00 FROM bench.sizes, generate_series(fresh + 1, friends) n' \
            -c 'VACUUM (ANALYZE) floor.orders'
    else
        sql -c "CALL bench.reset_ledger('$1', '$t')" -c "VACUUM (ANALYZE) $1.orders, $t.goal_completions, $t.credits"
    fi
}

earned() { echo "SELECT count(*) - 20000 FROM $(tables "$1").credits"; }
