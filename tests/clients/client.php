<?php
// PHP's PDO.
declare(strict_types=1);

$dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'));
$db = new PDO($dsn, getenv('PGUSER'), getenv('PGPASSWORD'), [
    PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
    // For a pooler that does not track prepared statements: the statement and its values go together.
    PDO::PGSQL_ATTR_DISABLE_PREPARES => getenv('POOLED') !== false,
]);
$addUser = $db->prepare('INSERT INTO users (name) VALUES (?) RETURNING id');
$issue = $db->prepare('SELECT referral.issue_invite(?) AS code');
$redeem = $db->prepare('SELECT status, referrer FROM referral.redeem_invite(?, ?)');
$buy = $db->prepare('INSERT INTO orders (user_id, total) VALUES (?, ?)');
$balance = $db->prepare('SELECT available FROM referral.balance(?)');

function fetch(PDOStatement $statement, mixed ...$values): array
{
    $statement->execute($values);
    $row = $statement->fetch();
    $statement->closeCursor();
    return $row;
}

function check(mixed $found, mixed $expected): void
{
    if ($found !== $expected) {
        throw new Exception(json_encode($found) . ' instead of ' . json_encode($expected));
    }
}

$referrer = fetch($addUser, 'referrer')['id'];
for ($n = 1; $n <= 8; $n++) {
    $code = fetch($issue, $referrer)['code'];
    $db->beginTransaction();
    $friend = fetch($addUser, "friend $n")['id'];
    check(fetch($redeem, '7KQ2-M9XD-4TRWA', $friend), ['status' => 'malformed_code', 'referrer' => null]);
    check(fetch($redeem, '7KQ2-M9XD-4TRW3', $friend), ['status' => 'unknown_code', 'referrer' => null]);
    check(fetch($redeem, $code, $friend), ['status' => 'redeemed', 'referrer' => $referrer]);
    $db->commit();
    $buy->execute([$friend, '30.00']);
    $available = fetch($balance, $referrer)['available'];
    check($available, 10 * $n . '.00');
}
$plans = $db->query('SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0')->fetchColumn();
echo json_encode(['referrer' => $referrer, 'available' => $available, 'generic_plans' => $plans]), "\n";
