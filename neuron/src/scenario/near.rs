//! What somebody may have meant by a name that is not there.

/// The longest name that is compared: the cost grows with its square.
const MAX_COMPARED: usize = 64;

/// The most names that are listed.
const MAX_LISTED: usize = 24;

/// The known name that is spelt most alike, if one is near.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let slips = |known: &&str| strsim::damerau_levenshtein(name, known);
    known.iter().copied().filter(|known| slips(known) <= known.len().div_ceil(3)).min_by_key(slips)
}

/// Ends a refusal of a name: with the nearest known one, or else with all of them.
pub fn instead(name: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(name, known) {
        return format!("; did you mean `{near}`?");
    }
    let listed = known.iter().take(MAX_LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match known.len() {
        0 => String::new(),
        1..=MAX_LISTED => format!("; there is {listed}"),
        more => format!("; there is {listed} and {} more", more - MAX_LISTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_anything_else_gets_the_list() {
        let known = ["latency", "jitter", "loss"];
        assert_eq!(instead("latancy", &known), "; did you mean `latency`?");
        assert_eq!(instead("lsos", &known), "; did you mean `loss`?");
        assert_eq!(instead("colour", &known), "; there is `latency`, `jitter`, `loss`");
        assert_eq!(instead("latency", &[]), "");
        assert_eq!(nearest(&"l".repeat(65), &known), None);
    }
}
