# One function a case; the letters are those of bench/README.md.

script() { cat >"$work/$1.pgbench"; }

rounds() { echo "${rounds:-$1}"; }      # --rounds, or what the case takes by itself

quickly() { if [[ $quick ]]; then echo "$1"; else echo "$2"; fi; }

strangers() { sql -c "SELECT 'random(' || friends + referrers + 1 || ', ' || users || ')' FROM bench.sizes"; }

# a. A purchase by a buyer nobody referred.
case_a() {
    local r v all=(floor "${peers[@]}" "${ours[@]}") n
    use bench_a
    for v in "${all[@]}"; do
        fresh "$v"
        script "a1.$v" <<-SQL
		\set u $(strangers)
		INSERT INTO $v.orders (user_id, total) VALUES (:u, 20.00);
		SQL
        loop_procedure "$v"
    done
    n=$(quickly 8000 30000)
    for ((r = 1; r <= $(rounds $(quickly 4 20)); r++)); do
        say "a: strangers, single inserts, round $r"
        quiet
        in_pairs a1 "$r" "$n"
        for v in $(in_turn "$r" "${all[@]}" "${all[@]}"); do server_loop a2 "$r" "$v" 4000; done
    done
    for ((r = 1; r <= $(rounds $(quickly 3 9)); r++)); do
        say "a: strangers, 100,000 rows a statement, round $r"
        quiet
        for v in $(in_turn "$r" "${all[@]}"); do
            fresh "$v"
            timed a3 "$r" "$v" 100000 "INSERT INTO $v.orders (user_id, total) SELECT stranger, 20.00 FROM bench.buyers"
        done
    done
    for v in "${peers[@]}" "${ours[@]}"; do expect "case a, credits of $v" 0 "$(earned "$v")"; done
    drop
}

# The same single inserts without a client, each committed: a smaller floor, so a stricter ratio.
loop_procedure() {
    sql <<-SQL
	CREATE PROCEDURE bench.buy_$1(n integer, first bigint, INOUT us numeric) LANGUAGE plpgsql AS \$\$
	DECLARE began timestamptz := clock_timestamp();
	BEGIN
	    FOR i IN 1 .. n LOOP
	        INSERT INTO $1.orders (user_id, total) VALUES (first + i, 20.00);
	        COMMIT;
	    END LOOP;
	    us := extract(epoch FROM clock_timestamp() - began) * 1e6 / n;
	END \$\$;
	SQL
}

server_loop() { # case round variant n
    local first
    first=$(sql -c "SELECT friends + referrers + 1 + (random() * (users - friends - referrers - 2 * $4))::bigint FROM bench.sizes")
    record "$1" "$2" "$3" "$(sql -c "CALL bench.buy_$3(200, $first, NULL)" -c "CALL bench.buy_$3($4, $first + 200, NULL)" | tail -1)"
}

# b. An UPDATE that touches no mapped column.
case_b() {
    local r v all=(floor "${peers[@]}" "${ours[@]}")
    use bench_b
    for v in "${all[@]}"; do
        script "b1.$v" <<-SQL
		\set o random(1, 100000)
		UPDATE $v.orders SET note = 'packed' WHERE order_id = :o;
		SQL
    done
    for ((r = 1; r <= $(rounds $(quickly 4 20)); r++)); do
        say "b: updates by primary key, round $r"
        quiet
        for v in "${all[@]}"; do ((r % 5 == 1)) && fresh "$v" || sql -c "VACUUM $v.orders"; done
        in_pairs b1 "$r" "$(quickly 8000 30000)"
    done
    for ((r = 1; r <= $(rounds $(quickly 3 9)); r++)); do
        say "b: 100,000 rows updated by one statement, round $r"
        quiet
        for v in $(in_turn "$r" "${all[@]}"); do
            fresh "$v"
            timed b2 "$r" "$v" 100000 "UPDATE $v.orders SET note = 'packed'"
        done
    done
    drop
}

# c. First purchases of referred friends, each of which earns.
case_c() {
    local r v n all=(floor "${peers[@]}" "${ours[@]}") friends
    use bench_c
    friends=$(sql -c 'SELECT fresh FROM bench.sizes')
    n=$(quickly 4000 16000)
    for v in "${all[@]}"; do
        script "c1.$v" <<-SQL
		\set i :i + 1
		\set u 1 + ((:round - 1) % 10 * $n + :i) * 7919 % $friends
		INSERT INTO $v.orders (user_id, total) VALUES (:u, 20.00);
		SQL
    done
    for ((r = 1; r <= $(rounds $(quickly 4 12)); r++)); do
        say "c: first purchases that earn, single inserts, round $r"
        quiet
        for v in "${all[@]}"; do ((r % 10 != 1)) || fresh "$v"; done
        in_pairs c1 "$r" "$n"
    done
    for ((r = 1; r <= $(rounds $(quickly 2 7)); r++)); do
        say "c: first purchases that earn, all in one statement, round $r"
        quiet
        for v in $(in_turn "$r" "${all[@]}"); do
            fresh "$v"
            n=$(sql -c 'SELECT count(*) FROM bench.buyers')
            timed c2 "$r" "$v" "$n" "INSERT INTO $v.orders (user_id, total) SELECT friend, 20.00 FROM bench.buyers"
            [[ $v == floor ]] || expect "case c, credits of $v" "$n" "$(earned "$v")"
        done
    done
    drop
}

# d. Codes by the million, against copying the rows that this made into an equal table.
case_d() {
    local r v n keys
    ((${#ours[@]})) || return 0
    use bench_d
    n=$(quickly 100000 1000000)
    sql <<-SQL
	CREATE TABLE floor.invites (LIKE referral.invites INCLUDING ALL);
	CREATE TABLE floor.bare (LIKE referral.invites INCLUDING INDEXES INCLUDING STORAGE);
	SQL
    sql -c "SELECT format('ALTER TABLE floor.invites ADD %s', pg_get_constraintdef(oid)) FROM pg_constraint
             WHERE conrelid = 'referral.invites'::regclass AND contype = 'f'" | sql -f -
    for ((r = 1; r <= $(rounds $(quickly 2 7)); r++)); do
        say "d: $n invites of one user, round $r"
        quiet
        sql -c 'SET session_replication_role = replica; TRUNCATE referral.invites CASCADE'
        timed d1 "$r" ours "$n" "SELECT count(*) FROM referral.issue_invites((SELECT friends + 1 FROM bench.sizes), $n)"
        expect 'case d, invites' "$n" 'SELECT count(*) FROM referral.invites'
        sql -c 'CREATE TABLE floor.stage AS SELECT * FROM referral.invites ORDER BY invite_id'
        for v in $(in_turn "$r" invites bare); do
            timed "d_$v" "$r" floor "$n" "INSERT INTO floor.$v OVERRIDING SYSTEM VALUE SELECT * FROM floor.stage"
        done
        sql -c 'DROP TABLE floor.stage' -c 'TRUNCATE floor.invites, floor.bare'
    done
    awk -F'\t' -v OFS='\t' '$1 == "d1" { print "d_invites", $2, $3, $4; print "d_bare", $2, $3, $4; next } { print }' \
        "$results" >"$results.new" && mv "$results.new" "$results"
    drop
}

# e. Redemptions by 8 clients, each of a code of its own by a friend of its own.
case_e() {
    local r v n=160000 first all=(peer_row "${ours[@]}") seconds
    seconds=$(quickly 2 6)
    use bench_e
    first=$(sql -c 'SELECT friends + referrers FROM bench.sizes')
    for v in "${all[@]}"; do
        script "e.$v" <<-SQL
		\set i :i + 1
		\set n 1 + :client_id * $((n / 8)) + :i
		SELECT * FROM $(tables "$v").redeem_invite((SELECT code FROM bench.codes_$v WHERE n = :n), $first + :n);
		SQL
    done
    for ((r = 1; r <= $(rounds $(quickly 2 9)); r++)); do
        say "e: redemptions, 8 clients, round $r"
        quiet
        for v in $(in_turn "$r" "${all[@]}"); do
            codes_for "$v" $n
            rate e "$r" "$v" 8 "$seconds"
            expect "case e, redeemed by $v" t "SELECT count(*) > 1000 FROM $(tables "$v").invites_friends WHERE redeemed_at > now() - interval '1 minute'"
        done
    done
    drop
}

# codes_for variant n: the template's redemptions, and n fresh codes of some referrers.
codes_for() {
    local t
    t=$(tables "$1")
    sql >/dev/null <<-SQL
	BEGIN;
	SET LOCAL session_replication_role = replica;
	DELETE FROM $t.invites_friends WHERE friend_id > (SELECT friends FROM bench.sizes);
	DELETE FROM $t.invites WHERE invite_id > (SELECT friends FROM bench.sizes);
	COMMIT;
	DROP TABLE IF EXISTS bench.codes_$1;
	CREATE TABLE bench.codes_$1 (n serial PRIMARY KEY, code text);
	SQL
    if [[ $1 == ours ]]; then
        sql -c "INSERT INTO bench.codes_ours (code) SELECT c FROM bench.sizes, generate_series(friends + 1, friends + $2 / 10) u, referral.issue_invites(u, 10) c"
    else
        sql -c "WITH made AS (INSERT INTO $t.invites (user_id, invite_code, program_id) SELECT friends + 1 + g / 10, bench.code(), 1 FROM bench.sizes, generate_series(0, $2 - 1) g RETURNING invite_code)
                INSERT INTO bench.codes_$1 (code) SELECT regexp_replace(invite_code, '(....)(....)(.....)', '\\1-\\2-\\3') FROM made"
    fi
    sql -c "VACUUM (ANALYZE) $t.invites" -c "VACUUM (ANALYZE) $t.invites_friends" -c "ANALYZE bench.codes_$1"
}

# f. 16 clients, a buyer of their own for each purchase, one referrer for all of them.
case_f() {
    local v level held r friends all=(floor "${peers[@]}" "${ours[@]}") seconds
    seconds=$(quickly 2 5)
    use bench_f
    one_referrer
    friends=$(sql -c 'SELECT fresh FROM bench.sizes')
    for level in 'read committed' 'repeatable read' serializable; do
        for held in '' 5; do
            for v in "${all[@]}"; do
                hot_script "$v" "$held" "$friends" | script "f_${level// /_}_${held:-0}.$v"
            done
            for ((r = 1; r <= $(rounds $(quickly 1 5)); r++)); do
                say "f: one referrer, 16 clients, $level${held:+, held $held ms}, round $r"
                quiet
                for v in $(in_turn "$r" "${all[@]}"); do
                    fresh "$v"
                    [[ $v != floor ]] || sql -c 'TRUNCATE floor.goal_completions, floor.credits'
                    sql -c CHECKPOINT
                    PGOPTIONS="-c default_transaction_isolation=${level// /\\ }" rate "f_${level// /_}_${held:-0}" "$r" "$v" 16 "$seconds"
                    [[ $v == floor ]] && continue
                    expect "case f, purchases without a credit at $v" 0 "SELECT count(*) - (SELECT count(*) FROM $(tables "$v").credits) FROM $v.orders WHERE order_id > 100000"
                done
            done
        done
    done
    drop
}

one_referrer() {
    local v model=peer_row
    sql -c 'UPDATE bench.sizes SET referrers = 1'
    for v in "${peers[@]}" "${ours[@]}"; do
        sql -c "UPDATE $(tables "$v").invites_friends SET referrer_id = friends + 1 FROM bench.sizes" \
            -c "UPDATE $(tables "$v").invites SET user_id = friends + 1 FROM bench.sizes"
    done
    ((${#ours[@]})) && model=referral
    sql -v model=$model -f sql/append.sql
    sql -c "VACUUM (FULL, ANALYZE)"
}

hot_script() { # variant held friends
    printf '\\set i :i + 1\n\\set u 1 + (:client_id * %s + :i) * 7919 %% %s\n' $(($3 / 16)) "$3"
    [[ $2 ]] && echo 'BEGIN;'
    if [[ $1 == floor ]]; then append_statement; else echo "INSERT INTO $1.orders (user_id, total) VALUES (:u, 20.00);"; fi
    [[ $2 ]] && printf 'SELECT pg_sleep(0.00%s);\nEND;\n' "$2"
    return 0
}

append_statement() {
    if ((${#ours[@]})); then cat sql/append_ours.sql; else cat sql/append_peer.sql; fi
}

# g. Cost of a purchase as the invites grow, redeemed every one of them; users are as many throughout.
case_g() {
    local size last=0 r v strangers fresh all=(floor "${ours[@]}") n sizes=(10000 100000 1000000 5000000) friends=5000000 users=5500000
    [[ -z $quick ]] || { sizes=(10000 100000 500000) friends=500000 users=800000; }
    n=$(quickly 4000 16000)
    ((${#ours[@]})) || return 0
    say "g: a shop of $users users"
    make_shop bench_g $users $friends 100000
    strangers=$(strangers)
    make_ours
    for size in "${sizes[@]}"; do
        say "g: $size invites"
        sql -c "CALL bench.fill('referral', $((last + 1)), $size)" -c 'VACUUM (ANALYZE)'
        last=$size
        fresh=$((size - (size > 100000 ? 20000 : size / 5)))
        sql -c "UPDATE bench.sizes SET friends = $size, fresh = $fresh"
        for ((r = 1; r <= $(rounds $(quickly 2 9)); r++)); do
            quiet
            for v in "${all[@]}"; do
                fresh "$v"
                script "g_stranger_$size.$v" <<-SQL
				\set u $strangers
				INSERT INTO $v.orders (user_id, total) VALUES (:u, 20.00);
				SQL
                script "g_earning_$size.$v" <<-SQL
				\set i :i + 1
				\set u 1 + (:round * 1000003 + :i) * 7919 % $fresh
				INSERT INTO $v.orders (user_id, total) VALUES (:u, 20.00);
				SQL
            done
            mixed "g_stranger_$size" "$r" "$n" "${all[@]}"
            mixed "g_earning_$size" "$r" $((n / 2)) "${all[@]}"
        done
    done
    drop
}

# h. A history of five purchases a friend is reconciled; and once more, when there is nothing to post.
case_h() {
    local r n
    ((${#ours[@]})) || return 0
    use bench_h
    for ((r = 1; r <= $(rounds $(quickly 2 5)); r++)); do
        say "h: reconcile, round $r"
        quiet
        sql -c "CALL bench.reset_orders('ours', 0)" -c "CALL bench.reset_ledger('ours', 'referral')" \
            -c 'ALTER TABLE ours.orders DISABLE TRIGGER USER' \
            -c 'INSERT INTO ours.orders (user_id, total) SELECT n, 20.00 FROM bench.sizes, generate_series(1, 5), generate_series(1, friends) n' \
            -c 'ALTER TABLE ours.orders ENABLE TRIGGER USER' \
            -c 'VACUUM (ANALYZE) ours.orders, referral.goal_completions, referral.credits'
        n=$(sql -c 'SELECT count(*) FROM ours.orders JOIN referral.invites_friends ON friend_id = user_id')
        timed h1 "$r" ours "$n" "SET client_min_messages = warning; CALL referral.reconcile('orders')"
        expect 'case h, credits' t 'SELECT (SELECT count(*) FROM referral.credits) = (SELECT friends FROM bench.sizes)'
        timed h2 "$r" ours "$n" "SET client_min_messages = warning; CALL referral.reconcile('orders')"
    done
    drop
}

# i. Lines by the million are settled: plain ones, some of which are held and expire, with limits, with a budget.
case_i() {
    local r kind n ripe
    ((${#ours[@]})) || return 0
    use bench_i
    sql -f sql/settle.sql >/dev/null
    n=$(quickly 200000 1000000)
    for ((r = 1; r <= $(rounds $(quickly 2 5)); r++)); do
        for kind in floor plain expiring limited budget; do
            say "i: $n lines are settled, $kind, round $r"
            quiet
            sql -c "CALL bench.earn('${kind/floor/plain}', $n)" -c 'TRUNCATE floor.balances'
            sql -c 'VACUUM (ANALYZE)'
            ripe=$(sql -c 'SELECT count(*) FROM referral.unsettled WHERE due_at <= now()')
            if [[ $kind == floor ]]; then
                timed i_plain "$r" floor "$ripe" 'CALL bench.settle_floor()'
            else
                timed "i_$kind" "$r" ours "$ripe" 'CALL referral.settle()'
                record "i_$kind.rate" "$r" ours "$(tail -1 "$results" | awk '{ print 1000000 / $4 }')"
                settled_rightly "$kind"
            fi
        done
    done
    drop
}

# Nothing is left, and the balances are what the settled lines come to.
settled_rightly() {
    expect "$1, lines left" 0 "SELECT count(*) FROM referral.unsettled WHERE due_at < now() - interval '1 hour'"
    expect "$1, balances" t 'SELECT (SELECT sum(amount) FROM referral.balances) =
        (SELECT sum(l.amount) FROM referral.credits l WHERE NOT EXISTS (SELECT FROM referral.unsettled u WHERE u.credit_id = l.credit_id))'
}

# j. Somebody with a million settled lines looks at his balance and spends, next to somebody with ten.
case_j() {
    local r n v rich poor
    ((${#ours[@]})) || return 0
    use bench_j
    sql -f sql/settle.sql >/dev/null
    n=$(quickly 200000 1000000)
    rich=$(sql -c 'SELECT friends + 1 FROM bench.sizes')
    poor=$((rich + 1))
    say "j: $n lines of one user"
    sql <<-SQL
	SET session_replication_role = replica;
	UPDATE referral.invites_friends SET referrer_id = CASE WHEN invites_friends_id <= 10 THEN $poor ELSE $rich END;
	CALL bench.earn('plain', $n);
	DELETE FROM referral.credits WHERE beneficiary_id = $poor AND completion_no > 1;
	DELETE FROM referral.unsettled u WHERE NOT EXISTS (SELECT FROM referral.credits c WHERE c.credit_id = u.credit_id);
	VACUUM (ANALYZE);
	CALL referral.settle();
	VACUUM (ANALYZE);
	SQL
    expect 'case j, lines' "10|t" "SELECT count(*) FILTER (WHERE beneficiary_id = $poor), count(*) > 0.9 * $n FROM referral.credits"
    settled_rightly plain
    for v in "floor $poor" "ours $rich"; do
        script "j_balance.${v% *}" <<<"SELECT * FROM referral.balance(${v#* });"
        script "j_spend.${v% *}" <<-SQL
		\set i :i + 1
		SELECT * FROM referral.spend_credit(${v#* }, 0.01, 'USD', '${v% *} ' || :round || ' ' || :i);
		SQL
    done
    for ((r = 1; r <= $(rounds $(quickly 3 9)); r++)); do
        say "j: $n lines or 10, round $r"
        quiet
        mixed j_balance "$r" "$(quickly 4000 20000)" floor ours
        mixed j_spend "$r" 4000 floor ours
        sql -c 'VACUUM (ANALYZE)'
    done
    drop
}

# k. Credit is spent by 8 clients at once: each that of users of its own, and all that of one user.
case_k() {
    local r v of users first all=(peer_row "${ours[@]}")
    ((${#ours[@]})) || return 0
    use bench_k
    sql -f sql/spend.sql >/dev/null
    first=$(sql -c 'SELECT friends + 1 FROM bench.sizes')
    sql -c 'VACUUM (ANALYZE)'
    for v in "${all[@]}"; do
        for of in own one; do
            users="$first + :client_id * 2500 + :i % 2500"
            [[ $of == own ]] || users=$first
            script "k_$of.$v" <<-SQL
			\set i :i + 1
			\set u $users
			SELECT * FROM $(tables "$v").spend_credit(:u, 0.01, 'USD', '$of ' || :round || ' ' || :client_id || ' ' || :i);
			SQL
        done
    done
    for ((r = 1; r <= $(rounds $(quickly 2 9)); r++)); do
        for of in own one; do
            say "k: spend_credit, 8 clients, users: $of, round $r"
            quiet
            for v in $(in_turn "$r" "${all[@]}"); do
                sql -c "VACUUM (ANALYZE) $(tables "$v").balances" -c "VACUUM (ANALYZE) $(tables "$v").spends" -c CHECKPOINT
                rate "k_$of" "$r" "$v" 8 "$(quickly 3 6)"
            done
        done
    done
    expect 'case k, spends of the peer' t 'SELECT (SELECT sum(1000000 - amount) FROM peer_row.balances) = (SELECT sum(amount) FROM peer_row.spends)'
    expect 'case k, our spends' t 'SELECT (SELECT -sum(spent) FROM referral.balances) = (SELECT sum(amount) FROM referral.spends)'
    drop
}
