// Prisma's client, and the TRUNCATE with which its tests empty a database.
import assert from "node:assert/strict";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "@prisma/client";

const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD } = process.env;
const adapter = new PrismaPg({ host: PGHOST, port: PGPORT, database: PGDATABASE, user: PGUSER, password: PGPASSWORD });
const prisma = new PrismaClient({ adapter });
const truncate = () => prisma.$executeRaw`TRUNCATE TABLE "public"."users", "public"."orders" CASCADE`;

for (const run of [1, 2]) {
  const referrer = await prisma.user.create({ data: { name: "referrer" } });
  await prisma.$queryRaw`SELECT referral.issue_invite(${referrer.id}, code => 'SAME', max_redemptions => NULL)`;
  // A sign-up and its order in one transaction.
  const friend = await prisma.user.create({
    data: { name: "friend", code: "SAME", orders: { create: { total: "30.00" } } },
    include: { orders: true },
  });
  const [{ id }] = await prisma.$queryRaw`SELECT id FROM users WHERE name = 'friend'`;
  assert.equal(friend.id, id);
  const [order] = await prisma.$queryRaw`SELECT id FROM orders`;
  assert.equal(friend.orders[0].id, order.id);
  const [{ available }] = await prisma.$queryRaw`SELECT available FROM referral.balance(${referrer.id})`;
  assert.equal(available.toFixed(2), "10.00", `run ${run}`);

  await assert.rejects(truncate, (refusal) => JSON.stringify(refusal.meta ?? refusal).includes("55000"));
  await prisma.$queryRaw`SELECT referral.reset_program(confirm => ${PGDATABASE})::text`;
  await truncate();
}
await prisma.$disconnect();
