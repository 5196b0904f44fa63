//! House rules that no compiler checks. The length of functions is clippy's business (`.clippy.toml`).
use std::fs;
use std::path::{Path, PathBuf};

/// The crates, each of which may know only those before it.
const CRATES: [&str; 5] = ["crypto", "protocol", "storage", "neuron", "examples"];

/// Foreign crates, each with the one place that names it; benches may name what ours is measured beside.
const HOMES: [(&str, &str); 22] = [
    ("blake3", "crypto/"),
    ("ed25519_dalek", "crypto/"),
    ("rs_merkle", "crypto/"),
    ("arc_malachitebft_core_consensus", "protocol/src/consensus"),
    ("arc_malachitebft_core_types", "protocol/src/consensus"),
    ("rmp_serde", "protocol/src/codec.rs"),
    ("arc_malachitebft_wal", "storage/"),
    ("sled", "storage/"),
    ("clap", "neuron/src/cli"),
    ("color_eyre", "neuron/src/cli"),
    ("comfy_table", "neuron/src/cli"),
    ("console", "neuron/src/cli"),
    ("include_dir", "neuron/src/scenario/bundled.rs"),
    ("indicatif", "neuron/src/cli"),
    ("libp2p", "neuron/src/network"),
    ("rustix", "neuron/src/process"),
    ("shlex", "neuron/src/script"),
    ("smartcore", "neuron/src/task/digits"),
    ("starlark", "neuron/src/script"),
    ("strsim", "neuron/src/scenario/near.rs"),
    ("tch", "neuron/src/model/torch"),
    ("tracing_subscriber", "neuron/src/log.rs"),
];

/// What must not be found in a place, because others hand it in.
const ABSENT: [(&str, &[&str]); 2] = [
    ("protocol/src", &["std::env", "std::fs", "std::net", "std::thread", "Instant", "SystemTime", "tokio::"]),
    (
        "neuron/src/role",
        &["std::fs", "std::net", "std::thread", "Instant", "SystemTime", "tokio::", "async ", "clock::"],
    ),
];

/// What only the story sees together.
const OUTSIDE_WORLD: [&str; 3] = ["crate::network", "crate::model", "storage::"];

/// Names that say nothing.
const NO_NAMES: [&str; 6] = ["common", "helpers", "manager", "misc", "types", "utils"];

/// The longest file, in lines, without its tests.
const FILE_LINES: usize = 400;

/// The longest README, in lines, and where its first command stands at the latest.
const README_LINES: (usize, usize) = (150, 20);

#[test]
fn every_file_opens_with_its_purpose() {
    let offences = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    check(offences.map(|source| format!("{} has no first line", source.path)));
}

#[test]
fn every_file_fits_in_a_head() {
    let lines = |source: &Source| source.code().lines().count();
    let sources = sources();
    let offences = sources.iter().filter(|source| !source.is_test() && lines(source) > FILE_LINES);
    check(offences.map(|source| format!("{} has {} lines without its tests", source.path, lines(source))));
}

#[test]
fn every_file_is_named_for_what_it_holds() {
    let offences = sources().into_iter().filter(|source| NO_NAMES.contains(&source.name()));
    check(offences.map(|source| format!("{} is named for nothing", source.path)));
}

#[test]
fn foreign_crates_stay_home() {
    for (foreign, home) in HOMES {
        let is_away = |source: &Source| !source.path.starts_with(home) && !source.path.contains("/benches/");
        let offences = sources().into_iter().filter(|source| is_away(source) && source.uses(foreign));
        check(offences.map(|source| format!("{} names {foreign}, which lives in {home}", source.path)));
    }
}

#[test]
fn no_crate_knows_a_later_one() {
    for (place, name) in CRATES.iter().enumerate() {
        let later = dependencies(name).into_iter().filter(|known| CRATES[place + 1..].contains(&&**known));
        check(later.map(|known| format!("{name} depends on {known}")));
    }
}

#[test]
fn every_dependency_is_used() {
    let sources = sources();
    for name in CRATES {
        let is_used = |dependency: &String| {
            let word = dependency.replace('-', "_");
            sources.iter().any(|source| source.is_of(name) && source.uses(&word))
        };
        let unused = dependencies(name).into_iter().filter(|dependency| !is_used(dependency));
        check(unused.map(|dependency| format!("{name} depends on {dependency} and does not use it")));
    }
}

#[test]
fn rules_and_roles_are_pure() {
    for (place, words) in ABSENT {
        for source in sources().iter().filter(|source| source.path.starts_with(place) && !source.is_test()) {
            let offences = words.iter().filter(|word| source.code().contains(**word));
            check(offences.map(|word| format!("{} says {word:?}", source.path)));
        }
    }
}

#[test]
fn the_story_alone_sees_network_model_and_storage() {
    for source in sources().iter().filter(|source| !source.path.starts_with("neuron/src/neuron")) {
        let seen: Vec<_> = OUTSIDE_WORLD.into_iter().filter(|world| source.code().contains(world)).collect();
        let offence = (seen.len() > 1 && !source.is_test()).then(|| format!("{} sees {seen:?}", source.path));
        check(offence);
    }
}

#[test]
fn one_sentence_names_a_folder_everywhere() {
    let readme = read("README.md");
    for name in CRATES {
        let description = manifest(name)["package"]["description"].as_str().expect("a text").to_owned();
        let crate_doc = read(&format!("{name}/src/lib.rs"));
        assert_eq!(crate_doc.lines().next(), Some(&*format!("//! {description}")), "{name}/src/lib.rs");
        let map = readme.lines().find_map(|line| line.strip_prefix(&format!("{name}/ ")));
        assert_eq!(map.map(str::trim), Some(&*description), "the map in README.md");
    }
}

#[test]
fn the_readme_is_short_and_starts_with_a_command() {
    let readme = read("README.md");
    let (lines, command) = (readme.lines().count(), readme.lines().position(|line| line == "```sh"));
    assert!(lines <= README_LINES.0, "README.md has {lines} lines");
    assert!(
        command.is_some_and(|line| line + 1 < README_LINES.1),
        "README.md has its first command at {command:?}"
    );
    assert!(!readme.contains("!["), "README.md has a badge");
}

/// Names every offence against a rule.
#[track_caller]
fn check(offences: impl IntoIterator<Item = String>) {
    let offences: Vec<_> = offences.into_iter().collect();
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// A file of Rust, by its path from the root.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_of(&self, name: &str) -> bool {
        self.path.split('/').next() == Some(name)
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Without the tests at its end.
    fn code(&self) -> &str {
        self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// Whether it uses something of a foreign crate.
    fn uses(&self, foreign: &str) -> bool {
        ["{}::", "use {}", "\"{}\""].iter().any(|form| self.mentions(&form.replace("{}", foreign)))
    }

    /// Whether the words stand in it, not as the end of another.
    fn mentions(&self, word: &str) -> bool {
        let starts =
            |at: usize| !self.text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        self.text.match_indices(word).any(|(at, _)| starts(at))
    }
}

fn sources() -> Vec<Source> {
    let mut folders: Vec<_> = CRATES.iter().map(|name| root().join(name)).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with(file!())
            {
                let path = path.strip_prefix(root()).expect("found below it").to_string_lossy().into_owned();
                sources.push(Source { text: read(&path), path });
            }
        }
    }
    sources
}

/// What a crate depends on, for whatever purpose.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = manifest(name);
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = tables.iter().filter_map(|table| manifest.get(*table)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

fn manifest(name: &str) -> toml::Table {
    read(&format!("{name}/Cargo.toml")).parse().expect("cargo has read it")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in the workspace").to_owned()
}
