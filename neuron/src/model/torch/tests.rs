//! What the classifiers learn, keep and refuse.
use std::time::Instant;

use super::*;
use crate::task::{self, Examiner, Questioner, RUNGS};

fn classifier(key: u8, rung: usize) -> Classifier {
    Classifier::new(1, &Hotkey([key; 32]), rung).unwrap()
}

fn trained(key: u8, rung: usize) -> Classifier {
    let mut worker = classifier(key, rung);
    worker.train(&mut |_| ()).unwrap();
    worker
}

fn digits() -> (Box<dyn Questioner>, Box<dyn Examiner>) {
    let task = task::named("digits").unwrap();
    (task.questioner(), task.examiner())
}

/// Mean score over so many questions.
fn score(worker: &mut Classifier, questions: u32) -> f64 {
    let (questioner, _) = digits();
    let scores = (0..questions).map(|number| {
        let seed = hash("neuron v1 test question", &[&number.to_le_bytes()]);
        questioner
            .judge(seed, &worker.answer(&questioner.ask(seed)).unwrap())
            .unwrap()
    });
    scores.sum::<f64>() / f64::from(questions)
}

/// Run by hand: `cargo test -p neuron ladder_table -- --ignored --nocapture`.
#[test]
#[ignore = "prints a table"]
#[expect(clippy::print_stdout)]
fn ladder_table() {
    let (_, examiner) = digits();
    for rung in 0..RUNGS {
        for key in 1..=4 {
            let start = Instant::now();
            let mut worker = trained(key, rung);
            let took = start.elapsed();
            let accuracy = examiner.accuracy(&mut worker).unwrap();
            println!(
                "{rung} {key} {:<32} {accuracy:.3} {:.3} {took:?}",
                worker.describe(),
                score(&mut worker, 63)
            );
        }
    }
}
