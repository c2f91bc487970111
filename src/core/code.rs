//! Invite codes: twelve characters of Crockford base32 and a check character, printed 4-4-5.
//!
//! Sixty random bits come from the operating system's generator. The check character is a weighted sum over
//! GF(32) in which every position has its own weight, so that every single wrong character and every swap of
//! two characters is noticed.

use rand::TryRng;
use rand::rngs::SysRng;

/// Crockford's alphabet: the digits and the letters without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Random characters in a code.
const PAYLOAD: usize = 12;

/// All characters of a code: the random ones and the check character.
const LENGTH: usize = PAYLOAD + 1;

/// Longest code that a site may choose itself.
pub const LONGEST_CHOSEN: usize = 64;

/// Shortest code that a site may choose itself.
pub const SHORTEST_CHOSEN: usize = 3;

/// The operating system's random generator gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRandomness(pub String);

/// Makes `count` codes, each as it is printed and stored: `7KQ2-M9XD-4TRWA`.
///
/// # Errors
/// [`NoRandomness`] when the operating system's generator fails.
pub fn generate(count: usize) -> Result<Vec<String>, NoRandomness> {
    let mut random = vec![0u8; count * 8];
    SysRng.try_fill_bytes(&mut random).map_err(|e| NoRandomness(e.to_string()))?;
    Ok(random
        .chunks_exact(8)
        .map(|bytes| from_bits(bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))))
        .collect())
}

/// The code whose random part is the low 60 bits of `bits`.
fn from_bits(bits: u64) -> String {
    let mut digits = [0u8; LENGTH];
    for (i, digit) in digits.iter_mut().take(PAYLOAD).enumerate() {
        *digit = (bits >> (5 * (PAYLOAD - 1 - i)) & 31) as u8;
    }
    digits[PAYLOAD] = check(&digits[..PAYLOAD]);
    print(&digits)
}

/// A generated code as somebody typed it, brought to the form in which it is stored; `None` when the text is
/// not a generated code: case is folded, hyphens, dashes and spaces are dropped, O is read as 0, I and L as 1.
pub fn fold(typed: &str) -> Option<String> {
    let mut digits = [0u8; LENGTH];
    let mut length = 0;
    for character in typed.chars().filter(|c| !is_filler(*c)) {
        *digits.get_mut(length)? = digit(character)?;
        length += 1;
    }
    (length == LENGTH && digits[PAYLOAD] == check(&digits[..PAYLOAD])).then(|| print(&digits))
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

fn print(digits: &[u8; LENGTH]) -> String {
    let mut code = String::with_capacity(LENGTH + 2);
    for (i, digit) in digits.iter().enumerate() {
        if i == 4 || i == 8 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(*digit)]));
    }
    code
}

fn digit(character: char) -> Option<u8> {
    let folded = match character.to_ascii_uppercase() {
        'O' => b'0',
        'I' | 'L' => b'1',
        c => u8::try_from(c).ok()?,
    };
    ALPHABET.iter().position(|a| *a == folded).and_then(|i| u8::try_from(i).ok())
}

/// The sum of the digits, the i-th multiplied by the (i+1)-th power of the generator x of GF(32), modulo
/// x^5 + x^2 + 1. The check character itself has weight 1, so thirteen different weights are in use.
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

    #[test]
    fn generated_codes_fold_to_themselves_and_do_not_repeat() {
        let codes = generate(10_000).expect("random");
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        for code in codes {
            assert_eq!(fold(&code).as_deref(), Some(code.as_str()));
            assert_eq!(code.len(), 15);
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_equally_likely() {
        let mut seen = [0f64; 32];
        let codes = generate(32_000).expect("random");
        for code in &codes {
            for c in code.chars().filter(|c| *c != '-').take(PAYLOAD) {
                seen[usize::from(digit(c).expect("alphabet"))] += 1.0;
            }
        }
        let expected = codes.len() as f64 * PAYLOAD as f64 / 32.0;
        let chi_squared: f64 = seen.iter().map(|n| (n - expected).powi(2) / expected).sum();
        // 31 degrees of freedom: beyond 80 once in 300,000 runs of an honest generator
        assert!(chi_squared < 80.0, "chi squared {chi_squared}");
    }

    #[test]
    fn what_people_type_is_understood() {
        let code = from_bits(0);
        assert_eq!(code, "0000-0000-00000");
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
    fn chosen_codes_are_capitals_digits_hyphens_and_underscores() {
        assert_eq!(fold_chosen(" summer-Alice_24 ").as_deref(), Some("SUMMER-ALICE_24"));
        for wrong in ["", "ab", "with space", "ümlaut", &"x".repeat(65)] {
            assert_eq!(fold_chosen(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(bits: u64, at in 0usize..13, to in 0usize..32) {
            let code: Vec<char> = from_bits(bits).chars().filter(|c| *c != '-').collect();
            let mut typed = code.clone();
            typed[at] = char::from(ALPHABET[to]);
            prop_assume!(typed != code);
            prop_assert_eq!(fold(&typed.iter().collect::<String>()), None);
        }

        #[test]
        fn two_characters_swapped_are_noticed(bits: u64, a in 0usize..13, b in 0usize..13) {
            let code: Vec<char> = from_bits(bits).chars().filter(|c| *c != '-').collect();
            let mut typed = code.clone();
            typed.swap(a, b);
            prop_assume!(typed != code);
            prop_assert_eq!(fold(&typed.iter().collect::<String>()), None);
        }

        #[test]
        fn folding_never_panics(typed: String) {
            let _ = (fold(&typed), fold_chosen(&typed));
        }
    }
}
