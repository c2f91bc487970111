// Go's pgx.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	numeric "github.com/jackc/pgtype/ext/shopspring-numeric"
	"github.com/jackc/pgx/v4"
	"github.com/shopspring/decimal"
)

const (
	addUser = "INSERT INTO users (name) VALUES ($1) RETURNING id"
	issue   = "SELECT referral.issue_invite($1)"
	redeem  = "SELECT status, referrer FROM referral.redeem_invite($1, $2)"
	buy     = "INSERT INTO orders (user_id, total) VALUES ($1, $2)"
	balance = "SELECT available FROM referral.balance($1)"
	generic = "SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(found, expected interface{}) {
	if found != expected {
		panic(fmt.Sprint(found, " instead of ", expected))
	}
}

// A key, as the driver reads it: int64 or [16]byte.
func day(ctx context.Context, db *pgx.Conn) (referrer interface{}, available numeric.Numeric, plans int64) {
	must(db.QueryRow(ctx, addUser, "referrer").Scan(&referrer))
	for n := int64(1); n <= 8; n++ {
		var code string
		must(db.QueryRow(ctx, issue, referrer).Scan(&code))
		var friend interface{}
		must(db.BeginFunc(ctx, func(tx pgx.Tx) error {
			must(tx.QueryRow(ctx, addUser, fmt.Sprint("friend ", n)).Scan(&friend))
			var status string
			var of interface{}
			must(tx.QueryRow(ctx, redeem, "7KQ2-M9XD-4TRWA", friend).Scan(&status, &of))
			check(status, "malformed_code")
			must(tx.QueryRow(ctx, redeem, "7KQ2-M9XD-4TRW3", friend).Scan(&status, &of))
			check(status, "unknown_code")
			must(tx.QueryRow(ctx, redeem, code, friend).Scan(&status, &of))
			check(status, "redeemed")
			check(of, referrer)
			return nil
		}))
		_, err := db.Exec(ctx, buy, friend, decimal.New(3000, -2))
		must(err)
		must(db.QueryRow(ctx, balance, referrer).Scan(&available))
		check(available.Decimal.StringFixed(2), fmt.Sprint(10*n, ".00"))
	}
	must(db.QueryRow(ctx, generic).Scan(&plans))
	return
}

func main() {
	ctx := context.Background()
	// For a pooler that does not track prepared statements, those without a name.
	dsn := ""
	if _, pooled := os.LookupEnv("POOLED"); pooled {
		dsn = "statement_cache_mode=describe"
	}
	db, err := pgx.Connect(ctx, dsn)
	must(err)
	defer db.Close(ctx)
	referrer, available, plans := day(ctx, db)
	if id, ok := referrer.([16]byte); ok {
		referrer = fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"referrer": referrer, "available": available.Decimal.StringFixed(2), "generic_plans": plans,
	}))
}
