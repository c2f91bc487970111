// node-postgres.
const assert = require('node:assert/strict')
const { Client } = require('pg')

// A statement with a name is prepared once; for a pooler that does not track prepared statements it gets no name.
const statement = (name, text) => (values) => ({ name: process.env.POOLED ? undefined : name, text, values })
const addUser = statement('add-user', 'INSERT INTO users (name) VALUES ($1) RETURNING id')
const issue = statement('issue', 'SELECT referral.issue_invite($1) AS code')
const redeem = statement('redeem', 'SELECT status, referrer FROM referral.redeem_invite($1, $2)')
const buy = statement('buy', 'INSERT INTO orders (user_id, total) VALUES ($1, $2)')
const balance = statement('balance', 'SELECT available FROM referral.balance($1)')

async function day () {
  const db = new Client()
  await db.connect()
  const fetch = async (query) => (await db.query(query)).rows[0]

  const { id: referrer } = await fetch(addUser(['referrer']))
  let available
  for (let n = 1; n <= 8; n++) {
    const { code } = await fetch(issue([referrer]))
    await db.query('BEGIN')
    const { id: friend } = await fetch(addUser([`friend ${n}`]))
    assert.deepEqual(await fetch(redeem(['7KQ2-M9XD-4TRWA', friend])), { status: 'malformed_code', referrer: null })
    assert.deepEqual(await fetch(redeem(['7KQ2-M9XD-4TRW3', friend])), { status: 'unknown_code', referrer: null })
    assert.deepEqual(await fetch(redeem([code, friend])), { status: 'redeemed', referrer })
    await db.query('COMMIT')
    await db.query(buy([friend, '30.00']));
    ({ available } = await fetch(balance([referrer])))
    assert.equal(available, `${10 * n}.00`)
  }
  const { plans } = await fetch('SELECT count(*) AS plans FROM pg_prepared_statements WHERE generic_plans > 0')
  await db.end()
  console.log(JSON.stringify({ referrer, available, generic_plans: plans }))
}

day()
