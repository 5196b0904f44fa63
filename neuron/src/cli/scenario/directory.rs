//! The directory of a run: all that it was and found, enough to repeat it alone.
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr};

use super::run::{Case, Document, Ended, folder};
use crate::scenario::page;
use crate::script;
use crate::simulation::Line;

/// Where a run is kept.
pub(super) struct Directory {
    pub(super) path: PathBuf,
}

impl Directory {
    /// Makes it, with the scenario as it was read and the scripts it uses.
    pub(super) fn make(home: &Path, case: &Case) -> Result<Self> {
        let path = home.join(case.directory());
        fs::create_dir_all(&path).wrap_err_with(|| format!("cannot make {}", path.display()))?;
        let directory = Self { path };
        directory.write(&format!("{}.toml", case.name()), &case.scenario.text.content)?;
        directory.write("command.txt", &(directory.command(case) + "\n"))?;
        for spec in case.scenario.conducts().filter_map(|conduct| conduct.behaviour.get_ref().spec()) {
            for file in script::files(&spec, folder(&case.path)) {
                directory.copy(folder(&case.path), &file)?;
            }
        }
        Ok(directory)
    }

    /// What repeats the run, said in its directory.
    fn command(&self, case: &Case) -> String {
        case.command(Path::new(&format!("{}.toml", case.name())))
    }

    /// Keeps what came of the run.
    pub(super) fn keep(&self, case: &Case, ended: &Ended) -> Result<()> {
        self.write_events(&ended.run.lines)?;
        self.write("results.json", &serde_json::to_string_pretty(&Document::of(case, ended))?)?;
        self.write("report.html", &page(&case.scenario, &ended.run, &ended.books, &self.command(case)))?;
        let names: Vec<_> = case.scenario.neurons().map(|id| case.scenario.name(id)).collect();
        self.write("neurons.json", &serde_json::to_string(&names)?)
    }

    fn write_events(&self, lines: &[Line]) -> Result<()> {
        let path = self.path.join("events.jsonl");
        let write = || -> io::Result<()> {
            let mut events = BufWriter::new(File::create(&path)?);
            for line in lines {
                serde_json::to_writer(&mut events, line)?;
                events.write_all(b"\n")?;
            }
            events.flush()
        };
        write().wrap_err_with(|| format!("cannot write {}", path.display()))
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.path.join(name);
        fs::write(&path, content).wrap_err_with(|| format!("cannot write {}", path.display()))
    }

    /// Copies a file from a folder, unless it is the very one that lies here.
    fn copy(&self, folder: &Path, file: &Path) -> Result<()> {
        let (from, to) = (folder.join(file), self.path.join(file));
        let is_same =
            fs::canonicalize(&from).is_ok_and(|from| fs::canonicalize(&to).is_ok_and(|to| from == to));
        if is_same {
            return Ok(());
        }
        let below = to.parent().unwrap_or(&self.path);
        let copied = fs::create_dir_all(below).and_then(|()| fs::copy(&from, &to));
        copied.map(drop).wrap_err_with(|| format!("cannot copy {} to {}", from.display(), to.display()))
    }
}

/// Points `latest` at a run; where links cannot be made, nobody misses it.
pub(super) fn link(home: &Path, directory: &Path) {
    let latest = home.join("latest");
    let _ = fs::remove_file(&latest);
    let _ = std::os::unix::fs::symlink(directory.file_name().unwrap_or_default(), latest);
}
