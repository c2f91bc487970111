use super::*;
use crate::amount::parse_amount;
use proptest::prelude::*;

const GOOD: &str = r#"{"when": {"min_amount": "20.00", "currency": "usd", "occurrence": {"first": 2}, "within": "30 days"},
    "rewards": [{"to": "referrer", "fixed": "10.0", "unit": "USD"}, {"to": "friend", "fixed": 2, "unit": "points"}]}"#;

#[test]
fn a_rule_in_full() {
    let rule = Rule::parse(GOOD).expect("good");
    assert_eq!(rule.when.occurrence, Occurrence::First(2));
    assert_eq!(rule.when.min_amount, Some(Decimal::new(2000, 2)));
    assert_eq!(rule.rewards[1].to, Side::Friend);
    assert_eq!(rule.rewards[1].unit.as_ref().map(Unit::as_ref), Some("points"));
    let usd = Unit::parse("USD").expect("unit");
    assert_eq!(rule.rewards[0].tiers, [Tier { from: 1, worth: Worth::Fixed(Decimal::new(1000, 2)) }]);
    assert_eq!(rule.rewards[0].pays(Decimal::ONE, &usd, 1).to_string(), "10.00", "at the scale of its unit");
}

#[test]
fn a_rule_that_says_nothing_of_occurrence_means_the_first() {
    let rule = Rule::parse(r#"{"rewards": [{"to": "friend", "fixed": "1", "unit": "EUR"}]}"#).expect("good");
    assert_eq!(rule.when, When::default());
    assert_eq!(rule.when.occurrence, Occurrence::First(1));
    let every = r#"{"when": {"occurrence": "every"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "EUR"}]}"#;
    assert_eq!(Rule::parse(every).expect("good").when.occurrence, Occurrence::Every);
}

#[test]
fn a_mistake_is_named_with_its_path() {
    for (from, to, path) in [
        (r#""first": 2"#, r#""first": 0"#, "when.occurrence"),
        (r#"{"first": 2}"#, r#"{"last": 2}"#, "when.occurrence"),
        (r#""20.00""#, "20.5", "when.min_amount"),
        (r#""20.00""#, r#""-1""#, "when.min_amount"),
        (r#""20.00""#, r#""NaN""#, "when.min_amount"),
        (r#""currency": "usd","#, "", "when.currency"),
        ("30 days", "soon", "when.within"),
        (r#""within""#, r#""withn""#, "when.withn"),
        (r#""10.0""#, r#""10.001""#, "rewards[0].fixed"),
        (r#""10.0""#, r#""0""#, "rewards[0].fixed"),
        (r#""friend""#, r#""nobody""#, "rewards[1].to"),
        (r#""fixed": 2"#, r#""fixed": 2, "bonus": 3"#, "rewards[1].bonus"),
        (r#""points""#, r#""""#, "rewards[1].unit"),
        (r#""rewards""#, r#""reward""#, "reward"),
    ] {
        let wrong = GOOD.replacen(from, to, 1);
        assert_ne!(wrong, GOOD, "{from}");
        assert_eq!(Rule::parse(&wrong).expect_err(to).path, path, "{to}");
    }
    assert_eq!(Rule::parse(r#"{"rewards": []}"#).expect_err("empty").path, "rewards");
}

fn rewards(rewards: &str) -> Result<Rule, Mistake> {
    Rule::parse(&format!(r#"{{"rewards": [{rewards}]}}"#))
}

#[test]
fn percent_are_of_the_amount_and_rounded_to_the_unit() {
    let usd = Unit::parse("USD").expect("unit");
    for (reward, paid, pays) in [
        (r#"{"to": "friend", "percent": "10"}"#, "12.34", "1.23"),
        (r#"{"to": "friend", "percent": "10"}"#, "12.35", "1.24"),
        (r#"{"to": "friend", "percent": "10"}"#, "0.04", "0.00"),
        (r#"{"to": "friend", "percent": "10", "max": "1.00", "unit": "USD"}"#, "12.35", "1.00"),
        (r#"{"to": "friend", "percent": "33.3333"}"#, "100", "33.33"),
        (r#"{"to": "friend", "percent": 100}"#, "1000000000000000000000000000", "100000000000000000000.00"),
    ] {
        let rule = rewards(reward).expect(reward);
        let paid = parse_amount(paid).expect(paid);
        assert_eq!(rule.rewards[0].pays(paid, &usd, 1).to_string(), pays, "{reward} of {paid}");
    }
    let points = rewards(r#"{"to": "friend", "percent": "500", "unit": "points"}"#).expect("points");
    let unit = Unit::parse("points").expect("unit");
    assert_eq!(points.rewards[0].pays(Decimal::new(1250, 2), &unit, 1).to_string(), "63");
    assert_eq!(points.rewards[0].currency(), None);
}

#[test]
fn a_mistake_in_a_reward_is_named_with_its_path() {
    for (wrong, path) in [
        (r#"{"to": "friend"}"#, "rewards[0]"),
        (r#"{"to": "friend", "unit": "USD", "fixed": "1", "percent": "1"}"#, "rewards[0]"),
        (r#"{"to": "friend", "unit": "USD", "fixed": "1", "max": "1"}"#, "rewards[0]"),
        (r#"{"to": "friend", "fixed": "1"}"#, "rewards[0].unit"),
        (r#"{"to": "friend", "percent": "0"}"#, "rewards[0].percent"),
        (r#"{"to": "friend", "percent": "101"}"#, "rewards[0].percent"),
        (r#"{"to": "friend", "percent": "10", "max": "5"}"#, "rewards[0].unit"),
        (r#"{"to": "friend", "percent": "10", "max": "5.001", "unit": "USD"}"#, "rewards[0].max"),
        (
            r#"{"to": "friend", "percent": "10", "unit": "USD"}, {"to": "referrer", "percent": "10", "unit": "EUR"}"#,
            "rewards[0].unit",
        ),
        (r#"{"to": "friend", "fixed": "1", "unit": "USD", "hold": "soon"}"#, "rewards[0].hold"),
        (r#"{"to": "friend", "fixed": "200000000000000000000", "unit": "points"}"#, "rewards[0].fixed"),
    ] {
        let mistake = rewards(wrong).expect_err(wrong);
        assert_eq!(mistake.path, path, "{wrong}: {mistake:?}");
    }
}

#[test]
fn tiers_are_by_place_and_limits_need_one_unit() {
    let usd = Unit::parse("USD").expect("unit");
    let tiered = rewards(
        r#"{"to": "referrer", "unit": "USD", "tiers": [
        {"from": 1, "fixed": "5"}, {"from": 4, "percent": "50", "max": "20"}]}"#,
    )
    .expect("tiers");
    let pays = |rank| tiered.rewards[0].pays(Decimal::new(30, 0), &usd, rank).to_string();
    assert_eq!([1, 3, 4, 400].map(pays), ["5.00", "5.00", "15.00", "15.00"]);
    assert_eq!(tiered.rewards[0].pays_at_most(Decimal::new(8, 0), &usd).to_string(), "5.00");
    assert!(tiered.is_settled_for(Side::Referrer) && !tiered.is_settled_for(Side::Friend));
    let good = r#"{"rewards": [{"to": "referrer", "fixed": "1", "unit": "USD"}, {"to": "friend", "fixed": "1", "unit": "points"}],
        "limits": {"per_referrer": {"count": 3, "amount": "10.00", "every": "month"}}}"#;
    let rule = Rule::parse(good).expect("limits");
    assert_eq!(rule.limits.per_referrer.as_ref().map(|cap| cap.every), Some(Period::Month));
    assert!(rule.is_settled_for(Side::Referrer) && !rule.is_settled_for(Side::Friend));
    for (from, to, path) in [
        (r#""count": 3, "amount": "10.00""#, "", "limits.per_referrer"),
        (r#""count": 3"#, r#""count": 0"#, "limits.per_referrer.count"),
        (r#""count": 3"#, r#""count": -1"#, "limits.per_referrer.count"),
        (r#""10.00""#, r#""0""#, "limits.per_referrer.amount"),
        (r#""10.00""#, r#""1.001""#, "limits.per_referrer.amount"),
        ("month", "year", "limits.per_referrer.every"),
        ("referrer\", \"fixed", "friend\", \"fixed", "limits.per_referrer"),
        (r#""limits": {"#, r#""limits": {"budget": "100", "#, "limits.budget"),
        (r#""limits": {"#, r#""limits": {"cap": 1, "#, "limits.cap"),
    ] {
        let wrong = good.replacen(from, to, 1).replace("{, ", "{");
        assert_ne!(wrong, good, "{from}");
        assert_eq!(Rule::parse(&wrong).expect_err(to).path, path, "{to}");
    }
    for (wrong, path) in [
        (r#"{"to": "referrer", "unit": "USD", "tiers": []}"#, "rewards[0].tiers"),
        (r#"{"to": "referrer", "unit": "USD", "fixed": "1", "tiers": [{"from": 1, "fixed": "5"}]}"#, "rewards[0]"),
        (r#"{"to": "referrer", "unit": "USD", "tiers": [{"from": 2, "fixed": "5"}]}"#, "rewards[0].tiers[0].from"),
        (
            r#"{"to": "referrer", "unit": "USD", "tiers": [{"from": 1, "fixed": "5"}, {"from": 1, "fixed": "6"}]}"#,
            "rewards[0].tiers[1].from",
        ),
        (
            r#"{"to": "referrer", "unit": "USD", "tiers": [{"from": 1, "fixed": "5"}, {"from": 3, "fixed": "-6"}]}"#,
            "rewards[0].tiers[1].fixed",
        ),
        (
            r#"{"to": "friend", "unit": "USD", "tiers": [{"from": 1, "fixed": "5"}, {"from": 3, "fixed": "6"}]}"#,
            "rewards[0].tiers",
        ),
        (r#"{"to": "friend", "fixed": "1", "unit": "USD", "expires": "never"}"#, "rewards[0].expires"),
    ] {
        let mistake = rewards(wrong).expect_err(wrong);
        assert_eq!(mistake.path, path, "{wrong}: {mistake:?}");
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(text: String) {
        let _ = Rule::parse(&text);
    }
}
