//! The text of a scenario file, and what is wrong where in it.
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a text, from the first to past the last.
pub type Place = Range<usize>;

/// The longest part of a line that is shown, in characters.
const MAX_SHOWN: usize = 110;

/// What a line that is cut shows before the culprit, in characters.
const LEAD: usize = 40;

/// A scenario file as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its name, as messages give it.
    pub file: Arc<str>,
    /// What it says.
    pub content: Arc<str>,
}

/// What is wrong at a place, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, in a sentence.
    pub words: String,
}

/// Why a scenario cannot be used: where, what and, if something is near, what was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// The file.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong, in a sentence.
    pub words: String,
    /// The line with a mark below the culprit.
    excerpt: String,
}

impl Fault {
    /// A fault at a place.
    pub fn new(place: Place, words: impl fmt::Display) -> Self {
        Self { place, words: words.to_string() }
    }
}

impl Text {
    /// A text under the name of its file.
    pub fn new(file: &str, content: &str) -> Self {
        Self { file: file.into(), content: content.into() }
    }

    /// The fault as people read it.
    pub fn error(&self, fault: Fault) -> Error {
        let start = self.boundary(fault.place.start);
        let end = self.boundary(fault.place.end.max(start));
        let line_start = self.content[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.content[line_start..].lines().next().unwrap_or_default();
        let column = self.content[line_start..start].chars().count();
        let width = self.content[start..end].lines().next().unwrap_or_default().chars().count();
        let number = self.line(&fault.place);
        let excerpt = excerpt(number, line, column, width);
        Error { file: self.file.clone(), line: number, column: column + 1, words: fault.words, excerpt }
    }

    /// The line in which a place begins, counted from 1.
    pub fn line(&self, place: &Place) -> usize {
        self.content[..self.boundary(place.start)].matches('\n').count() + 1
    }

    /// The last byte at or before this one at which a character begins.
    fn boundary(&self, at: usize) -> usize {
        (0..=at.min(self.content.len())).rev().find(|at| self.content.is_char_boundary(*at)).unwrap_or(0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, words, excerpt } = self;
        write!(f, "{file}:{line}:{column}: {words}\n{excerpt}")
    }
}

/// A line under its number, with carets under `width` characters from `column` on; long lines are cut.
fn excerpt(number: usize, line: &str, column: usize, width: usize) -> String {
    let skipped = if column < MAX_SHOWN { 0 } else { column - LEAD };
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let shown: String = line.chars().skip(skipped).take(MAX_SHOWN).map(plain).collect();
    let number = number.to_string();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(column - skipped);
    let carets = "^".repeat(width.clamp(1, MAX_SHOWN - (column - skipped)));
    format!("{margin} |\n{number} | {}\n{margin} | {indent}{carets}", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_line_with_a_mark_under_the_culprit() {
        let text = Text::new("a.toml", "seed = 1\nlöss = \"2\"\n");
        let error = text.error(Fault::new(17..20, "no number"));
        assert_eq!(error.to_string(), "a.toml:2:8: no number\n  |\n2 | löss = \"2\"\n  |        ^^^");
    }

    #[test]
    fn a_place_outside_the_text_or_within_a_character_harms_nobody() {
        let text = Text::new("a.toml", "löss");
        for place in [0..0, 2..3, 2..2, 4..99, 5..5] {
            assert!(text.error(Fault::new(place, "x")).to_string().starts_with("a.toml:1:"));
        }
        assert!(Text::new("b", "").error(Fault::new(0..1, "x")).to_string().ends_with("| ^"));
    }

    #[test]
    fn a_long_line_is_cut_around_the_culprit() {
        let text = Text::new("a.toml", &format!("{}here{}", "x".repeat(5_000), "y".repeat(5_000)));
        let shown = text.error(Fault::new(5_000..5_004, "z")).to_string();
        assert!(shown.contains("xxhereyy") && shown.ends_with(" ^^^^"));
        assert!(shown.lines().all(|line| line.chars().count() < 130), "{shown}");
    }
}
