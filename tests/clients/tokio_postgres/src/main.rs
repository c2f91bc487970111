//! tokio-postgres.

use rust_decimal::Decimal;
use std::env::{var, var_os};
use std::fmt::Display;
use tokio_postgres::types::{FromSqlOwned, ToSql, Type};
use tokio_postgres::{Client, Config, Error, GenericClient, NoTls, Row, Statement};
use uuid::Uuid;

/// A statement is prepared once. For a pooler that does not track prepared statements it goes without a name, together
/// with the types of its values.
enum Query {
    Prepared(Statement),
    Typed(&'static str, Vec<Type>),
}

impl Query {
    async fn new(db: &Client, sql: &'static str, types: Vec<Type>) -> Result<Query, Error> {
        Ok(if var_os("POOLED").is_some() { Query::Typed(sql, types) } else { Query::Prepared(db.prepare(sql).await?) })
    }

    async fn run(&self, db: &impl GenericClient, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        match self {
            Query::Prepared(statement) => db.query_opt(statement, values).await,
            Query::Typed(sql, types) => {
                let typed: Vec<_> = values.iter().copied().zip(types.iter().cloned()).collect();
                db.query_typed_opt(sql, &typed).await
            }
        }
    }

    async fn fetch(&self, db: &impl GenericClient, values: &[&(dyn ToSql + Sync)]) -> Result<Row, Error> {
        Ok(self.run(db, values).await?.expect("a row"))
    }
}

/// The day of a client whose keys are a `Key`, in PostgreSQL a `key`.
async fn day<Key: FromSqlOwned + ToSql + Sync + PartialEq + Display>(db: &mut Client, key: Type) -> Result<(), Error> {
    let add_user = Query::new(db, "INSERT INTO users (name) VALUES ($1) RETURNING id", vec![Type::TEXT]).await?;
    let issue = Query::new(db, "SELECT referral.issue_invite($1)", vec![key.clone()]).await?;
    let redeem = "SELECT status, referrer FROM referral.redeem_invite($1, $2)";
    let redeem = Query::new(db, redeem, vec![Type::TEXT, key.clone()]).await?;
    let buy = "INSERT INTO orders (user_id, total) VALUES ($1, $2)";
    let buy = Query::new(db, buy, vec![key.clone(), Type::NUMERIC]).await?;
    let balance = Query::new(db, "SELECT available FROM referral.balance($1)", vec![key]).await?;
    let generic = "SELECT count(*) FROM pg_prepared_statements WHERE generic_plans > 0";
    let generic = Query::new(db, generic, vec![]).await?;

    let referrer: Key = add_user.fetch(db, &[&"referrer"]).await?.get(0);
    let mut available = Decimal::ZERO;
    for n in 1..=8 {
        let code: String = issue.fetch(db, &[&referrer]).await?.get(0);
        let sign_up = db.transaction().await?;
        let friend: Key = add_user.fetch(&sign_up, &[&format!("friend {n}")]).await?.get(0);
        for (typed, status, referrer) in [
            ("7KQ2-M9XD-4TRWA", "malformed_code", None),
            ("7KQ2-M9XD-4TRW3", "unknown_code", None),
            (code.as_str(), "redeemed", Some(&referrer)),
        ] {
            let answer = redeem.fetch(&sign_up, &[&typed, &friend]).await?;
            assert_eq!(answer.get::<_, &str>(0), status);
            assert!(answer.get::<_, Option<Key>>(1).as_ref() == referrer);
        }
        sign_up.commit().await?;
        buy.run(db, &[&friend, &Decimal::new(3000, 2)]).await?;
        available = balance.fetch(db, &[&referrer]).await?.get(0);
        assert_eq!(available, Decimal::from(10 * n));
    }
    let plans: i64 = generic.fetch(db, &[]).await?.get(0);
    println!(r#"{{"referrer": "{referrer}", "available": "{available}", "generic_plans": {plans}}}"#);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut db, connection) = Config::new()
        .host(var("PGHOST")?)
        .port(var("PGPORT")?.parse()?)
        .dbname(var("PGDATABASE")?)
        .user(var("PGUSER")?)
        .password(var("PGPASSWORD")?)
        .connect(NoTls)
        .await?;
    tokio::spawn(connection);
    match var("KEY")?.as_str() {
        "uuid" => day::<Uuid>(&mut db, Type::UUID).await?,
        _ => day::<i64>(&mut db, Type::INT8).await?,
    }
    Ok(())
}
