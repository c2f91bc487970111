//! Invite codes: formats that a program may have, and what somebody may have typed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use referral_core::bounds::LONGEST_CODE;
use referral_core::code::typed::{fold, readings, visible};
use referral_core::code::{CodeFormat, fold_chosen};

/// Prefix, alphabet and length, each of which may be left out, and what is typed.
type Input<'a> = (Option<&'a str>, Option<&'a str>, Option<i8>, &'a str);

fuzz_target!(|input: Input| {
    let (prefix, alphabet, length, typed) = input;
    let seen = visible(typed);
    assert_eq!(visible(&seen), seen, "what is seen is seen as itself");
    assert_eq!(fold(&fold(typed)), fold(typed), "a folded code is folded to itself");
    assert!(readings(typed).texts.iter().all(|text| (1..=LONGEST_CODE).contains(&text.len())));
    if let Some(chosen) = fold_chosen(typed) {
        assert_eq!(fold_chosen(&chosen).as_ref(), Some(&chosen), "a stored code is read as itself");
    }
    for format in [Ok(CodeFormat::default()), CodeFormat::new(prefix, alphabet, length.map(i32::from))] {
        let Ok(format) = format else { continue };
        if let Some(code) = format.fold(typed) {
            assert_eq!(format.fold(&code).as_ref(), Some(&code), "a stored code is read as itself");
            assert_eq!(format.fold(&code.to_lowercase().replace('-', " ")), Some(code), "and as people type it");
        }
        let made = format.generate(1).expect("randomness");
        assert_eq!(format.fold(&made[0]).as_ref(), Some(&made[0]), "what is generated can be redeemed");
    }
});
