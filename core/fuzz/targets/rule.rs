//! The rule of a goal, and what it makes of a friend's transactions: the first line is the document, and the bytes after
//! it are the transactions.
#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use referral_core::amount::{Decimal, Unit};
use referral_core::evaluate::{Decision, Fact, GoalVersion, ReferralTerms, evaluate, without_a_currency};
use referral_core::id::{CreditId, GoalId, GoalVersionId, ProgramId, SourceId};
use referral_core::ledger::{Changes, Posted, PostedLine, difference};
use referral_core::rule::{Rule, Side};
use referral_core::time::{Interval, Precision, Timestamp};

const VERSION: GoalVersionId = GoalVersionId(1);

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let Ok(document) = std::str::from_utf8(&input[..end]) else { return };
    let Ok(rule) = Rule::parse(document) else { return };
    let mut bytes = Unstructured::new(input.get(end + 1..).unwrap_or_default());
    if let (Ok(terms), Ok(facts)) = (terms(&mut bytes), facts(&mut bytes)) {
        play(rule, &terms, &facts);
    }
});

fn terms(bytes: &mut Unstructured) -> Result<ReferralTerms> {
    let mut length = || -> Result<Option<Interval>> {
        let (given, months, micros): (bool, u16, u64) = bytes.arbitrary()?;
        Ok(given.then_some(Interval { months: months.into(), micros: (micros >> 1) as i64 }))
    };
    let (window, grace) = (length()?, length()?);
    let redeemed_at = Timestamp(bytes.arbitrary()?);
    Ok(ReferralTerms {
        redeemed_at,
        counts_from: grace.map_or(redeemed_at, |grace| redeemed_at.minus(grace)),
        counts_until: window.map(|window| redeemed_at.plus(window)),
    })
}

fn facts(bytes: &mut Unstructured) -> Result<Vec<Fact>> {
    (0..bytes.int_in_range(0..=4)?).map(|key| fact(key, bytes)).collect()
}

fn fact(key: u8, bytes: &mut Unstructured) -> Result<Fact> {
    let (low, mid, high, negative, scale): (u32, u32, u32, bool, u8) = bytes.arbitrary()?;
    let amount = Decimal::from_parts(low, mid, high, negative, u32::from(scale) % 29);
    let currency = Unit::parse(bytes.choose(&["", "USD", "JPY", "points"])?).ok();
    let (qualifies, holds): (bool, Option<bool>) = bytes.arbitrary()?;
    Ok(Fact {
        source: SourceId(bytes.int_in_range(1..=3)?),
        transaction_key: key.to_string(),
        qualifies,
        amount: bytes.arbitrary::<bool>()?.then_some(amount),
        currency,
        occurred_at: bytes.arbitrary::<Option<i64>>()?.map(Timestamp),
        precision: Precision::of_decimals(bytes.int_in_range(0..=6)?),
        predicates: vec![(VERSION, holds)],
    })
}

fn play(rule: Rule, terms: &ReferralTerms, facts: &[Fact]) {
    let goals = [GoalVersion {
        id: VERSION,
        goal: GoalId(1),
        program: ProgramId(1),
        sources: vec![SourceId(1), SourceId(2)],
        from: Timestamp::NEG_INFINITY,
        until: Timestamp::INFINITY,
        rule,
    }];
    let decisions = evaluate(terms, &goals, facts);
    let _ = without_a_currency(&decisions, &goals, facts);
    for reward in decisions.iter().flat_map(|decision| &decision.rewards) {
        assert!(reward.amount > Decimal::ZERO && reward.amount.scale() == reward.unit.scale());
        assert_eq!(reward.unit.round(reward.amount), reward.amount);
    }
    for (fact, side, rank) in facts.iter().flat_map(|fact| [(fact, Side::Referrer, 1), (fact, Side::Friend, u32::MAX)])
    {
        if let (Some(paid), Some(unit)) = (fact.amount, &fact.currency) {
            goals[0].rule.pays(side, unit, Some(unit), paid, rank);
        }
    }
    let posted = post(&difference(&decisions, &goals, facts, &[], 0));
    unchanged(&difference(&decisions, &goals, facts, &posted, posted.len() as i32));
    // All is refunded, and all of it comes back.
    let nothing: [Decision; 0] = [];
    let reversed = difference(&nothing, &goals, facts, &posted, posted.len() as i32);
    let sum = |lines: &[Decimal]| lines.iter().sum::<Decimal>();
    let earned: Vec<Decimal> = posted.iter().flat_map(|p| p.lines.iter().map(|line| line.amount)).collect();
    let taken: Vec<Decimal> = reversed.lines.iter().map(|line| line.amount).collect();
    assert_eq!(sum(&earned), -sum(&taken), "what is refunded is taken back");
}

/// What is stored once the changes are written.
fn post(changes: &Changes) -> Vec<Posted> {
    let of = |number: i32| {
        let lines = changes.lines.iter().enumerate().filter(move |(_, line)| line.completion_no == number);
        lines.map(|(id, line)| PostedLine {
            id: CreditId(id as i64),
            side: line.side,
            unit: line.unit.clone(),
            amount: line.amount,
            revision: line.revision,
            reverses: line.reverses,
            available_at: line.available_at.unwrap_or(Timestamp(0)),
            expires_at: line.expires_at,
            current: true,
        })
    };
    let completed = changes.completed.iter();
    completed.map(|c| Posted { completion: c.clone(), lines: of(c.completion_no).collect() }).collect()
}

fn unchanged(changes: &Changes) {
    assert_eq!(*changes, Changes::default(), "what is posted is posted");
}
