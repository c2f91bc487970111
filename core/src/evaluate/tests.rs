use super::*;
use proptest::prelude::*;

pub(crate) fn goal(when: &str) -> GoalVersion {
    let rewards =
        r#"[{"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "friend", "fixed": "2", "unit": "points"}]"#;
    let rule = Rule::parse(&format!(r#"{{"when": {when}, "rewards": {rewards}}}"#)).expect("rule");
    let (id, goal, program) = (GoalVersionId(1), GoalId(1), ProgramId(1));
    GoalVersion {
        id,
        goal,
        program,
        sources: vec![SourceId(1)],
        from: Timestamp::NEG_INFINITY,
        until: Timestamp::INFINITY,
        rule,
    }
}

pub(crate) fn fact(key: &str, at: i64, cents: i64) -> Fact {
    Fact {
        source: SourceId(1),
        transaction_key: key.into(),
        qualifies: true,
        amount: Some(Decimal::new(cents, 2)),
        currency: Some(Unit::parse("USD").expect("unit")),
        occurred_at: Some(Timestamp(at)),
        precision: Precision::MICROSECOND,
        predicates: Vec::new(),
    }
}

pub(crate) const TERMS: ReferralTerms =
    ReferralTerms { redeemed_at: Timestamp(0), counts_from: Timestamp(0), counts_until: None };

/// What the condition of a version says of a row.
fn says(version: i32, holds: Option<bool>) -> (GoalVersionId, Option<bool>) {
    (GoalVersionId(version), holds)
}

fn completed(goals: &[GoalVersion], facts: &[Fact]) -> Vec<String> {
    let decisions = evaluate(&TERMS, goals, facts);
    decisions.iter().filter(|d| d.failed().is_none()).map(|d| facts[d.fact].transaction_key.clone()).collect()
}

#[test]
fn the_first_by_time_and_then_by_number_completes() {
    let facts = [fact("10", 5, 100), fact("9", 5, 100), fact("1", 7, 100)];
    assert_eq!(completed(&[goal("{}")], &facts), ["9"]);
    assert_eq!(completed(&[goal(r#"{"occurrence": {"nth": 3}}"#)], &facts), ["1"]);
    assert_eq!(completed(&[goal(r#"{"occurrence": "every"}"#)], &facts), ["9", "10", "1"]);
}

#[test]
fn each_gate_can_fail_and_says_what_it_saw() {
    let when = r#"{"min_amount": "5", "currency": "USD", "within": "1 day", "predicate": "items > 2"}"#;
    let good = Fact { predicates: vec![says(2, Some(false)), says(1, Some(true))], ..fact("1", 0, 500) };
    let hour = 3_600_000_000;
    let terms = ReferralTerms { counts_until: Some(Timestamp(2 * hour)), ..TERMS };
    for (gate, wrong) in [
        (Gate::Qualifies, Fact { qualifies: false, ..good.clone() }),
        (Gate::Amount, Fact { amount: Some(Decimal::ZERO), ..good.clone() }),
        (Gate::Amount, Fact { amount: Some(Decimal::new(-1, 0)), ..good.clone() }),
        (Gate::Amount, Fact { amount: None, ..good.clone() }),
        (Gate::Redemption, Fact { occurred_at: Some(Timestamp(-1)), ..good.clone() }),
        (Gate::Redemption, Fact { occurred_at: None, ..good.clone() }),
        (Gate::AttributionWindow, Fact { occurred_at: Some(Timestamp(2 * hour)), ..good.clone() }),
        (Gate::Currency, Fact { currency: Unit::parse("EUR").ok(), ..good.clone() }),
        (Gate::Currency, Fact { currency: None, ..good.clone() }),
        (Gate::MinAmount, Fact { amount: Some(Decimal::new(499, 2)), ..good.clone() }),
        (Gate::Predicate, Fact { predicates: vec![says(1, Some(false))], ..good.clone() }),
        (Gate::Predicate, Fact { predicates: vec![says(1, None)], ..good.clone() }),
        (Gate::Predicate, Fact { predicates: vec![says(2, Some(true))], ..good.clone() }),
    ] {
        let decisions = evaluate(&terms, &[goal(when)], std::slice::from_ref(&wrong));
        assert_eq!(decisions[0].failed(), Some(gate), "{wrong:?}");
        assert!(decisions[0].rewards.is_empty());
    }
    let decisions = evaluate(&terms, &[goal(when)], std::slice::from_ref(&good));
    assert_eq!(decisions[0].failed(), None);
    let last = Check {
        gate: Gate::Predicate,
        passed: true,
        seen: Value::Truth(true),
        required: Value::Condition("items > 2".into()),
    };
    assert!(decisions[0].checks.contains(&last), "{:?}", decisions[0].checks);
    assert_eq!(decisions[0].checks.len(), 9, "all gates are listed, passed ones too");
    assert_eq!(decisions[0].rewards.len(), 2);
}

#[test]
fn percent_need_a_currency_and_a_hold_counts_from_the_transaction() {
    let rule = |rewards: &str| GoalVersion {
        rule: Rule::parse(&format!(r#"{{"rewards": [{rewards}]}}"#)).expect(rewards),
        ..goal("{}")
    };
    let carried = rule(r#"{"to": "friend", "percent": "10", "hold": "1 day"}"#);
    let pays = |goal: &GoalVersion, fact: &Fact| {
        let decisions = evaluate(&TERMS, std::slice::from_ref(goal), std::slice::from_ref(fact));
        let first = &decisions[0];
        (first.failed(), first.rewards.first().map(|r| (r.amount, r.unit.to_string(), r.available_at)))
    };
    let usd = fact("1", 5, 1234);
    let held = Some(Timestamp(5 + 86_400_000_000));
    assert_eq!(pays(&carried, &usd), (None, Some((Decimal::new(123, 2), "USD".into(), held))));
    let yen = Fact { currency: Unit::parse("JPY").ok(), ..fact("1", 5, 123_450) };
    assert_eq!(pays(&carried, &yen), (None, Some((Decimal::new(123, 0), "JPY".into(), held))));
    assert_eq!(pays(&carried, &Fact { currency: None, ..usd.clone() }), (Some(Gate::Currency), None));
    let euros = rule(r#"{"to": "friend", "percent": "10", "unit": "EUR"}"#);
    assert_eq!(pays(&euros, &usd), (Some(Gate::Currency), None));
    assert_eq!(pays(&carried, &fact("1", 5, 4)), (None, None), "ten percent of 4 cents are nothing");
}

#[test]
fn a_goal_over_two_sources_counts_in_the_order_of_time() {
    let other = |key, at| Fact { source: SourceId(2), ..fact(key, at, 100) };
    let both = |when| GoalVersion { sources: vec![SourceId(1), SourceId(2)], ..goal(when) };
    let facts = [fact("1", 5, 100), other("1", 3), other("0", 5), fact("2", 7, 100)];
    assert_eq!(completed(&[both("{}")], &facts), ["1"]);
    assert_eq!(completed(&[both(r#"{"occurrence": {"first": 3}}"#)], &facts), ["1", "1", "0"]);
    assert_eq!(completed(&[goal(r#"{"occurrence": {"nth": 2}}"#)], &facts), ["2"]);
    let only = GoalVersion { sources: vec![SourceId(2)], ..goal(r#"{"occurrence": "every"}"#) };
    assert_eq!(completed(&[only], &facts), ["1", "0"]);
    let mut facts = facts;
    take_off(&mut facts, Refund { of: "1".into(), fact: other("9", 9) }).expect("same currency");
    assert_eq!(facts.map(|fact| fact.amount.is_some_and(|left| left.is_zero())), [false, true, false, false]);
}

#[test]
fn a_missing_currency_matters_where_it_would_decide() {
    let rule = |when: &str, rewards: &str| GoalVersion {
        rule: Rule::parse(&format!(r#"{{"when": {when}, "rewards": [{rewards}]}}"#)).expect(rewards),
        ..goal("{}")
    };
    let percent = r#"{"to": "friend", "percent": "10"}"#;
    let fixed = r#"{"to": "friend", "fixed": "10", "unit": "EUR"}"#;
    let bare = |key, at| Fact { currency: None, ..fact(key, at, 100) };
    let refunded = |key, at| Fact { qualifies: false, ..bare(key, at) };
    for (when, rewards, facts, found) in [
        ("{}", percent, [bare("1", 1), fact("2", 2, 100)], Some("1")),
        ("{}", percent, [fact("1", 1, 100), bare("2", 2)], None),
        ("{}", percent, [refunded("1", 1), fact("2", 2, 100)], None),
        ("{}", percent, [bare("1", -1), fact("2", 2, 100)], None),
        (r#"{"occurrence": "every"}"#, percent, [fact("1", 1, 100), bare("2", 2)], Some("2")),
        (r#"{"occurrence": {"nth": 2}}"#, percent, [fact("1", 1, 100), bare("2", 2)], Some("2")),
        ("{}", fixed, [bare("1", 1), fact("2", 2, 100)], None),
        (r#"{"min_amount": "1", "currency": "EUR"}"#, fixed, [bare("1", 1), fact("2", 2, 100)], None),
        (r#"{"min_amount": "1", "currency": "EUR"}"#, percent, [bare("1", 1), fact("2", 2, 100)], Some("1")),
    ] {
        let goals = [rule(when, rewards)];
        let decisions = evaluate(&TERMS, &goals, &facts);
        let seen = without_a_currency(&decisions, &goals, &facts).map(|fact| fact.transaction_key.as_str());
        assert_eq!(seen, found, "{when} {rewards}");
    }
}

#[test]
fn refunds_are_taken_off_what_they_refund() {
    let mut facts = vec![fact("1", 1, 500), fact("2", 2, 900)];
    let refund = |of: &str, cents| Refund { of: of.into(), fact: fact("3", 3, cents) };
    for (refund, left) in [
        (refund("2", -100), [500, 800]),
        (refund("2", 300), [500, 500]),
        (refund("7", 300), [500, 500]),
        (Refund { fact: Fact { qualifies: false, ..fact("4", 4, 100) }, ..refund("1", 0) }, [500, 500]),
        (refund("1", 600), [-100, 500]),
    ] {
        take_off(&mut facts, refund).expect("same currency");
        assert_eq!(facts.iter().map(|fact| fact.amount).collect::<Vec<_>>(), left.map(|c| Some(Decimal::new(c, 2))));
    }
    let euros = Fact { currency: Unit::parse("EUR").ok(), ..fact("5", 5, 100) };
    assert!(take_off(&mut facts, Refund { of: "2".into(), fact: euros }).is_err_and(|(value, _)| value == "currency"));
    let huge = |amount| Fact { amount: Some(amount), ..fact("6", 6, 0) };
    let mut enormous = vec![Fact { transaction_key: "2".into(), ..huge(Decimal::MIN) }];
    let refund = Refund { of: "2".into(), fact: huge(Decimal::MAX) };
    assert!(take_off(&mut enormous, refund).is_err_and(|(value, _)| value == "amount"), "and no panic");
    assert_eq!(completed(&[goal("{}")], &facts), ["2"]);
}

#[test]
fn a_time_that_is_known_to_the_second_is_not_before_a_redemption_in_that_second() {
    let terms = ReferralTerms { redeemed_at: Timestamp(1_500_000), counts_from: Timestamp(1_500_000), ..TERMS };
    for (at, decimals, counts) in
        [(1_000_000, 0, true), (1_000_000, 3, false), (1_500_000, 6, true), (1_499_999, 6, false), (0, 0, false)]
    {
        let fact = Fact { precision: Precision::of_decimals(decimals), ..fact("1", at, 100) };
        let decisions = evaluate(&terms, &[goal("{}")], &[fact]);
        assert_eq!(decisions[0].failed().is_none(), counts, "{at} with {decimals} decimals");
    }
}

#[test]
fn the_grace_reaches_back_and_the_goal_s_terms_do_not() {
    let hour = 3_600_000_000;
    let late = ReferralTerms { counts_from: Timestamp(-hour), ..TERMS };
    let facts = [fact("1", -hour - 1, 100), fact("2", -hour, 100)];
    let goals =
        [goal(r#"{"occurrence": "every"}"#), GoalVersion { id: GoalVersionId(2), until: Timestamp(0), ..goal("{}") }];
    let decisions = evaluate(&late, &goals, &facts);
    let failed: Vec<_> =
        decisions.iter().map(|d| (goals[d.goal].id.0, facts[d.fact].transaction_key.as_str(), d.failed())).collect();
    assert_eq!(failed, [(1, "1", Some(Gate::Redemption)), (1, "2", None)]);
}

#[test]
fn a_transaction_that_fails_a_gate_does_not_take_the_first_place() {
    let facts = [fact("1", 1, 100), fact("2", 2, 900)];
    assert_eq!(completed(&[goal(r#"{"min_amount": "5", "currency": "USD"}"#)], &facts), ["2"]);
}

#[test]
fn only_the_version_in_force_at_the_redemption_counts() {
    let old = GoalVersion { until: Timestamp(0), ..goal("{}") };
    let new = GoalVersion { id: GoalVersionId(2), from: Timestamp(0), ..goal("{}") };
    let decisions = evaluate(&TERMS, &[old, new], &[fact("1", 1, 100)]);
    assert_eq!(decisions.iter().map(|d| d.goal).collect::<Vec<_>>(), [1]);
}

proptest! {
    #[test]
    fn the_order_in_which_facts_arrive_does_not_matter(
        facts in prop::collection::vec((-3i64..9, -2i64..9, any::<bool>()), 0..12).prop_map(|rows| {
            rows.into_iter().enumerate().map(|(i, (at, cents, qualifies))| Fact { qualifies, ..fact(&i.to_string(), at, cents) })
                .collect::<Vec<_>>()
        }).prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
        n in 1u32..4,
    ) {
        let goals = [goal(&format!(r#"{{"occurrence": {{"first": {n}}}}}"#))];
        let (facts, shuffled) = facts;
        let done = completed(&goals, &facts);
        prop_assert_eq!(&done, &completed(&goals, &shuffled));
        prop_assert!(done.len() <= n as usize);
    }
}
