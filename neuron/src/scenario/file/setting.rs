//! `[chain]`: parameters of the network by the names they have in a genesis, as words to be read by whoever knows
//! their kinds.
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::scenario::Setting;
use crate::scenario::text::Fault;

/// The key of the table.
const CHAIN: &str = "chain";

/// How deep tables lie in each other at most; the names of parameters have three parts.
const MAX_DEPTH: usize = 8;

/// Every leaf of the table by its path: `subnet.tempo = 5`, or `tempo = 5` in `[chain.subnet]`.
pub(super) fn read(document: &DeTable<'_>) -> Result<Vec<Setting>, Fault> {
    let mut settings = Vec::new();
    match document.get(CHAIN).map(|chain| (chain.span(), chain.get_ref())) {
        None => {}
        Some((_, DeValue::Table(table))) => gather("", table, MAX_DEPTH, &mut settings)?,
        Some((place, _)) => return Err(Fault::new(place, "`chain` is a table; write [chain]")),
    }
    Ok(settings)
}

fn gather(path: &str, table: &DeTable<'_>, depth: usize, settings: &mut Vec<Setting>) -> Result<(), Fault> {
    for (key, value) in table.iter() {
        let name = format!("{path}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) if depth > 0 => gather(&format!("{name}."), inner, depth - 1, settings)?,
            leaf => {
                let word = word(leaf).ok_or_else(|| {
                    Fault::new(value.span(), format_args!("`{name}` is a number, a word, true or false"))
                })?;
                let name = Spanned::new(key.span(), name);
                settings.push(Setting { name, word: Spanned::new(value.span(), word) });
            }
        }
    }
    Ok(())
}

/// A leaf as somebody would type it.
fn word(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(on) => Some(on.to_string()),
        _ => None,
    }
}
