//! Text as XML and HTML take it.

/// A text with nothing in it that means something to a browser; what no XML may hold becomes a question mark.
pub(super) fn escaped(text: &str) -> String {
    let escape = |letter: char| match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&apos;".to_owned(),
        '\n' | '\t' => format!("&#{};", u32::from(letter)),
        '\u{fffe}' | '\u{ffff}' => "?".to_owned(),
        control if control.is_control() => "?".to_owned(),
        plain => plain.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_xml_may_hold_is_escaped() {
        assert_eq!(escaped("a<b>&\"'\n\u{1}é"), "a&lt;b&gt;&amp;&quot;&apos;&#10;?é");
    }
}
