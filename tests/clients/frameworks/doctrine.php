<?php
// Doctrine's ORM, which reads the key of a new row with lastInsertId(), and TRUNCATE as its fixtures send it.
declare(strict_types=1);

require 'Doctrine/ORM/autoload.php';

use Doctrine\DBAL\DriverManager;
use Doctrine\ORM\Configuration;
use Doctrine\ORM\EntityManager;
use Doctrine\ORM\Mapping as ORM;
use Doctrine\ORM\Mapping\Driver\AttributeDriver;

#[ORM\Entity, ORM\Table(name: 'users')]
class User
{
    #[ORM\Id, ORM\Column(type: 'bigint'), ORM\GeneratedValue(strategy: 'IDENTITY')]
    public $id = null;
    public function __construct(#[ORM\Column] public string $name, #[ORM\Column(nullable: true)] public ?string $code = null) {}
}

#[ORM\Entity, ORM\Table(name: 'orders')]
class Order
{
    #[ORM\Id, ORM\Column(type: 'bigint'), ORM\GeneratedValue(strategy: 'IDENTITY')]
    public $id = null;
    public function __construct(
        #[ORM\Column(name: 'user_id', type: 'bigint')] public string $user,
        #[ORM\Column(type: 'decimal', precision: 10, scale: 2)] public string $total,
    ) {}
}

$configuration = new Configuration();
$configuration->setMetadataDriverImpl(new AttributeDriver([]));
$configuration->setProxyDir(sys_get_temp_dir());
$configuration->setProxyNamespace('Proxies');
$db = DriverManager::getConnection([
    'driver' => 'pdo_pgsql', 'host' => getenv('PGHOST'), 'port' => getenv('PGPORT'), 'dbname' => getenv('PGDATABASE'),
    'user' => getenv('PGUSER'), 'password' => getenv('PGPASSWORD'),
]);

function check(mixed $found, mixed $expected): void
{
    if ((string) $found !== (string) $expected) {
        throw new Exception(json_encode($found) . ' instead of ' . json_encode($expected));
    }
}

function store(EntityManager $manager, object $row): string
{
    $manager->persist($row);
    $manager->flush();
    return (string) $row->id;
}

for ($run = 1; $run <= 2; $run++) {
    $manager = new EntityManager($db, $configuration);
    $referrer = store($manager, new User('referrer'));
    $db->fetchOne("SELECT referral.issue_invite(?, code => 'SAME', max_redemptions => NULL)", [$referrer]);
    $friend = store($manager, new User('friend', 'SAME'));
    check($friend, $db->fetchOne("SELECT id FROM users WHERE name = 'friend'"));
    $refused = store($manager, new User('refused', 'NO SUCH CODE'));
    check($refused, $db->fetchOne("SELECT id FROM users WHERE name = 'refused'"));
    $order = store($manager, new Order($friend, '30.00'));
    check($order, $db->fetchOne('SELECT id FROM orders WHERE user_id = ?', [$friend]));
    check($db->lastInsertId(), $order);
    check($db->fetchOne('SELECT available FROM referral.balance(?)', [$referrer]), '10.00');

    $empty = $db->getDatabasePlatform()->getTruncateTableSQL('users', true);
    try {
        $db->executeStatement($empty);
        throw new Exception('the users were emptied under the ledger');
    } catch (Doctrine\DBAL\Exception\DriverException $refusal) {
        check($refusal->getSQLState(), '55000');
    }
    $db->executeStatement('SELECT referral.reset_program(confirm => ?)', [getenv('PGDATABASE')]);
    $db->executeStatement($empty);
}
