<?php
// Laravel's Eloquent, and truncate() as its DatabaseTruncation sends it.
declare(strict_types=1);

require 'Illuminate/Database/autoload.php';

use Illuminate\Database\Capsule\Manager;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\QueryException;

class User extends Model
{
    public $timestamps = false;
    protected $guarded = [];
}

class Order extends Model
{
    public $timestamps = false; // Eloquent would write whole seconds; the database knows the time of the order
    protected $guarded = [];
}

$capsule = new Manager();
$capsule->addConnection([
    'driver' => 'pgsql', 'host' => getenv('PGHOST'), 'port' => getenv('PGPORT'), 'database' => getenv('PGDATABASE'),
    'username' => getenv('PGUSER'), 'password' => getenv('PGPASSWORD'), 'charset' => 'utf8',
]);
$capsule->setAsGlobal();
$capsule->bootEloquent();
$db = $capsule->getConnection();

function check(mixed $found, mixed $expected): void
{
    if ((string) $found !== (string) $expected) {
        throw new Exception(json_encode($found) . ' instead of ' . json_encode($expected));
    }
}

for ($run = 1; $run <= 2; $run++) {
    $referrer = User::create(['name' => 'referrer']);
    $db->select("SELECT referral.issue_invite(?, code => 'SAME', max_redemptions => NULL)", [$referrer->id]);
    $friend = User::create(['name' => 'friend', 'code' => 'SAME']);
    check($friend->id, User::where('name', 'friend')->value('id'));
    check($db->getPdo()->lastInsertId(), $friend->id);
    $order = Order::create(['user_id' => $friend->id, 'total' => '30.00']);
    check($order->id, Order::where('user_id', $friend->id)->value('id'));
    check($db->selectOne('SELECT available FROM referral.balance(?)', [$referrer->id])->available, '10.00');

    try {
        $db->table('users')->truncate();
        throw new Exception('the users were emptied under the ledger');
    } catch (QueryException $refusal) {
        check($refusal->getCode(), '55000');
    }
    $db->select('SELECT referral.reset_program(confirm => ?)', [getenv('PGDATABASE')]);
    $db->table('users')->truncate();
}
