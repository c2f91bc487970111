//! Invite codes. Generated ones are, unless a program says otherwise, twelve random characters of Crockford's base32
//! and a check character, printed 4-4-5.
//!
//! The randomness is the operating system's. The check character is a weighted sum over GF(32) in which every position
//! has its own weight, so that every single wrong character and every swap of two characters is noticed. It needs
//! an alphabet of 32 characters: codes of another alphabet have none.

use rand::TryRng;
use rand::rngs::SysRng;

/// Crockford's alphabet: the digits and the letters without I, L, O and U.
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Random characters in a code, unless a program says otherwise.
const LENGTH: usize = 12;

/// Most random characters in a code.
const LONGEST: usize = 40;

/// Most characters in a prefix.
const LONGEST_PREFIX: usize = 16;

/// Fewest codes that there may be of a kind. With a million issued, one guess in a million finds one.
const FEWEST: u128 = 1 << 40;

/// Longest code that a site may choose itself.
pub const LONGEST_CHOSEN: usize = 64;

/// Shortest code that a site may choose itself.
pub const SHORTEST_CHOSEN: usize = 3;

/// The operating system's random generator gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRandomness(pub String);

/// What is wrong with the codes that a program asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadShape {
    /// Column of `programs` and argument of `create_program`.
    pub argument: &'static str,
    /// What it is, and what is wrong with that.
    pub problem: String,
    /// What would be right.
    pub advice: String,
}

/// What the generated codes of a program look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    prefix: String,
    alphabet: String,
    length: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { prefix: String::new(), alphabet: CROCKFORD.to_owned(), length: LENGTH }
    }
}

impl Shape {
    /// Codes of so many random characters of an alphabet, with a prefix.
    ///
    /// # Errors
    /// [`BadShape`] when people could not read them back, or a guess would find one.
    pub fn new(prefix: Option<&str>, alphabet: Option<&str>, length: Option<i32>) -> Result<Self, BadShape> {
        let prefix = prefix.map_or(Ok(String::new()), read_prefix)?;
        let alphabet = alphabet.map_or(Ok(CROCKFORD.to_owned()), read_alphabet)?;
        let said = length.unwrap_or(LENGTH as i32);
        let enough = (1..=LONGEST).find(|length| codes(&alphabet, *length) >= FEWEST).unwrap_or(LONGEST);
        let bad = |problem: &str, advice: String| BadShape {
            argument: "code_length",
            problem: format!("{said}, of an alphabet of {}: {problem}", alphabet.len()),
            advice,
        };
        match usize::try_from(said).ok().filter(|length| (1..=LONGEST).contains(length)) {
            None => Err(bad("no such length", format!("Pass {enough} to {LONGEST}."))),
            Some(length) if codes(&alphabet, length) < FEWEST => Err(bad(
                "fewer than 2^40 codes",
                format!("Whoever tries some of so few would soon find one that was issued. Pass at least {enough}."),
            )),
            Some(length) => Ok(Self { prefix, alphabet, length }),
        }
    }

    /// Makes `count` codes, each as it is printed and stored: `7KQ2-M9XD-4TRW3`.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system's generator fails.
    pub fn generate(&self, count: usize) -> Result<Vec<String>, NoRandomness> {
        let digits = random_digits(self.alphabet.len(), count * self.length)?;
        Ok(digits.chunks_exact(self.length).map(|payload| self.print(payload)).collect())
    }

    /// A code of this shape as somebody typed it, brought to the form in which it is stored; `None` when the text is
    /// none: case is folded, hyphens, dashes and spaces are dropped, O and 0 are the same, and so are I, L and 1.
    pub fn fold(&self, typed: &str) -> Option<String> {
        let mut typed = typed.chars().filter(|c| !is_filler(*c)).map(canonical);
        if !self.prefix.chars().all(|c| typed.next() == Some(canonical(c))) {
            return None;
        }
        let mut digits = Vec::with_capacity(self.length + 1);
        for character in typed.take(self.length + 2) {
            let place = self.alphabet.chars().position(|c| canonical(c) == character)?;
            digits.push(u8::try_from(place).ok()?);
        }
        let payload = digits.get(..self.length)?;
        match (&digits[self.length..], self.is_checked()) {
            ([], false) => {}
            ([last], true) if *last == check(payload) => {}
            _ => return None,
        }
        Some(self.print(payload))
    }

    fn is_checked(&self) -> bool {
        self.alphabet == CROCKFORD
    }

    /// The code of these random digits, in groups of four of which the last may have five.
    fn print(&self, payload: &[u8]) -> String {
        let last = self.is_checked().then(|| check(payload));
        let length = payload.len() + usize::from(last.is_some());
        let mut code = self.prefix.clone();
        for (i, digit) in payload.iter().copied().chain(last).enumerate() {
            if i % 4 == 0 && (i == 0 || length - i > 1) && !code.is_empty() {
                code.push('-');
            }
            code.push(char::from(self.alphabet.as_bytes()[usize::from(digit)]));
        }
        code
    }
}

/// How many codes of a length there are.
fn codes(alphabet: &str, length: usize) -> u128 {
    (alphabet.len() as u128).saturating_pow(u32::try_from(length).unwrap_or(u32::MAX))
}

fn read_prefix(prefix: &str) -> Result<String, BadShape> {
    let readable = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    if (1..=LONGEST_PREFIX).contains(&prefix.len()) && prefix.chars().all(readable) {
        return Ok(prefix.to_owned());
    }
    Err(BadShape {
        argument: "code_prefix",
        problem: format!("\"{prefix}\", which people could not read and type"),
        advice: format!(
            "Pass 1 to {LONGEST_PREFIX} capital letters and digits of ASCII; a hyphen is printed after them, and case does \
             not matter to who types them."
        ),
    })
}

fn read_alphabet(alphabet: &str) -> Result<String, BadShape> {
    let bad = |problem: String, advice: &str| {
        Err(BadShape {
            argument: "code_alphabet",
            problem: format!("\"{alphabet}\": {problem}"),
            advice: advice.to_owned(),
        })
    };
    for (i, c) in alphabet.char_indices() {
        if !c.is_ascii_uppercase() && !c.is_ascii_digit() {
            return bad(
                format!("\"{c}\" is none of its characters"),
                "Pass capital letters and digits of ASCII: what people type is read in any case, and without spaces and hyphens.",
            );
        }
        match alphabet[..i].chars().find(|before| canonical(*before) == canonical(c)) {
            None => {}
            Some(before) if before == c => return bad(format!("{c} is in it twice"), "Pass every character once."),
            Some(before) => {
                return bad(
                    format!("{before} and {c} look alike"),
                    "Pass one of 0 and O, and one of 1, I and L: whichever people type is read as the one that there is.",
                );
            }
        }
    }
    if alphabet.len() < 2 {
        return bad("it has fewer than two characters".into(), "Pass at least two; null is Crockford's base32.");
    }
    Ok(alphabet.to_owned())
}

/// Digits from 0 to below `base`, each as likely as the others.
fn random_digits(base: usize, count: usize) -> Result<Vec<u8>, NoRandomness> {
    // What is left of 256 above a multiple of the base would make the first digits likelier.
    let fair = 256 / base * base;
    let mut digits = Vec::with_capacity(count);
    while digits.len() < count {
        let mut random = vec![0u8; count - digits.len()];
        SysRng.try_fill_bytes(&mut random).map_err(|e| NoRandomness(e.to_string()))?;
        digits.extend(random.into_iter().map(usize::from).filter(|n| *n < fair).map(|n| (n % base) as u8));
    }
    Ok(digits)
}

/// A code that a site chose, brought to the form in which it is stored: trimmed and in capitals.
/// `None` when it is shorter than [`SHORTEST_CHOSEN`], longer than [`LONGEST_CHOSEN`], or has characters other
/// than letters and digits of ASCII, hyphen and underscore.
pub fn fold_chosen(typed: &str) -> Option<String> {
    let code = typed.trim().to_ascii_uppercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ((SHORTEST_CHOSEN..=LONGEST_CHOSEN).contains(&code.len()) && code.chars().all(allowed)).then_some(code)
}

/// White space, every hyphen and dash that a keyboard or a mail client makes of one, and what cannot be seen.
fn is_filler(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{feff}')
}

/// The same for all characters that people take for each other.
fn canonical(character: char) -> char {
    match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    }
}

/// The sum of the digits, the i-th multiplied by the (i+1)-th power of the generator x of GF(32), modulo
/// x^5 + x^2 + 1. The check character itself has weight 1, so that up to 31 characters have different weights.
fn check(payload: &[u8]) -> u8 {
    payload.iter().rev().fold(0, |sum, digit| times_x(sum ^ digit))
}

fn times_x(a: u8) -> u8 {
    let doubled = a << 1;
    if doubled & 32 == 0 { doubled } else { (doubled ^ 0b10_0101) & 31 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    /// As many letters as do not look alike.
    const LETTERS: &str = "ABCDEFGHIJKMNOPQRSTUVWXYZ";

    fn shape(prefix: &str, alphabet: &str, length: i32) -> Shape {
        Shape::new((!prefix.is_empty()).then_some(prefix), Some(alphabet), Some(length)).expect("a shape")
    }

    fn refused(prefix: Option<&str>, alphabet: Option<&str>, length: Option<i32>) -> BadShape {
        Shape::new(prefix, alphabet, length).expect_err("no shape")
    }

    fn shapes() -> impl Strategy<Value = Shape> {
        let digits_from_two = "23456789ABC";
        prop::sample::select(vec![
            Shape::default(),
            shape("SUMMER", CROCKFORD, 12),
            shape("", CROCKFORD, 8),
            shape("OIL0", CROCKFORD, 30),
            shape("X", LETTERS, 9),
            shape("", digits_from_two, 12),
            shape("", "01", 40),
        ])
    }

    fn bare(code: &str) -> Vec<char> {
        code.chars().filter(|c| *c != '-').collect()
    }

    #[test]
    fn generated_codes_do_not_repeat() {
        for shape in [Shape::default(), shape("A", LETTERS, 9)] {
            let codes = shape.generate(10_000).expect("random");
            assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10_000);
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_equally_likely() {
        for shape in [Shape::default(), shape("", LETTERS, 12)] {
            let mut seen = vec![0f64; shape.alphabet.len()];
            let codes = shape.generate(32_000).expect("random");
            for code in &codes {
                for c in bare(code).into_iter().take(shape.length) {
                    seen[shape.alphabet.find(c).expect("in the alphabet")] += 1.0;
                }
            }
            let expected = codes.len() as f64 * shape.length as f64 / seen.len() as f64;
            let chi_squared: f64 = seen.iter().map(|n| (n - expected).powi(2) / expected).sum();
            // 24 or 31 degrees of freedom: beyond 80 once in 300,000 runs of an honest generator
            assert!(chi_squared < 80.0, "chi squared {chi_squared}");
        }
    }

    #[test]
    fn what_people_type_is_understood() {
        let fold = |typed| Shape::default().fold(typed);
        assert_eq!(Shape::default().print(&[0; 12]), "0000-0000-00000");
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
        let with_prefix = shape("SOL1", CROCKFORD, 8);
        assert_eq!(with_prefix.print(&[0; 8]), "SOL1-0000-00000");
        assert_eq!(with_prefix.fold(" soli oooo 0000-0").as_deref(), Some("SOL1-0000-00000"));
        assert_eq!(with_prefix.fold("0000-00000"), None, "without the prefix");
        let letters = shape("", LETTERS, 9);
        assert_eq!(letters.print(&[8, 13, 0, 0, 0, 0, 0, 0, 13]), "IOAA-AAAAO");
        assert_eq!(letters.fold("l0aa aaaa 0").as_deref(), Some("IOAA-AAAAO"), "the one that there is");
        assert_eq!(letters.fold("IOAA-AAA7O"), None, "7 is not in the alphabet");
        assert_eq!(shape("", LETTERS, 14).print(&[0; 14]), "AAAA-AAAA-AAAA-AA");
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
            (
                Some("23456789"),
                13,
                "Whoever tries some of so few would soon find one that was issued. Pass at least 14.",
            ),
        ] {
            assert_eq!(refused(None, given, Some(length)).advice, advice);
        }
        assert_eq!(refused(None, Some("0123456789"), None).problem, "12, of an alphabet of 10: fewer than 2^40 codes");
        assert_eq!(Shape::new(None, None, None), Ok(Shape::default()));
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
        fn generated_codes_are_read_as_they_are_printed_and_typed(shape in shapes()) {
            for code in shape.generate(10).expect("random") {
                let typed = code.to_lowercase().replace('-', " ").replace('0', "o").replace(['1', 'i'], "l");
                prop_assert_eq!(shape.fold(&code), Some(code.clone()));
                prop_assert_eq!(shape.fold(&typed), Some(code));
            }
        }

        #[test]
        fn one_wrong_character_is_noticed(payload in prop::collection::vec(0u8..32, 12), at in 0usize..13, to in 0usize..32) {
            let code = bare(&Shape::default().print(&payload));
            let mut typed = code.clone();
            typed[at] = char::from(CROCKFORD.as_bytes()[to]);
            prop_assume!(typed != code);
            prop_assert_eq!(Shape::default().fold(&typed.iter().collect::<String>()), None);
        }

        #[test]
        fn two_characters_swapped_are_noticed(payload in prop::collection::vec(0u8..32, 30), a in 0usize..31, b in 0usize..31) {
            let shape = shape("", CROCKFORD, 30);
            let code = bare(&shape.print(&payload));
            let mut typed = code.clone();
            typed.swap(a, b);
            prop_assume!(typed != code);
            prop_assert_eq!(shape.fold(&typed.iter().collect::<String>()), None);
        }

        #[test]
        fn folding_never_panics(shape in shapes(), typed: String) {
            let _ = (shape.fold(&typed), fold_chosen(&typed));
        }

        #[test]
        fn reading_a_shape_never_panics(prefix: Option<String>, alphabet: Option<String>, length: Option<i32>) {
            let _ = Shape::new(prefix.as_deref(), alphabet.as_deref(), length);
        }
    }
}
