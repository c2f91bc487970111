# Ruby's pg.
require "json"
require "pg"

db = PG.connect
STATEMENTS = {
  "add_user" => "INSERT INTO users (name) VALUES ($1) RETURNING id",
  "issue" => "SELECT referral.issue_invite($1) AS code",
  "redeem" => "SELECT status, referrer FROM referral.redeem_invite($1, $2)",
  "buy" => "INSERT INTO orders (user_id, total) VALUES ($1, $2)",
  "balance" => "SELECT available FROM referral.balance($1)"
}.freeze

# For a pooler that does not track prepared statements, one without a name.
pooled = ENV.key?("POOLED")
STATEMENTS.each { |name, sql| db.prepare(name, sql) } unless pooled
run = lambda do |name, *values|
  (pooled ? db.exec_params(STATEMENTS[name], values) : db.exec_prepared(name, values)).first
end
check = ->(found, expected) { found == expected or raise "#{found} instead of #{expected}" }

referrer = run.("add_user", "referrer")["id"]
available = nil
1.upto(8) do |n|
  code = run.("issue", referrer)["code"]
  friend = db.transaction do
    friend = run.("add_user", "friend #{n}")["id"]
    check.(run.("redeem", "7KQ2-M9XD-4TRWA", friend), { "status" => "malformed_code", "referrer" => nil })
    check.(run.("redeem", "7KQ2-M9XD-4TRW3", friend), { "status" => "unknown_code", "referrer" => nil })
    check.(run.("redeem", code, friend), { "status" => "redeemed", "referrer" => referrer })
    friend
  end
  run.("buy", friend, "30.00")
  available = run.("balance", referrer)["available"]
  check.(available, "#{10 * n}.00")
end
plans = db.exec("SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0").getvalue(0, 0)
puts JSON.generate({ referrer:, available:, generic_plans: plans })
