use super::super::{Mistake, Rule};
use super::*;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(RULE).expect("JSON"));
static VALIDATOR: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&SCHEMA).expect("a schema"));

/// What the parser rejects and a schema cannot: part of the path, what the parser says, and why a schema cannot.
const BEYOND_A_SCHEMA: [(&str, &str, &str); 9] = [
    ("", "floating point", "1.0 is an integer to a schema, and not exact to us"),
    ("", " decimals of ", "the decimals of each currency"),
    ("", "has more than 28 digits", "digits before and after the point are counted together"),
    ("", "must be at most 100000000000000000000", "amounts in strings are not compared"),
    ("percent", "must be at most 100", "neither are percent, and points may be more"),
    ("from", "must be more than ", "one tier is not compared with the next"),
    ("unit", "cannot be paid in", "currencies of several fields are not compared"),
    ("limits", "all name the same unit", "nor are units"),
    ("", " is not a duration", "the grammar of durations"),
];

fn is_beyond(mistake: &Mistake) -> bool {
    BEYOND_A_SCHEMA.iter().any(|(path, says, _)| mistake.path.contains(path) && mistake.problem.contains(says))
}

fn check(document: &Value) -> Result<(), String> {
    match (Rule::parse(&document.to_string()), VALIDATOR.validate(document)) {
        (Ok(_), Ok(())) | (Err(_), Err(_)) => Ok(()),
        (Err(mistake), Ok(())) if is_beyond(&mistake) => Ok(()),
        (Err(mistake), Ok(())) => Err(format!("only the parser refuses {document}: {mistake:?}")),
        (Ok(_), Err(error)) => Err(format!("only the schema refuses {document}: {error}")),
    }
}

#[test]
fn it_is_a_schema_and_describes_every_field() {
    jsonschema::meta::validate(&SCHEMA).expect("of its draft");
    fn walk(schema: &Value, path: &str, fields: &mut usize) {
        let Some(schema) = schema.as_object() else { return };
        for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            // What only adds a condition to a field does not describe it again.
            if field.get("$ref").is_some() || field.get("additionalProperties").is_some() {
                *fields += 1;
                assert!(field.get("description").is_some(), "{path}.{name}");
            }
            walk(field, &format!("{path}.{name}"), fields);
        }
        for part in ["items", "allOf", "oneOf", "then"] {
            match schema.get(part) {
                Some(Value::Array(parts)) => parts.iter().for_each(|part| walk(part, path, fields)),
                Some(part) => walk(part, path, fields),
                None => {}
            }
        }
    }
    let mut fields = 0;
    walk(&SCHEMA, "", &mut fields);
    assert!(fields > 20, "{fields}");
}

#[test]
fn a_rule_in_full_is_valid() {
    let rule = json!({
        "when": {"min_amount": "20.00", "currency": "USD", "occurrence": {"first": 1}, "within": "30 days", "predicate": "items > 2"},
        "rewards": [
            {"to": "referrer", "tiers": [{"from": 1, "fixed": "5"}, {"from": 4, "percent": 10, "max": "8.00"}], "unit": "USD",
             "hold": "14 days", "expires": "180 days"},
            {"to": "friend", "percent": "10", "max": "25.00", "unit": "USD"}],
        "limits": {"per_referrer": {"count": 12, "amount": "50.00", "every": "month"}, "budget": "10000.00"}});
    assert_eq!(VALIDATOR.validate(&rule).map_err(|error| error.to_string()), Ok(()));
    assert_eq!(Rule::parse(&rule.to_string()).map(|_| ()), Ok(()));
}

/// Each is rejected by both.
#[test]
fn nonsense_is_refused() {
    let good = json!({"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]});
    let with = |pointer: &str, value: Value| {
        let mut wrong = good.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a path");
        wrong.pointer_mut(parent).expect("a place").as_object_mut().expect("an object").insert(key.into(), value);
        wrong
    };
    for wrong in [
        json!(null),
        json!([{}, [{"to": "friend", "fixed": 1, "unit": "USD"}]]),
        with("/rewards", json!([["friend", "1"]])),
        with("/when", json!([])),
        with("/when", json!(null)),
        with("/when", json!({"occurrence": {"every": null}})),
        with("/when", json!({"occurrence": {}})),
        with("/when", json!({"occurrence": {"first": 1, "nth": 1}})),
        with("/when", json!({"occurrence": {"every_for": "30 days"}, "within": "3 days"})),
        with("/when", json!({"predicate": " "})),
        with("/when", json!({"predicate": ["true"]})),
        with("/when", json!({"min_amount": "5"})),
        with("/rewards/0/to", json!({"friend": null})),
        with("/rewards/0/fixed", json!("1_000")),
        with("/rewards/0/fixed", json!("+1")),
        with("/rewards/0/fixed", json!(".5")),
        with("/rewards/0/fixed", json!("0.00")),
        with("/rewards/0/fixed", json!(null)),
        with("/rewards/0/max", json!("5")),
        with("/rewards/0/tiers", json!([{"from": 1, "fixed": 1}])),
        with("/rewards/0/hold", json!("0 days")),
        with("/limits", json!({"per_referrer": {"count": 1}})),
        with("/limits", json!({"per_referrer": null})),
        with("/limits", json!({"budget": 0})),
    ] {
        assert!(Rule::parse(&wrong.to_string()).is_err(), "{wrong}");
        assert!(!VALIDATOR.is_valid(&wrong), "{wrong}");
    }
    assert!(check(&good).is_ok() && VALIDATOR.is_valid(&good));
}

fn amount() -> impl Strategy<Value = Value> {
    select(vec![
        json!("10.00"),
        json!("0.5"),
        json!(3),
        json!("007"),
        json!(50),
        json!("12.345"),
        json!(1.0),
        json!("1e3"),
        json!(-1),
    ])
}

fn unit() -> impl Strategy<Value = Value> {
    select(vec![json!("USD"), json!("points"), json!(" usd "), json!("JPY"), json!("EUR")])
}

fn interval() -> impl Strategy<Value = Value> {
    select(vec![json!("30 days"), json!("P1M"), json!("36 hours"), json!("1 fortnight")])
}

fn count() -> impl Strategy<Value = Value> {
    select(vec![json!(1), json!(2), json!(7), json!(1), json!(4_294_967_295u64), json!(2.0)])
}

/// An object of some of these fields.
fn fields(fields: Vec<(&'static str, f64, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let parts: Vec<_> = fields
        .into_iter()
        .map(|(name, often, value)| {
            prop::option::weighted(often, value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    parts.prop_map(|fields| Value::Object(fields.into_iter().flatten().collect())).boxed()
}

fn worth(often: f64) -> Vec<(&'static str, f64, BoxedStrategy<Value>)> {
    vec![("percent", often, amount().boxed()), ("max", often / 2.0, amount().boxed())]
}

fn reward() -> BoxedStrategy<Value> {
    let tier = |from: BoxedStrategy<Value>| {
        let fixed = fields(vec![("from", 0.99, from.clone()), ("fixed", 0.99, amount().boxed())]);
        prop_oneof![fixed, fields([worth(0.99), vec![("from", 0.99, from)]].concat())]
    };
    let tiers = (tier(Just(json!(1)).boxed()), prop::collection::vec(tier(count().boxed()), 0..3))
        .prop_map(|(first, rest)| Value::Array([vec![first], rest].concat()));
    let to = select(vec![json!("referrer"), json!("friend")]).boxed();
    let rest = vec![("to", 0.99, to), ("hold", 0.2, interval().boxed()), ("expires", 0.2, interval().boxed())];
    prop_oneof![
        fields([vec![("fixed", 0.99, amount().boxed()), ("unit", 0.95, unit().boxed())], rest.clone()].concat()),
        fields([worth(0.99), vec![("unit", 0.8, unit().boxed())], rest.clone()].concat()),
        fields([vec![("tiers", 0.99, tiers.boxed()), ("unit", 0.9, unit().boxed())], rest].concat()),
    ]
    .boxed()
}

fn document() -> BoxedStrategy<Value> {
    let occurrence = prop_oneof![
        Just(json!("every")),
        count().prop_map(|n| json!({ "first": n })),
        count().prop_map(|n| json!({ "nth": n })),
        interval().prop_map(|time| json!({ "every_for": time })),
    ];
    let when = fields(vec![
        ("min_amount", 0.3, amount().boxed()),
        ("currency", 0.5, unit().boxed()),
        ("occurrence", 0.6, occurrence.boxed()),
        ("within", 0.2, interval().boxed()),
        ("predicate", 0.3, Just(json!("channel = 'web'")).boxed()),
    ]);
    let cap = fields(vec![
        ("count", 0.6, count().boxed()),
        ("amount", 0.6, amount().boxed()),
        ("every", 0.7, select(vec![json!("day"), json!("week"), json!("month"), json!("ever")]).boxed()),
    ]);
    let limits = fields(vec![("per_referrer", 0.6, cap), ("budget", 0.4, amount().boxed())]);
    let rewards = prop::collection::vec(reward(), 1..3).prop_map(Value::Array).boxed();
    fields(vec![("when", 0.7, when), ("rewards", 0.99, rewards), ("limits", 0.3, limits)])
}

/// A change to some place of a document.
#[derive(Debug, Clone)]
enum Mutation {
    Put(Index, Value),
    Add(Index, &'static str, Value),
    Remove(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let junk = select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-3),
        json!(2.5),
        json!(1e300),
        json!(""),
        json!("0"),
        json!("x"),
        json!("1.50"),
        json!("every"),
        json!("friend"),
        json!("USD"),
        json!("two words"),
        json!([]),
        json!({}),
        json!([1]),
        json!({"first": 1}),
        json!({"every": null}),
        json!("99999999999999999999999999999.5"),
        json!("100000000000000000001"),
        json!(18_446_744_073_709_551_615u64),
        json!(4_294_967_296u64),
        json!("0 days"),
        json!("9999999999999 years"),
    ]);
    let names = select(vec![
        "when",
        "rewards",
        "limits",
        "to",
        "fixed",
        "percent",
        "max",
        "tiers",
        "from",
        "unit",
        "hold",
        "expires",
        "min_amount",
        "currency",
        "occurrence",
        "within",
        "predicate",
        "first",
        "nth",
        "every",
        "every_for",
        "per_referrer",
        "count",
        "amount",
        "budget",
        "bonus",
    ]);
    prop_oneof![
        (any::<Index>(), junk.clone()).prop_map(|(at, value)| Mutation::Put(at, value)),
        (any::<Index>(), names, junk).prop_map(|(at, name, value)| Mutation::Add(at, name, value)),
        (any::<Index>(), any::<Index>()).prop_map(|(at, which)| Mutation::Remove(at, which)),
    ]
}

/// The paths of all values in a document.
fn paths(value: &Value, path: String, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| paths(value, format!("{path}/{name}"), all)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| paths(value, format!("{path}/{i}"), all));
        }
        _ => {}
    }
    all.push(path);
}

impl Mutation {
    fn apply(&self, document: &mut Value) {
        let mut all = Vec::new();
        paths(document, String::new(), &mut all);
        let (Self::Put(at, _) | Self::Add(at, ..) | Self::Remove(at, _)) = self;
        let Some(place) = document.pointer_mut(&all[at.index(all.len())]) else { return };
        match (self, place) {
            (Self::Put(_, value), place) => *place = value.clone(),
            (Self::Add(_, name, value), Value::Object(fields)) => {
                fields.insert((*name).to_owned(), value.clone());
            }
            (Self::Remove(_, which), Value::Object(fields)) if !fields.is_empty() => {
                let name = which.get(&fields.keys().cloned().collect::<Vec<_>>()).clone();
                fields.remove(&name);
            }
            (Self::Remove(_, which), Value::Array(items)) if !items.is_empty() => {
                items.remove(which.index(items.len()));
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn what_is_valid_is_what_the_parser_accepts(
        document in document(),
        mutations in prop::collection::vec(mutation(), 0..3),
    ) {
        let mut document = document;
        mutations.iter().for_each(|mutation| mutation.apply(&mut document));
        prop_assert_eq!(check(&document), Ok(()));
    }
}
