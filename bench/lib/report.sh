# From $results to a table of medians. The ratio is that of the medians; behind it stand the quartiles of the
# rounds' own ratios, which show how far to trust it.

# rows: case | what | unit | ours is compared with | the bar
rows() {
    cat <<-ROWS
	a1|a. stranger's purchase, single insert|us|floor|<= 1.05
	a2|a. the same in a loop inside the server|us|floor|
	a3|a. strangers' purchases, 100,000 a statement|us/row|floor|<= 1.10
	b1|b. update of no mapped column, by key|us|floor|<= 1.05
	b2|b. the same, 100,000 rows a statement|us/row|floor|<= 1.05
	c1|c. first purchase that earns, single insert|us|peer|
	c2|c. first purchases that earn, 100,000 a statement|us/row|peer|<= 0.60
	d_bare|d. issue_invites(1,000,000), floor with the indexes only|us/row|floor|<= 1.50
	d_invites|d. the same, floor with the constraints too|us/row|floor|<= 1.50
	e|e. redeem_invite, 8 clients|/s|peer|>= 1.00
	ROWS
    echo "h1|h. reconcile, a history of 5 purchases a friend|us/row||"
    echo "h2|h. the same again, nothing to post|us/row||"
    echo "i_plain|i. settle, plain lines|us/line|floor|"
    echo "i_plain.rate|i. .. lines a second|/s||>= 200000"
    local level held size kind
    for kind in expiring limited budget; do
        echo "i_$kind|i. settle, $kind|us/line||"
        echo "i_$kind.rate|i. .. lines a second|/s||>= 200000"
    done
    echo "j_balance|j. balance() of a user with a million lines, of 10|us|floor|<= 2.00"
    echo "j_spend|j. spend_credit of the two|us|floor|<= 2.00"
    echo "k_own|k. spend_credit, 8 clients, users of their own|/s|peer|>= 1.00"
    echo "k_one|k. the same, all of one user|/s|peer|>= 1.00"
    for level in read_committed repeatable_read serializable; do
        for held in 0 5; do
            printf 'f_%s_%s|f. hot referrer, 16 clients, %s, held %s ms|/s|floor|>= 0.90\n' $level $held "${level/_/ }" $held
            printf 'f_%s_%s.failed|f. .. of which failed|%%||\n' $level $held
        done
    done
    for kind in stranger earning; do
        for size in 10000 100000 500000 1000000 5000000; do
            printf 'g_%s_%s|g. %s purchase, %s invites|us|floor|\n' $kind $size $kind $size
        done
    done
}

report() {
    [[ -s $results ]] || return 0
    printf '%s; %s cores, %s; load average during the rounds %s to %s.\n\n' \
        "$(psql -qAtX -c 'SHOW server_version' | sed 's/^/PostgreSQL /')" "$(nproc)" \
        "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(sort -n "$work/loads" | head -1)" "$(sort -n "$work/loads" | tail -1)"
    rows | awk -F'[\t|]' '
        function median(s,    a, n) { n = sorted(s, a); return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2 }
        function quartile(s, q,    a, n, at) { n = sorted(s, a); at = 1 + (n - 1) * q; return a[int(at + 0.5)] }
        function sorted(s, a,    n, i, j, t) {
            n = split(s, a, " ")
            for (i = 1; i <= n; i++) a[i] += 0
            for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j] < a[j - 1]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
            return n
        }
        function show(x) { return x == "" ? "" : x >= 1000 ? sprintf("%.0f", x) : x >= 100 ? sprintf("%.1f", x) : sprintf("%.2f", x) }
        function cell(id, v) { return (id, v) in all ? show(median(all[id, v])) : "" }
        function faster(id, unit,    r, s) {     # the better peer of this case
            r = cell(id, "peer_row"); s = cell(id, "peer_stmt")
            if (s == "" || r == "") return s == "" ? "peer_row" : "peer_stmt"
            return (unit == "/s") == (median(all[id, "peer_row"]) > median(all[id, "peer_stmt"])) ? "peer_row" : "peer_stmt"
        }
        function judge(x, said,    bar) {
            if (said == "") return ""
            split(said, bar, " ")
            return (bar[1] == "<=" ? x <= bar[2] : x >= bar[2]) ? "pass" : "**miss**"
        }
        FILENAME != "-" {
            all[$1, $3] = all[$1, $3] " " $4; one[$1, $2, $3] = $4; seen[$1] = 1
            if ($2 > rounds[$1]) rounds[$1] = $2
            next
        }
        !($1 in seen) { next }
        !header++ {
            print "| | unit | floor | peer, row | peer, statement | ours | ratio | quartiles | to | bar | |"
            print "|---|---|--:|--:|--:|--:|--:|---|---|---|---|"
        }
        {
            ratio = spread = verdict = ""; to = $4 == "peer" ? faster($1, $3) : $4
            if (to != "" && (($1, "ours") in all) && (($1, to) in all)) {
                x = median(all[$1, "ours"]) / median(all[$1, to]); ratio = sprintf("%.3f", x)
                list = ""
                for (r = 1; r <= rounds[$1]; r++) if (($1, r, "ours") in one && one[$1, r, to] > 0) list = list " " one[$1, r, "ours"] / one[$1, r, to]
                spread = sprintf("%.3f to %.3f", quartile(list, 0.25), quartile(list, 0.75))
                verdict = judge(x, $5)
            }
            if (to == "" && (($1, "ours") in all)) verdict = judge(median(all[$1, "ours"]), $5)     # a bar for the figure itself
            printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", $2, $3, cell($1, "floor"), cell($1, "peer_row"),
                cell($1, "peer_stmt"), cell($1, "ours"), ratio, spread, to, $5, verdict
        }' "$results" -
}
