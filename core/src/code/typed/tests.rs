use super::*;
use crate::code::{CodeFormat, fold_chosen};
use proptest::prelude::*;

/// What cannot be seen: marks of direction, isolates, joiners, variation selectors, tags, fillers, a byte order mark.
const UNSEEN: [&str; 17] = [
    "\u{ad}",
    "\u{34f}",
    "\u{61c}",
    "\u{115f}",
    "\u{180e}",
    "\u{200b}",
    "\u{200d}",
    "\u{200e}",
    "\u{200f}",
    "\u{202e}",
    "\u{2060}",
    "\u{2068}",
    "\u{2069}",
    "\u{fe0f}",
    "\u{feff}",
    "\u{e0041}",
    "\u{7}",
];

/// What people and programs put around a code.
const AROUND: [(&str, &str); 10] = [
    ("", ""),
    ("\"", "\""),
    ("\u{201e}", "\u{201c}"),
    ("\u{ab} ", " \u{bb}"),
    ("(", ")"),
    ("[", "]."),
    ("", "!"),
    ("<", ">"),
    ("*", "*,"),
    ("\u{300c}", "\u{300d}"),
];

fn full_width(code: &str) -> String {
    code.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).filter(|_| c.is_ascii_graphic()).unwrap_or(c)).collect()
}

fn texts(typed: &str) -> Vec<String> {
    readings(typed).texts
}

#[test]
fn what_cannot_be_seen_does_not_matter() {
    for unseen in UNSEEN {
        let pasted = format!("{unseen}sum{unseen}mer-bob{unseen}\n");
        assert_eq!(visible(&pasted), "summer-bob", "{}", unseen.escape_unicode());
        assert_eq!(fold_chosen(&pasted).as_deref(), Some("SUMMER-BOB"));
    }
    assert_eq!(visible(" a\u{a0}\u{2003}\tb\u{2028}"), "a b");
    assert_eq!(visible("a\u{2011}b\u{2013}c\u{2212}d\u{ff0d}e"), "a-b-c-d-e");
}

#[test]
fn codes_that_differ_by_case_alone_are_found_under_one_form() {
    assert_eq!(fold("U7-8f14e"), fold("u7-8F14E"));
    assert_eq!(fold("größe"), fold("GRÖSSE"));
    assert_eq!(fold("ΣΑΣ"), fold("σας"));
    assert_ne!(fold("a-b"), fold("ab"));
    assert_eq!(fold("\u{200b}"), "\u{200b}", "what is nothing to be seen is its own form");
}

#[test]
fn a_code_is_found_in_its_link() {
    for link in [
        "https://shop.example/i/CODE",
        "HTTPS://shop.example/i/CODE/",
        "shop.example/CODE?utm_source=mail&utm_medium=x&utm_campaign=y&utm_term=z&utm_content=w",
        "https://shop.example/?utm_source=a&utm_medium=b&utm_campaign=c&ref=CODE",
        "https://shop.example?ref=CODE#top",
        "https://shop.example/#/invite/CODE",
        "https://shop.example/join?a=1&code=%20CODE%E2%80%8B",
        "Join me: <https://shop.example/i/CODE>!",
        "ref=CODE",
        "/i/CODE.",
    ] {
        assert!(texts(link).contains(&"CODE".to_owned()), "{link}: {:?}", texts(link));
    }
    assert!(texts("https://shop.example/i/two%20words").contains(&"two words".to_owned()));
    assert!(texts("https://shop.example/?code=two+words").contains(&"two words".to_owned()));
}

#[test]
fn a_link_tries_few_codes_and_says_how_many() {
    let many: String = (0..100).map(|i| format!("&a{i}=code{i}")).collect();
    let Readings { texts, tried } = readings(&format!("https://shop.example/x?{many}"));
    assert_eq!(tried, MOST_PARTS);
    assert!(texts.len() <= 2 + 2 * MOST_PARTS, "{texts:?}");
    assert_eq!(readings("plain").tried, 1);
    assert_eq!(readings(&"x".repeat(LONGEST_TYPED + 1)).texts, Vec::<String>::new());
}

#[test]
fn punctuation_is_tried_as_part_of_the_code_first() {
    assert_eq!(texts("(Summer-10%!)"), ["(Summer-10%!)", "Summer-10"]);
}

fn printable() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..30).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    /// A generated code is understood however it is pasted.
    #[test]
    fn a_generated_code_is_read_however_it_is_pasted(
        unseen in prop::sample::select(UNSEEN.to_vec()),
        (before, after) in prop::sample::select(AROUND.to_vec()),
        wide: bool,
        link: bool,
        at in 0usize..15,
    ) {
        let format = CodeFormat::default();
        let code = format.generate(1).expect("random").remove(0);
        let (start, end) = code.split_at(at);
        let shown = format!("{start}{unseen}{end}");
        let shown = if wide { full_width(&shown) } else { shown };
        let shown = if link { format!("https://shop.example/i/{shown}") } else { shown };
        let pasted = format!("{unseen}{before}{shown}{after}{unseen}");
        let read: Vec<String> = texts(&pasted).iter().filter_map(|text| format.fold(text)).collect();
        prop_assert_eq!(read, [code]);
    }

    /// So is one that a site chose.
    #[test]
    fn a_chosen_code_is_read_however_it_is_pasted(
        code in "[A-Z0-9][A-Z0-9_-]{1,62}[A-Z0-9]",
        unseen in prop::sample::select(UNSEEN.to_vec()),
        (before, after) in prop::sample::select(AROUND.to_vec()),
        wide: bool,
        link: bool,
    ) {
        let shown = if wide { full_width(&code.to_lowercase()) } else { code.to_lowercase() };
        let shown = if link { format!("https://shop.example/i/{shown}") } else { shown };
        let read: Vec<String> = texts(&format!("{unseen}{before}{shown}{after}{unseen}")).iter().map(|text| fold(text)).collect();
        prop_assert!(read.contains(&fold(&code)), "{:?}", read);
    }

    /// What is read is read again as itself.
    #[test]
    fn what_is_seen_is_seen_as_itself(text in printable()) {
        let seen = visible(&text);
        prop_assert_eq!(&visible(&seen), &seen);
        prop_assert_eq!(fold(&fold(&text)), fold(&text));
    }

    /// Nothing that is typed is too long to be looked up.
    #[test]
    fn readings_are_bounded(text in printable(), times in 1usize..100) {
        let Readings { texts, tried } = readings(&text.repeat(times));
        prop_assert!(texts.iter().all(|text| (1..=LONGEST_CODE).contains(&text.len())));
        prop_assert!((1..=MOST_PARTS).contains(&tried));
    }
}
