// Knex: the tables by its builder, our functions by raw.
const assert = require('node:assert/strict')

const knex = require('knex')({ client: 'pg', connection: {}, pool: { min: 1, max: 1 } })

// Knex sends statements without a name. One that is to be kept gets the driver's name, except through a pooler.
const named = (name, query) => (process.env.POOLED ? query : query.options({ name }))
const fetch = async (name, query) => (await named(name, query)).rows[0]

const addUser = async (db, name) => (await named('add-user', db('users').insert({ name }, ['id'])))[0].id
const issue = (db, user) => fetch('issue', db.raw('SELECT referral.issue_invite(?) AS code', [user]))
const redeem = (db, code, friend) =>
  fetch('redeem', db.raw('SELECT status, referrer FROM referral.redeem_invite(?, ?)', [code, friend]))
const buy = (db, user, total) => named('buy', db('orders').insert({ user_id: user, total }))
const balance = (db, user) => fetch('balance', db.raw('SELECT available FROM referral.balance(?)', [user]))

async function day () {
  const referrer = await addUser(knex, 'referrer')
  let available
  for (let n = 1; n <= 8; n++) {
    const { code } = await issue(knex, referrer)
    const friend = await knex.transaction(async (db) => {
      const friend = await addUser(db, `friend ${n}`)
      assert.deepEqual(await redeem(db, '7KQ2-M9XD-4TRWA', friend), { status: 'malformed_code', referrer: null })
      assert.deepEqual(await redeem(db, '7KQ2-M9XD-4TRW3', friend), { status: 'unknown_code', referrer: null })
      assert.deepEqual(await redeem(db, code, friend), { status: 'redeemed', referrer })
      return friend
    })
    await buy(knex, friend, '30.00');
    ({ available } = await balance(knex, referrer))
    assert.equal(available, `${10 * n}.00`)
  }
  const [{ plans }] = await knex('pg_prepared_statements').where('generic_plans', '>', 0).count({ plans: '*' })
  await knex.destroy()
  console.log(JSON.stringify({ referrer, available, generic_plans: plans }))
}

day()
