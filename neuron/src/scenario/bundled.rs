//! The scenarios that come with the program.
use std::path::Path;
use std::{fs, io, process};

use include_dir::{Dir, include_dir};

use super::near;

/// Scenarios and their scripts, as they lie in the repository.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../examples/scenarios");

/// Their names and what each says, by name.
pub fn bundled() -> impl Iterator<Item = (&'static str, &'static str)> {
    let named = |file: &'static include_dir::File<'_>| {
        Some((file.path().to_str()?.strip_suffix(".toml")?, file.contents_utf8()?))
    };
    FILES.files().filter_map(named)
}

/// Ends a refusal of a scenario that is not there.
pub fn instead_of(name: &str) -> String {
    let known: Vec<_> = bundled().map(|(name, _)| name).collect();
    let near = near::nearest(name, &known).map(|near| format!("; did you mean `{near}`?"));
    near.unwrap_or_else(|| "; `neuron scenario list` names those that come with the program".to_owned())
}

/// Writes all files to a folder, where several processes may do so at the same time.
pub fn unpack(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for file in FILES.files() {
        let path = folder.join(file.path());
        if fs::read(&path).is_ok_and(|found| found == file.contents()) {
            continue;
        }
        let new = path.with_extension(format!("{}.new", process::id()));
        fs::write(&new, file.contents())?;
        fs::rename(&new, &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::scenario::{Scenario, simulated};

    #[test]
    fn every_bundled_scenario_can_be_played_from_where_it_is_unpacked() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("cabal.star"), "an older one").unwrap();
        unpack(folder.path()).unwrap();
        unpack(folder.path()).unwrap();
        assert!(bundled().count() >= 28);
        for (name, text) in bundled() {
            let scenario = Scenario::read(name, text).unwrap_or_else(|error| panic!("{error}"));
            simulated::makes(&scenario, folder.path()).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn who_misspells_a_name_is_told_a_near_one() {
        assert_eq!(instead_of("weight_copyer"), "; did you mean `weight_copier`?");
        assert!(instead_of("moonshine").contains("neuron scenario list"));
    }
}
