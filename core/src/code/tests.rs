use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

/// As many letters as do not look alike.
const LETTERS: &str = "ABCDEFGHIJKMNOPQRSTUVWXYZ";

fn format(prefix: &str, alphabet: &str, length: i32) -> CodeFormat {
    CodeFormat::new((!prefix.is_empty()).then_some(prefix), Some(alphabet), Some(length)).expect("a format")
}

fn refused(prefix: Option<&str>, alphabet: Option<&str>, length: Option<i32>) -> BadCodeFormat {
    CodeFormat::new(prefix, alphabet, length).expect_err("no format")
}

fn formats() -> impl Strategy<Value = CodeFormat> {
    let digits_from_two = "23456789ABC";
    prop::sample::select(vec![
        CodeFormat::default(),
        format("SUMMER", CROCKFORD, 12),
        format("", CROCKFORD, 8),
        format("OIL0", CROCKFORD, 30),
        format("X", LETTERS, 9),
        format("", digits_from_two, 12),
        format("", "01", 40),
    ])
}

fn bare(code: &str) -> Vec<char> {
    code.chars().filter(|c| *c != '-').collect()
}

#[test]
fn generated_codes_do_not_repeat() {
    for format in [CodeFormat::default(), format("A", LETTERS, 9)] {
        let codes = format.generate(10_000).expect("random");
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10_000);
    }
}

#[test]
fn every_character_of_the_alphabet_is_equally_likely() {
    for format in [CodeFormat::default(), format("", LETTERS, 12)] {
        let mut seen = vec![0f64; format.alphabet.len()];
        let codes = format.generate(32_000).expect("random");
        for code in &codes {
            for c in bare(code).into_iter().take(format.length) {
                seen[format.alphabet.find(c).expect("in the alphabet")] += 1.0;
            }
        }
        let expected = codes.len() as f64 * format.length as f64 / seen.len() as f64;
        let chi_squared: f64 = seen.iter().map(|n| (n - expected).powi(2) / expected).sum();
        // 24 or 31 degrees of freedom: beyond 80 once in 300,000 runs of an honest generator
        assert!(chi_squared < 80.0, "chi squared {chi_squared}");
    }
}

#[test]
fn what_people_type_is_understood() {
    let fold = |typed| CodeFormat::default().fold(typed);
    assert_eq!(CodeFormat::default().print(&[0; 12]), "0000-0000-00000");
    assert_eq!(fold("oooo oooo-OOOOO").as_deref(), Some("0000-0000-00000"));
    assert_eq!(
        fold("0000\u{2013}0000\u{ad}\u{200b}00000").as_deref(),
        Some("0000-0000-00000"),
        "dashes of a mail client"
    );
    assert_eq!(fold("0000-0000-0000"), None, "too short");
    assert_eq!(fold("0000-0000-000000"), None, "too long");
    assert_eq!(fold("U000-0000-00000"), None, "U is not in the alphabet");
    assert_eq!(fold(""), None);
    assert_eq!(fold("ÄÖÜ"), None);
}

#[test]
fn codes_of_a_program_are_printed_in_groups_and_read_as_typed() {
    let with_prefix = format("SOL1", CROCKFORD, 8);
    assert_eq!(with_prefix.print(&[0; 8]), "SOL1-0000-00000");
    assert_eq!(with_prefix.fold(" soli oooo 0000-0").as_deref(), Some("SOL1-0000-00000"));
    assert_eq!(with_prefix.fold("0000-00000"), None, "without the prefix");
    let letters = format("", LETTERS, 9);
    assert_eq!(letters.print(&[8, 13, 0, 0, 0, 0, 0, 0, 13]), "IOAA-AAAAO");
    assert_eq!(letters.fold("l0aa aaaa 0").as_deref(), Some("IOAA-AAAAO"), "the one that there is");
    assert_eq!(letters.fold("IOAA-AAA7O"), None, "7 is not in the alphabet");
    assert_eq!(format("", LETTERS, 14).print(&[0; 14]), "AAAA-AAAA-AAAA-AA");
}

#[test]
fn shapes_that_cannot_be_read_or_can_be_guessed_are_refused() {
    let alphabet = |alphabet| refused(None, Some(alphabet), None).problem;
    assert_eq!(alphabet(""), "\"\": it has fewer than two characters");
    assert_eq!(alphabet("A"), "\"A\": it has fewer than two characters");
    assert_eq!(alphabet("ABCb"), "\"ABCb\": \"b\" is none of its characters");
    assert_eq!(alphabet("AB C"), "\"AB C\": \" \" is none of its characters");
    assert_eq!(alphabet("ABÄ"), "\"ABÄ\": \"Ä\" is none of its characters");
    assert_eq!(alphabet("ABCA"), "\"ABCA\": A is in it twice");
    assert_eq!(alphabet("0123O"), "\"0123O\": 0 and O look alike");
    assert_eq!(alphabet("IJKL"), "\"IJKL\": I and L look alike");
    for prefix in ["", "summer", "SUM-MER", "SUM MER", "SÖMMER", &"X".repeat(17)] {
        assert_eq!(refused(Some(prefix), None, None).argument, "code_prefix", "{prefix}");
    }
    for (given, length, advice) in [
        (None, 7, "Whoever tries some of so few would soon find one that was issued. Pass at least 8."),
        (None, 0, "Pass 8 to 40."),
        (None, -1, "Pass 8 to 40."),
        (None, 41, "Pass 8 to 40."),
        (Some("01"), 41, "Pass 40 to 40."),
        (Some("23456789"), 13, "Whoever tries some of so few would soon find one that was issued. Pass at least 14."),
    ] {
        assert_eq!(refused(None, given, Some(length)).advice, advice);
    }
    assert_eq!(refused(None, Some("0123456789"), None).problem, "12, of an alphabet of 10: fewer than 2^40 codes");
    assert_eq!(CodeFormat::new(None, None, None), Ok(CodeFormat::default()));
}

#[test]
fn chosen_codes_are_capitals_digits_hyphens_and_underscores() {
    assert_eq!(fold_chosen(" summer-Alice_24 ").as_deref(), Some("SUMMER-ALICE_24"));
    for wrong in ["", "ab", "with space", "ümlaut", &"x".repeat(65)] {
        assert_eq!(fold_chosen(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn generated_codes_are_read_as_they_are_printed_and_typed(format in formats()) {
        for code in format.generate(10).expect("random") {
            let typed = code.to_lowercase().replace('-', " ").replace('0', "o").replace(['1', 'i'], "l");
            prop_assert_eq!(format.fold(&code), Some(code.clone()));
            prop_assert_eq!(format.fold(&typed), Some(code));
        }
    }

    #[test]
    fn one_wrong_character_is_noticed(payload in prop::collection::vec(0u8..32, 12), at in 0usize..13, to in 0usize..32) {
        let code = bare(&CodeFormat::default().print(&payload));
        let mut typed = code.clone();
        typed[at] = char::from(CROCKFORD.as_bytes()[to]);
        prop_assume!(typed != code);
        prop_assert_eq!(CodeFormat::default().fold(&typed.iter().collect::<String>()), None);
    }

    #[test]
    fn two_characters_swapped_are_noticed(payload in prop::collection::vec(0u8..32, 30), a in 0usize..31, b in 0usize..31) {
        let format = format("", CROCKFORD, 30);
        let code = bare(&format.print(&payload));
        let mut typed = code.clone();
        typed.swap(a, b);
        prop_assume!(typed != code);
        prop_assert_eq!(format.fold(&typed.iter().collect::<String>()), None);
    }

    #[test]
    fn folding_never_panics(format in formats(), typed: String) {
        let _ = (format.fold(&typed), fold_chosen(&typed));
    }

    #[test]
    fn reading_a_shape_never_panics(prefix: Option<String>, alphabet: Option<String>, length: Option<i32>) {
        let _ = CodeFormat::new(prefix.as_deref(), alphabet.as_deref(), length);
    }
}
