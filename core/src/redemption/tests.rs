use super::*;
use proptest::prelude::*;
use proptest::sample::select;

/// A question about an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Recipient,
    Cycle,
    New,
}

/// Answers, and what was asked; a question without an answer fails.
#[derive(Debug, Clone)]
struct Answers {
    recipient: Option<bool>,
    cycle: Option<bool>,
    new: Option<bool>,
    asked: Vec<Question>,
}

impl Answers {
    fn answer(&mut self, question: Question, answer: Option<bool>) -> Result<bool, Question> {
        self.asked.push(question);
        answer.ok_or(question)
    }
}

impl Look for Answers {
    type Error = Question;

    fn is_recipient(&mut self) -> Result<bool, Question> {
        self.answer(Question::Recipient, self.recipient)
    }

    fn closes_cycle(&mut self) -> Result<bool, Question> {
        self.answer(Question::Cycle, self.cycle)
    }

    fn is_new(&mut self) -> Result<bool, Question> {
        self.answer(Question::New, self.new)
    }
}

const GOOD: Facts = Facts { code: Code::Issued, ..NO_INVITE };

fn welcome() -> Answers {
    Answers { recipient: Some(true), cycle: Some(false), new: Some(true), asked: vec![] }
}

/// The documented order, written out a second time: each status, and whether it applies when all is answered.
fn documented(facts: &Facts, answers: &Answers) -> [(Status, bool); 16] {
    let typed = facts.origin == Origin::Typed;
    let to_others = facts.addressed && facts.origin != Origin::Invite && answers.recipient == Some(false);
    [
        (Status::MalformedCode, facts.code == Code::Malformed),
        (Status::UnknownCode, facts.code == Code::Unknown),
        (Status::OtherCase, facts.code == Code::InOtherCase),
        (Status::Throttled, typed && facts.throttled),
        (Status::AlreadyRedeemed, facts.earlier == Some(Earlier::SameInvite)),
        (Status::AlreadyReferred, facts.earlier == Some(Earlier::AnotherInvite)),
        (Status::OwnInvite, facts.own_invite),
        (Status::UnknownReferrer, facts.issuer_gone),
        (Status::Revoked, facts.revoked),
        (Status::ProgramEnded, !facts.running),
        (Status::ProgramPaused, facts.paused),
        (Status::Expired, facts.expired),
        (Status::Exhausted, facts.exhausted),
        (Status::WrongRecipient, to_others),
        (Status::Cycle, answers.cycle == Some(true)),
        (Status::NotNew, answers.new == Some(false)),
    ]
}

fn earlier() -> impl Strategy<Value = Option<Earlier>> {
    select(vec![None, None, Some(Earlier::SameInvite), Some(Earlier::AnotherInvite)])
}

fn facts() -> impl Strategy<Value = Facts> {
    let absent = [Code::Unknown, Code::Malformed, Code::InOtherCase];
    let code = select([Code::Issued; 6].into_iter().chain(absent).collect::<Vec<_>>());
    let origin = select(vec![Origin::Typed, Origin::Signup, Origin::Invite]);
    let seldom = || prop::bool::weighted(0.15);
    let flags = (seldom(), seldom(), seldom(), seldom(), seldom(), seldom(), seldom(), seldom(), any::<bool>());
    (code, origin, earlier(), flags).prop_map(|(code, origin, earlier, flags)| {
        let (throttled, own_invite, issuer_gone, revoked, over, paused, expired, exhausted, addressed) = flags;
        let running = !over;
        Facts {
            code,
            origin,
            throttled,
            earlier,
            own_invite,
            issuer_gone,
            revoked,
            running,
            paused,
            expired,
            exhausted,
            addressed,
        }
    })
}

fn answers() -> impl Strategy<Value = Answers> {
    let often = |answer| prop::bool::weighted(if answer { 0.8 } else { 0.2 });
    (often(true), often(false), often(true)).prop_map(|(recipient, cycle, new)| Answers {
        recipient: Some(recipient),
        cycle: Some(cycle),
        new: Some(new),
        asked: vec![],
    })
}

#[test]
fn a_code_that_no_invite_has_is_malformed_unknown_or_there_in_another_case() {
    assert_eq!(decide_without_invite(Code::Malformed), Status::MalformedCode);
    assert_eq!(decide_without_invite(Code::Unknown), Status::UnknownCode);
    assert_eq!(decide_without_invite(Code::InOtherCase), Status::OtherCase);
}

#[test]
fn a_friend_against_whom_nothing_speaks_is_referred() {
    assert_eq!(decide(&GOOD, &mut welcome()), Ok(Status::Redeemed));
}

#[test]
fn only_who_types_codes_is_throttled() {
    for (origin, status) in
        [(Origin::Typed, Status::Throttled), (Origin::Signup, Status::Redeemed), (Origin::Invite, Status::Redeemed)]
    {
        assert_eq!(decide(&Facts { throttled: true, origin, ..GOOD }, &mut welcome()), Ok(status), "{origin:?}");
    }
}

#[test]
fn an_invite_that_says_who_redeemed_it_was_for_them() {
    let wrong = Answers { recipient: Some(false), ..welcome() };
    for (origin, status) in [
        (Origin::Typed, Status::WrongRecipient),
        (Origin::Signup, Status::WrongRecipient),
        (Origin::Invite, Status::Redeemed),
    ] {
        let facts = Facts { addressed: true, origin, ..GOOD };
        assert_eq!(decide(&facts, &mut wrong.clone()), Ok(status), "{origin:?}");
    }
    assert_eq!(decide(&GOOD, &mut wrong.clone()), Ok(Status::Redeemed), "an invite to nobody is for everybody");
}

#[test]
fn wrong_codes_are_those_that_a_guess_gives() {
    use crate::text::TextEnum;
    let wrong: Vec<_> = Status::ALL.iter().filter(|status| status.is_wrong_code()).map(|s| s.as_str()).collect();
    assert_eq!(wrong, ["unknown_code", "malformed_code", "other_case", "wrong_recipient"]);
}

#[test]
fn what_is_wrong_is_about_the_code() {
    use crate::text::TextEnum;
    assert!(Status::ALL.iter().all(|status| status.is_about_code() || !status.is_wrong_code()));
    for other in [Status::OwnInvite, Status::AlreadyReferred, Status::Cycle, Status::NotNew, Status::Redeemed] {
        assert!(!other.is_about_code(), "{other}");
    }
}

proptest! {
    #[test]
    fn the_first_refusal_in_the_documented_order_wins(facts in facts(), answers in answers()) {
        let expected = documented(&facts, &answers).into_iter().find(|(_, applies)| *applies);
        let expected = expected.map_or(Status::Redeemed, |(status, _)| status);
        prop_assert_eq!(decide(&facts, &mut answers.clone()), Ok(expected));
    }

    #[test]
    fn a_friend_is_referred_only_when_no_refusal_applies(facts in facts(), answers in answers()) {
        let refused = documented(&facts, &answers).iter().any(|(_, applies)| *applies);
        prop_assert_eq!(decide(&facts, &mut answers.clone()) == Ok(Status::Redeemed), !refused);
    }

    #[test]
    fn the_same_invite_again_changes_nothing(facts in facts(), answers in answers()) {
        let again = Facts { earlier: Some(Earlier::SameInvite), throttled: false, code: Code::Issued, ..facts };
        prop_assert_eq!(decide(&again, &mut answers.clone()), Ok(Status::AlreadyRedeemed));
    }

    /// What is costly is asked in its order, once, and only when nothing before it applies.
    #[test]
    fn nothing_is_asked_that_does_not_matter(facts in facts(), mut answers in answers()) {
        let status = decide(&facts, &mut answers).expect("answered");
        let about_recipient = facts.addressed && facts.origin != Origin::Invite;
        let recipient = about_recipient.then_some(Question::Recipient);
        let expected: Vec<_> = match status {
            Status::WrongRecipient => vec![Question::Recipient],
            Status::Cycle => recipient.into_iter().chain([Question::Cycle]).collect(),
            Status::NotNew | Status::Redeemed => recipient.into_iter().chain([Question::Cycle, Question::New]).collect(),
            _ => vec![],
        };
        prop_assert_eq!(answers.asked, expected);
    }

    #[test]
    fn an_answer_that_fails_is_an_error_only_where_it_is_needed(facts in facts(), cycle: Option<bool>) {
        let mut answers = Answers { cycle, recipient: Some(true), new: None, asked: vec![] };
        let decided = decide(&facts, &mut answers);
        let expected = answers.asked.last().copied().filter(|asked| *asked == Question::New || cycle.is_none());
        prop_assert_eq!(decided.err(), expected.filter(|asked| *asked != Question::Recipient));
    }

    #[test]
    fn a_reassignment_is_refused_in_its_documented_order(
        issued: bool, earlier in earlier(), issuer_gone: bool, own_invite: bool, cycle: bool,
    ) {
        let expected = match (issued, earlier) {
            (false, _) => Status::UnknownCode,
            (true, None) => Status::NotReferred,
            (true, Some(_)) if issuer_gone => Status::UnknownReferrer,
            (true, Some(Earlier::SameInvite)) => Status::AlreadyRedeemed,
            (true, Some(Earlier::AnotherInvite)) if own_invite => Status::OwnInvite,
            (true, Some(Earlier::AnotherInvite)) if cycle => Status::Cycle,
            (true, Some(Earlier::AnotherInvite)) => Status::Reassigned,
        };
        let mut asked = 0;
        let facts = ReassignmentFacts { issued, earlier, issuer_gone, own_invite };
        let decided = decide_reassignment(&facts, || { asked += 1; Ok::<_, Infallible>(cycle) });
        prop_assert_eq!(decided, Ok(expected));
        prop_assert_eq!(asked, i32::from(matches!(expected, Status::Cycle | Status::Reassigned)));
    }
}
