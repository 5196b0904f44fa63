//! The words of an expression.
use crate::scenario::text::{Fault, Place};

/// The longest expression, in bytes; it also bounds how long a chain of operators gets.
const MAX_BYTES: usize = 1_024;

/// Signs, the longer of two that begin alike first.
const SIGNS: [&str; 16] =
    ["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "(", ")", "{", "}", "=", ","];

/// A word of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    Name(&'a str),
    Text(&'a str),
    Sign(&'static str),
    End,
}

/// All words with their places; the last is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Place)>, Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault::new(0..0, format_args!("an expression has {MAX_BYTES} bytes at most")));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) =
            token(&text[at..], first).map_err(|words| Fault::new(at..at + first.len_utf8(), words))?;
        tokens.push((token, at..at + length));
        at += length;
    }
    tokens.push((Token::End, at..at));
    Ok(tokens)
}

/// The first word of a rest and its length in bytes.
fn token(rest: &str, first: char) -> Result<(Token<'_>, usize), String> {
    match first {
        '0'..='9' | '.' => {
            let length = span(rest, |letter| letter.is_ascii_digit() || letter == '.');
            let number = rest[..length].parse().ok().filter(|number: &f64| number.is_finite());
            let number = number.ok_or_else(|| format!("`{}` is no number", &rest[..length]))?;
            Ok((Token::Number(number), length))
        }
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = span(rest, |letter| letter.is_ascii_alphanumeric() || letter == '_');
            Ok((Token::Name(&rest[..length]), length))
        }
        '"' | '\'' => {
            let end = rest[1..].find(first).ok_or_else(|| format!("{first} is opened and not closed"))?;
            Ok((Token::Text(&rest[1..=end]), end + 2))
        }
        _ => {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            sign.map(|sign| (Token::Sign(sign), sign.len()))
                .ok_or_else(|| format!("`{first}` means nothing here"))
        }
    }
}

/// How many bytes from the first on are of a kind of ASCII.
fn span(rest: &str, is_of_kind: impl Fn(char) -> bool) -> usize {
    rest.find(|letter| !is_of_kind(letter)).unwrap_or(rest.len())
}
