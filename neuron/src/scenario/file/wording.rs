//! What the reader of TOML finds wrong, in our words.
use crate::scenario::near;
use crate::scenario::text::Fault;

/// Kinds of values by the names that serde has for them, and ours.
const KINDS: [(&str, &str); 9] = [
    ("expected usize", "expected a whole number"),
    ("expected u64", "expected a whole number from 0"),
    ("expected a boolean", "expected true or false"),
    ("expected a map", "expected a table"),
    ("expected a sequence", "expected a list"),
    ("expected struct Link", "expected a table such as { from = \"a\", to = \"b\", latency = \"40ms\" }"),
    ("expected struct Cut", "expected a table such as { from = \"a\", to = \"b\" }"),
    ("expected struct Stake", "expected a table such as { of = \"a\", add = 10 }"),
    ("expected struct ", "expected a table: "),
];

/// The fault behind an error, with a suggestion if a name is near.
pub(super) fn fault(error: &toml::de::Error) -> Fault {
    let message = error.message().replace('\n', ", ");
    Fault::new(error.span().unwrap_or(0..0), suggested(&message).unwrap_or_else(|| plain(message)))
}

/// "unknown field `latancy`, expected one of `from`, `latency`" knows what may have been meant.
fn suggested(message: &str) -> Option<String> {
    let names: Vec<_> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = names.split_first().filter(|_| message.starts_with("unknown "))?;
    let what = message.split('`').next()?.replace("unknown field", "there is no key");
    let what = what.replace("unknown variant", "there is no");
    Some(format!("{what}`{unknown}`{}", near::instead(unknown, known)))
}

fn plain(message: String) -> String {
    let words = message.replace("missing field", "missing");
    KINDS.iter().fold(words, |words, (theirs, ours)| words.replace(theirs, ours))
}
