# Perl's DBD::Pg.
use strict;
use warnings;
use DBI;
use JSON::PP;

my $db = DBI->connect("dbi:Pg:dbname=$ENV{PGDATABASE}", $ENV{PGUSER}, $ENV{PGPASSWORD},
    { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
# For a pooler that does not track prepared statements: the statement and its values go together.
$db->{pg_server_prepare} = 0 if exists $ENV{POOLED};
my $add_user = $db->prepare('INSERT INTO users (name) VALUES (?) RETURNING id');
my $issue    = $db->prepare('SELECT referral.issue_invite(?)');
my $redeem   = $db->prepare('SELECT status, referrer FROM referral.redeem_invite(?, ?)');
my $buy      = $db->prepare('INSERT INTO orders (user_id, total) VALUES (?, ?)');
my $balance  = $db->prepare('SELECT available FROM referral.balance(?)');

sub fetch {
    my ($statement, @values) = @_;
    return $db->selectrow_array($statement, undef, @values);
}

sub check {
    my ($found, $expected) = @_;
    $found eq $expected or die "$found instead of $expected";
    return;
}

my ($referrer) = fetch($add_user, 'referrer');
my $available;
for my $n (1 .. 8) {
    my ($code) = fetch($issue, $referrer);
    $db->begin_work;
    my ($friend) = fetch($add_user, "friend $n");
    check((fetch($redeem, '7KQ2-M9XD-4TRWA', $friend))[0], 'malformed_code');
    check((fetch($redeem, '7KQ2-M9XD-4TRW3', $friend))[0], 'unknown_code');
    check(join(' ', fetch($redeem, $code, $friend)), "redeemed $referrer");
    $db->commit;
    $buy->execute($friend, '30.00');
    ($available) = fetch($balance, $referrer);
    check($available, 10 * $n . '.00');
}
my ($plans) = $db->selectrow_array('SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0');
print encode_json({ referrer => $referrer, available => $available, generic_plans => $plans }), "\n";
$db->disconnect;
