//! Handwritten digits: a question is 32 distorted images, the answer 32 digits.

pub(crate) mod data;
pub(crate) mod distortion;
#[cfg(feature = "torch")]
pub(crate) mod miner;

use crypto::{Hash, Hotkey};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Error, Examiner, Questioner, Task, Worker};
use data::{Digit, LABELS};
use distortion::distort;

/// Images in one question.
pub(crate) const BATCH: usize = 32;

/// The real UCI digits.
pub struct Digits;

struct Desk;

impl Task for Digits {
    fn name(&self) -> &'static str {
        "digits"
    }

    fn description(&self) -> &'static str {
        "A question is 32 images of handwritten digits (UCI, 1998), 64 bytes each of 0 to 16, turned by at most 12 \
         degrees, shifted by at most a pixel and noised; the answer is 32 bytes of 0 to 9; the score is the share \
         that is right."
    }

    fn questioner(&self) -> Box<dyn Questioner> {
        Box::new(Desk)
    }

    #[cfg(feature = "torch")]
    fn worker(&self, seed: u64, hotkey: &Hotkey, rung: usize) -> Result<Box<dyn Worker>, Error> {
        Ok(Box::new(crate::model::torch::Classifier::new(seed, hotkey, rung)?))
    }

    #[cfg(not(feature = "torch"))]
    fn worker(&self, _: u64, _: &Hotkey, _: usize) -> Result<Box<dyn Worker>, Error> {
        Err(Error::NoTorch)
    }

    fn examiner(&self) -> Box<dyn Examiner> {
        Box::new(Desk)
    }
}

impl Questioner for Desk {
    fn ask(&self, seed: Hash) -> Vec<u8> {
        let mut rng = generator(seed);
        let batch = draw(&mut rng);
        batch.iter().flat_map(|digit| distort(&digit.pixels, &mut rng)).collect()
    }

    fn judge(&self, seed: Hash, answer: &[u8]) -> Option<f64> {
        let well_formed = answer.len() == BATCH && answer.iter().all(|&label| label < LABELS);
        well_formed.then(|| right(&draw(&mut generator(seed)), answer) as f64 / BATCH as f64)
    }
}

impl Examiner for Desk {
    fn accuracy(&self, worker: &mut dyn Worker) -> Result<f64, Error> {
        let mut score = 0;
        for batch in data::test().chunks(BATCH) {
            let question: Vec<u8> = batch.iter().flat_map(|digit| digit.pixels).collect();
            score += right(batch, &worker.answer(&question)?);
        }
        Ok(score as f64 / data::test().len() as f64)
    }
}

/// A named algorithm, so that anyone can recompute a score.
fn generator(seed: Hash) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::from_seed(seed.0)
}

/// The digits of a question, before they are distorted.
fn draw(rng: &mut Xoshiro256PlusPlus) -> [Digit; BATCH] {
    let part = data::validators();
    std::array::from_fn(|_| part[rng.random_range(0..part.len())])
}

fn right(batch: &[Digit], answer: &[u8]) -> usize {
    batch.iter().zip(answer).filter(|(digit, label)| digit.label == **label).count()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::data::PIXELS;
    use super::*;
    use crypto::hash;

    fn seed(number: u16) -> Hash {
        hash("neuron v1 test", &[&number.to_le_bytes()])
    }

    fn labels(number: u16) -> Vec<u8> {
        draw(&mut generator(seed(number))).iter().map(|digit| digit.label).collect()
    }

    #[test]
    fn every_seed_asks_its_own_question_and_never_a_plain_image() {
        let plain = data::validators().iter().chain(data::test()).map(|digit| digit.pixels);
        let mut seen: HashSet<[u8; PIXELS]> = plain.collect();
        for number in 0..100 {
            for image in Desk.ask(seed(number)).as_chunks::<PIXELS>().0 {
                assert!(seen.insert(*image), "seed {number}");
            }
        }
    }

    #[test]
    fn a_question_and_its_judgement_follow_from_the_seed() {
        assert_eq!(Desk.ask(seed(3)), Desk.ask(seed(3)));
        let mut answer = labels(3);
        assert_eq!(Desk.judge(seed(3), &answer), Some(1.0));
        answer[5] = (answer[5] + 1) % LABELS;
        assert_eq!(Desk.judge(seed(3), &answer), Some(31.0 / 32.0));
        assert!(Desk.judge(seed(4), &labels(3)).unwrap() < 0.5);
    }

    #[test]
    fn a_malformed_answer_is_not_judged() {
        let long = [labels(1), vec![0]].concat();
        for answer in [&[][..], &labels(1)[1..], &long, &[LABELS; BATCH]] {
            assert_eq!(Desk.judge(seed(1), answer), None);
        }
    }
}
