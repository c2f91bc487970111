# Rails' ActiveRecord, and DatabaseCleaner's truncation.
require "logger"
require "active_record"
require "database_cleaner"

ActiveRecord::Base.establish_connection(
  adapter: "postgresql", host: ENV["PGHOST"], port: ENV["PGPORT"], database: ENV["PGDATABASE"], username: ENV["PGUSER"],
  password: ENV["PGPASSWORD"], min_messages: "warning",
)
class User < ActiveRecord::Base; end
class Order < ActiveRecord::Base; belongs_to :user; end

def value(sql, *values) = ActiveRecord::Base.connection.select_value(ActiveRecord::Base.sanitize_sql_array([sql, *values]))
def check(found, expected) = found == expected || raise("#{found.inspect} instead of #{expected.inspect}")

DatabaseCleaner.strategy = :truncation
2.times do
  referrer = User.create!(name: "referrer")
  value("SELECT referral.issue_invite(?, code => 'SAME', max_redemptions => NULL)", referrer.id)
  friend = User.create!(name: "friend", code: "SAME")
  check(value("SELECT id FROM users WHERE name = 'friend'"), friend.id)
  check(value("SELECT lastval()"), friend.id)
  order = Order.create!(user: friend, total: "30.00", created_at: Time.now)
  check(value("SELECT id FROM orders"), order.id)
  check(value("SELECT available FROM referral.balance(?)", referrer.id).to_s, "10.0")

  # What a test has done is undone by the transaction that it runs in.
  ActiveRecord::Base.transaction do
    User.create!(name: "another", code: "SAME")
    raise ActiveRecord::Rollback
  end
  check(value("SELECT count(*) FROM referral.invites_friends"), 1)

  begin
    DatabaseCleaner.clean
    raise "the users were emptied under the ledger"
  rescue ActiveRecord::StatementInvalid => refusal
    check(refusal.cause.result.error_field(PG::Result::PG_DIAG_SQLSTATE), "55000")
  end
  value("SELECT referral.reset_program(confirm => ?)", ENV["PGDATABASE"])
  DatabaseCleaner.clean
  check(User.count, 0)
end
