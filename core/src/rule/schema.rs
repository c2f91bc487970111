//! The JSON Schema of the rule document, for editors and applications. It says what [`super::Rule::parse`]
//! accepts, as far as a schema can.

/// The JSON Schema of a rule, of draft 2020-12.
pub const RULE: &str = include_str!("../../../docs/rule.schema.json");

#[cfg(test)]
mod tests;
