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
        questioner.judge(seed, &worker.answer(&questioner.ask(seed)).unwrap()).unwrap()
    });
    scores.sum::<f64>() / f64::from(questions)
}

fn accuracy(worker: &mut Classifier) -> f64 {
    digits().1.accuracy(worker).unwrap()
}

/// The file of `worker`, with one tensor renamed and reshaped on the way.
fn doctored(worker: &Classifier, name: &str, as_name: &str, as_shape: &[usize]) -> Vec<u8> {
    let file = worker.save().unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    let doctor = |(found, view): (String, TensorView<'_>)| {
        let shape = if found == name { as_shape } else { view.shape() }.to_vec();
        let found = if found == name { as_name.into() } else { found };
        (found, shape, view.data().to_vec())
    };
    let tensors: Vec<_> = file.tensors().into_iter().map(doctor).collect();
    let views = tensors.iter().map(|(name, shape, data)| {
        (
            name,
            TensorView::new(Dtype::F32, shape.clone(), &data[..4 * shape.iter().product::<usize>()]).unwrap(),
        )
    });
    serialize(views, &None).unwrap()
}

#[test]
fn every_rung_is_better_than_the_one_below_on_the_test_split_and_in_score() {
    let measure = |mut worker: Classifier| (accuracy(&mut worker), score(&mut worker, 32));
    let rungs: Vec<(f64, f64)> = (0..RUNGS).map(|rung| measure(trained(1, rung))).collect();
    assert!(rungs.is_sorted_by(|low, high| low.0 < high.0 && low.1 < high.1), "{rungs:?}");
    assert!(rungs[0].0 < 0.45 && rungs[RUNGS - 1].0 > 0.95, "{rungs:?}");
}

#[test]
fn trainings_side_by_side_end_in_the_same_weights() {
    let train = || trained(1, 0).save().unwrap();
    let both = std::thread::scope(|scope| [(); 2].map(|()| scope.spawn(train)).map(|it| it.join().unwrap()));
    assert_eq!(both[0], both[1]);
    assert_ne!(both[0], trained(2, 0).save().unwrap());
}

#[test]
fn training_reports_how_far_it_is() {
    let mut reports = Vec::new();
    classifier(1, 0).train(&mut |progress| reports.push(progress)).unwrap();
    assert_eq!(reports.last().map(|last| (last.step, last.steps)), Some((200, 200)));
    assert!(reports.first().unwrap().loss > reports.last().unwrap().loss);
}

#[test]
fn loaded_weights_give_the_same_answers_whatever_the_rung() {
    let question = digits().0.ask(hash("neuron v1 test", &[]));
    for rung in [0, RUNGS - 1] {
        let mut teacher = trained(1, rung);
        let mut pupil = classifier(2, 3);
        pupil.load(&teacher.save().unwrap()).unwrap();
        assert_eq!(pupil.answer(&question), teacher.answer(&question));
        assert_eq!(pupil.save(), teacher.save());
    }
}

#[test]
fn an_untrained_model_says_so() {
    assert_eq!(classifier(1, 0).answer(&[0; 64]), Err(Error::Untrained));
    assert_eq!(classifier(1, 0).save(), Err(Error::Untrained));
}

#[test]
fn foreign_weights_are_refused_by_name_and_change_nothing() {
    let mut worker = trained(1, 0);
    let before = worker.save().unwrap();
    for (weights, fault) in [
        (b"PK pickle".to_vec(), "no safetensors: HeaderTooLarge"),
        (before[..before.len() - 1].to_vec(), "no safetensors: MetadataIncompleteBuffer"),
        (
            doctored(&worker, "hidden.weight", "a", &[32, 64]),
            "neither hidden.weight (MLP) nor conv.weight (CNN)",
        ),
        (doctored(&worker, "out.bias", "bias", &[10]), "out.bias is missing"),
        (
            doctored(&worker, "out.weight", "out.weight", &[32, 10]),
            "out.weight is F32 [32, 10], not F32 [10, 32]",
        ),
        (doctored(&worker, "hidden.weight", "hidden.weight", &[2048, 1]), "a layer of 2048, not 1 to 1024"),
        (
            doctored(&worker, "hidden.weight", "hidden.weight", &[]),
            "neither hidden.weight (MLP) nor conv.weight (CNN)",
        ),
        (
            doctored(&worker, "hidden.weight", "conv.weight", &[32, 64]),
            "conv.weight is F32 [32, 64], not F32 [32, 1, 3, 3]",
        ),
        (vec![0; WEIGHTS_BYTES_MAX + 1], "67108865 bytes, at most 67108864"),
    ] {
        assert_eq!(worker.load(&weights), Err(Error::BadWeights(fault.into())));
    }
    assert_eq!(worker.save(), Ok(before));
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
                "{rung} {key} {:<36} {accuracy:.3} {:.3} {took:?}",
                worker.describe(),
                score(&mut worker, 63)
            );
        }
    }
}
