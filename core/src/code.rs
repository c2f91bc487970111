//! Invite codes. Generated ones are, unless a program says otherwise, twelve random characters of Crockford's base32
//! and a check character, printed 4-4-5.
//!
//! The randomness is the operating system's. The check character is a weighted sum over GF(32) in which every position
//! has its own weight, so that every single wrong character and every swap of two characters is noticed. It needs
//! an alphabet of 32 characters: codes of another alphabet have none.

pub mod typed;

use rand::TryRng;
use rand::rngs::SysRng;
use typed::visible;

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

/// The length of the longest code that a site may choose itself, in characters.
pub const LONGEST_CHOSEN: usize = 64;

/// The length of the shortest code that a site may choose itself, in characters.
pub const SHORTEST_CHOSEN: usize = 3;

/// The operating system's random generator failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRandomness(
    /// The message of the operating system.
    pub String,
);

/// What is wrong with the format that a program gives its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCodeFormat {
    /// The column of `programs` and argument of `create_program` that is wrong.
    pub argument: &'static str,
    /// The value, and what is wrong with it.
    pub problem: String,
    /// The advice: what would be right.
    pub advice: String,
}

/// The format of the generated codes of a program: prefix, alphabet and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeFormat {
    prefix: String,
    alphabet: String,
    length: usize,
}

impl Default for CodeFormat {
    fn default() -> Self {
        Self { prefix: String::new(), alphabet: CROCKFORD.to_owned(), length: LENGTH }
    }
}

impl CodeFormat {
    /// The format of codes of `length` random characters of an alphabet, with a prefix; what is `None` is the default.
    ///
    /// # Errors
    /// [`BadCodeFormat`] when people could not read the codes back, or a guess would find one.
    pub fn new(prefix: Option<&str>, alphabet: Option<&str>, length: Option<i32>) -> Result<Self, BadCodeFormat> {
        let prefix = prefix.map_or(Ok(String::new()), read_prefix)?;
        let alphabet = alphabet.map_or(Ok(CROCKFORD.to_owned()), read_alphabet)?;
        let said = length.unwrap_or(LENGTH as i32);
        let enough = (1..=LONGEST).find(|length| codes(&alphabet, *length) >= FEWEST).unwrap_or(LONGEST);
        let bad = |problem: &str, advice: String| BadCodeFormat {
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

    /// A code of this format as somebody typed it, brought to the form in which it is stored; `None` when the text is no
    /// such code. Case is folded, hyphens, dashes, spaces and what cannot be seen are dropped, O and 0 are the same, and so
    /// are I, L and 1.
    pub fn fold(&self, typed: &str) -> Option<String> {
        let seen = visible(typed);
        let mut typed = seen.chars().filter(|c| !is_filler(*c)).map(canonical);
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

fn read_prefix(prefix: &str) -> Result<String, BadCodeFormat> {
    let readable = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    if (1..=LONGEST_PREFIX).contains(&prefix.len()) && prefix.chars().all(readable) {
        return Ok(prefix.to_owned());
    }
    Err(BadCodeFormat {
        argument: "code_prefix",
        problem: format!("\"{prefix}\", which people could not read and type"),
        advice: format!(
            "Pass 1 to {LONGEST_PREFIX} capital letters and digits of ASCII; a hyphen is printed after them, and case does \
             not matter to who types them."
        ),
    })
}

fn read_alphabet(alphabet: &str) -> Result<String, BadCodeFormat> {
    let bad = |problem: String, advice: &str| {
        Err(BadCodeFormat {
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

/// A code that a site chose, brought to the form in which it is stored: as it is seen, trimmed and in capitals.
/// `None` when it is shorter than [`SHORTEST_CHOSEN`], longer than [`LONGEST_CHOSEN`], or has characters other
/// than letters and digits of ASCII, hyphen and underscore.
pub fn fold_chosen(typed: &str) -> Option<String> {
    let code = visible(typed).to_ascii_uppercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ((SHORTEST_CHOSEN..=LONGEST_CHOSEN).contains(&code.len()) && code.chars().all(allowed)).then_some(code)
}

/// What separates the characters of a code: hyphens and spaces.
fn is_filler(c: char) -> bool {
    matches!(c, '-' | ' ')
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
mod tests;
