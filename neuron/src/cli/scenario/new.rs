//! `neuron scenario new`: a scenario and a script to begin with.
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use color_eyre::eyre::{Result, WrapErr};
use serde_json::json;

use crate::cli::out::{self, Out};
use crate::scenario::Template;

/// Write a scenario and a script to begin with, both commented
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  neuron scenario new my_attack && neuron scenario run my_attack.toml")]
pub(super) struct Args {
    /// The name of both files, without an ending
    #[arg(value_name = "NAME")]
    path: PathBuf,
    /// Print what was written as a JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn perform(args: &Args) -> Result<()> {
    let name = args.path.file_name().unwrap_or_default().to_string_lossy();
    let template = Template::new(&name)?;
    let (file, script) =
        (args.path.with_file_name(format!("{name}.toml")), args.path.with_file_name(format!("{name}.star")));
    for (path, content) in [(&file, &template.file), (&script, &template.script)] {
        let mut new =
            fs::File::create_new(path).wrap_err_with(|| format!("cannot make {}", path.display()))?;
        new.write_all(content.as_bytes()).wrap_err_with(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        return out::document(&json!({ "scenario": file, "script": script }));
    }
    Out::People.say(&format!("{} and {}; try `neuron scenario run {0}`", file.display(), script.display()))
}
