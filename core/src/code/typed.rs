//! What somebody may mean by a code that they typed or pasted.
//!
//! A code comes with what messengers, phones and mail programs put around it or into it: marks of the direction of
//! writing, variation selectors, letters of full width, quotes, a full stop, the link that it was in. What cannot be seen
//! is dropped first. The rest gives further readings, the likeliest first.

use crate::bounds::LONGEST_CODE;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, props};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The longest text that is read as a code, or as a link that a code is in, in bytes.
const LONGEST_TYPED: usize = 2000;

/// Most parts of a link that are taken for its code.
const MOST_PARTS: usize = 4;

/// What somebody may have meant by what they typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// The texts that may be the code, the likeliest first, each once; none for a text that is too long.
    pub texts: Vec<String>,
    /// Number of codes that were tried: one, or the parts of a link that may be its code.
    pub tried: usize,
}

/// A text as people see it: in the compatibility form of Unicode (NFKC), without characters that cannot be seen, with
/// each hyphen or dash as a hyphen, each run of white space as a space, and none around it.
pub fn visible(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    for c in ComposingNormalizerBorrowed::new_nfkc().normalize_iter(text.chars().filter(|c| !is_invisible(*c))) {
        match c {
            c if c.is_whitespace() && (seen.is_empty() || seen.ends_with(' ')) => {}
            c if c.is_whitespace() => seen.push(' '),
            c if is_dash(c) => seen.push('-'),
            c => seen.push(c),
        }
    }
    seen.truncate(seen.trim_end().len());
    seen
}

/// The form of a code under which it is looked up: codes that differ by case alone, or by what cannot be seen, have the
/// same. A code whose form would be longer than a code may be is its own form.
pub fn fold(code: &str) -> String {
    // Small letters of some letters have no capital of their own, and some capitals have several small letters.
    let folded = visible(&visible(code).to_uppercase().to_lowercase().to_uppercase());
    if folded.len() > LONGEST_CODE || folded.is_empty() { code.to_owned() } else { folded }
}

/// What somebody may have meant by what they typed: the text as it is seen, without the punctuation around it, and the
/// parts of the link that it is.
pub fn readings(typed: &str) -> Readings {
    let mut readings = Readings { texts: Vec::new(), tried: 1 };
    if typed.len() > LONGEST_TYPED {
        return readings;
    }
    let seen = visible(typed);
    readings.add(&seen);
    readings.add(bare(&seen));
    let parts = parts_of_link(&seen);
    readings.tried = parts.len().max(1);
    for part in &parts {
        readings.add(part);
        readings.add(bare(part));
    }
    readings
}

impl Readings {
    fn add(&mut self, text: &str) {
        if !text.is_empty() && text.len() <= LONGEST_CODE && !self.texts.iter().any(|known| known == text) {
            self.texts.push(text.to_owned());
        }
    }
}

/// A text without the quotes, brackets, full stops and other punctuation around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_punctuation(c))
}

/// The last part of the path of a link, and the values of its query; none for a text that is no link.
fn parts_of_link(text: &str) -> Vec<String> {
    let is_link = |word: &&str| word.contains(['/', '?', '=', '#']);
    let Some(link) = text.split(' ').map(bare_link).find(is_link) else { return Vec::new() };
    let (link, fragment) = link.split_once('#').unwrap_or((link, ""));
    let (path, query) = link.split_once('?').unwrap_or(if link.contains('/') { (link, "") } else { ("", link) });
    let path = path.split_once("://").map_or(path, |(_, path)| path);
    let last = |path: &str| path.split('/').skip(1).filter(|part| !part.is_empty()).last().map(str::to_owned);
    let pairs = query.split(['&', ';']).filter_map(|pair| pair.split_once('='));
    // The parameters of campaigns are many, and never the code.
    let values = pairs.filter(|(name, _)| !name.starts_with("utm_")).map(|(_, value)| value.replace('+', " "));
    let parts = last(path).into_iter().chain(last(fragment)).chain(values);
    parts.map(|part| visible(&decoded(&part))).filter(|part| !part.is_empty()).take(MOST_PARTS).collect()
}

/// A link without what a sentence puts around it.
fn bare_link(word: &str) -> &str {
    word.trim_matches(|c: char| is_punctuation(c) && !matches!(c, '/' | '?' | '#' | '%' | '-' | '_'))
}

fn decoded(part: &str) -> Cow<'_, str> {
    percent_decode_str(part).decode_utf8_lossy()
}

/// Whether a character takes no room: it is ignored where it is shown, or steers how others are.
fn is_invisible(c: char) -> bool {
    const IGNORABLE: icu_properties::CodePointSetDataBorrowed<'static> =
        CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    IGNORABLE.contains(c)
        || category == GeneralCategory::Format
        || (category == GeneralCategory::Control && !c.is_whitespace())
}

/// Whether a character is a hyphen or dash of any keyboard.
fn is_dash(c: char) -> bool {
    CodePointSetData::new::<props::Dash>().contains(c)
}

/// Whether a character is punctuation or stands beside text as a sign.
fn is_punctuation(c: char) -> bool {
    GeneralCategoryGroup::Punctuation.contains(CodePointMapData::<GeneralCategory>::new().get(c))
        || matches!(c, '`' | '´' | '<' | '>')
}

#[cfg(test)]
mod tests;
