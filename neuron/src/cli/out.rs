//! What goes to the terminal, a file or a pipe.
use std::io::{self, IsTerminal, Write};

use color_eyre::eyre::Result;
use serde::Serialize;

/// Where what is for people goes: beside a JSON document, that is stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Out {
    People,
    BesideJson,
}

impl Out {
    pub(super) fn of(json: bool) -> Self {
        if json { Self::BesideJson } else { Self::People }
    }

    /// Writes a line, or several.
    pub(super) fn say(self, text: &str) -> Result<()> {
        match self {
            Self::People => writeln!(io::stdout(), "{text}")?,
            Self::BesideJson => writeln!(io::stderr(), "{text}")?,
        }
        Ok(())
    }

    /// Whether a person watches.
    pub(super) fn is_terminal(self) -> bool {
        self == Self::People && io::stdout().is_terminal()
    }
}

/// Writes a document on one line.
pub(super) fn document(document: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(document)?;
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Says what nobody should overlook, in red where there is a terminal.
pub(super) fn warn(words: &str) {
    let _ = writeln!(io::stderr(), "{}", console::style(words).for_stderr().red().bold());
}

/// Says what went wrong and shows where, in as many lines as that takes.
pub(super) fn point_out(fault: &str) {
    let _ = writeln!(io::stderr(), "neuron: {fault}");
}

/// Says in one line what went wrong.
pub(super) fn complain(fault: &str) {
    let line = fault.replace('\n', " ");
    // Where nobody hears, the exit code speaks.
    let _ = writeln!(io::stderr(), "neuron: {line}");
}
