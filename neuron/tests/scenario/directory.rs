//! What a run leaves.
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::neuron;

/// A validator whose behaviour is a script, and one whose behaviour is a program.
const SCENARIO: &str = r#"crime = "Two validators mark what they do."
until = { height = 4 }

[[group]]
name = "honest"
role = "validator"
count = 3

[[group]]
name = "scripted"
role = "validator"
behaviour = "scripts/mark.star"

[[group]]
name = "programmed"
role = "validator"
behaviour = "exec:sh mark.sh"

[[expect]]
sometimes = "fired{group='scripted'} > 0 and fired{group='programmed'} > 0"
"#;

const SCRIPT: &str = "def on_settled(ctx):\n    ctx.fired('mark')\n";

const PROGRAM: &str = r#"read -r init
echo '{"init_ok":{"hooks":["on_settled"]}}'
while read -r line; do
    id=${line#*'"id":'}
    echo "{\"in_reply_to\":${id%%[,\}]*},\"act\":\"forward\",\"fired\":[\"mark\"]}"
done
"#;

#[test]
fn a_run_leaves_a_directory_that_repeats_it_alone() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("attack");
    fs::create_dir_all(folder.join("scripts")).unwrap();
    fs::write(folder.join("two.toml"), SCENARIO).unwrap();
    fs::write(folder.join("scripts/mark.star"), SCRIPT).unwrap();
    fs::write(folder.join("mark.sh"), PROGRAM).unwrap();
    run(home.path(), "attack/two.toml --seed 5 --out runs");
    let first = home.path().join("runs/two-5");
    let results: Value = serde_json::from_str(&read(&first, "results.json")).unwrap();
    assert_eq!((&results["directory"], &results["verdict"]), (&"runs/two-5".into(), &"pass".into()));

    // Only the directory is left, and lies elsewhere.
    fs::remove_dir_all(folder).unwrap();
    let moved = home.path().join("moved");
    fs::rename(&first, &moved).unwrap();
    let command = read(&moved, "command.txt");
    let words = command.trim().strip_prefix("neuron scenario run ").unwrap();
    run(&moved, &format!("{words} --out ."));
    for file in ["two.toml", "events.jsonl"] {
        assert_eq!(read(&moved, file), read(&moved.join("two-5"), file), "{file}");
    }

    // Where the run's own directory is its folder, nothing in it is lost.
    fs::rename(&moved, home.path().join("two-5")).unwrap();
    run(home.path(), "two-5/two.toml --seed 5 --out .");
    assert_eq!(read(home.path(), "two-5/scripts/mark.star"), SCRIPT);
}

fn run(folder: &Path, words: &str) {
    let line: Vec<_> = ["scenario", "run"].into_iter().chain(words.split(' ')).collect();
    let output = neuron(folder, &line);
    assert!(output.status.success(), "{output:?}");
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}
