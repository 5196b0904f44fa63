//! The stand-in task: sums of small numbers, without libtorch.
//!
//! Its worker does not learn; it is right with a given probability. Simulations use it in place of a model.
use crypto::{Hash, Hotkey, hash};

use super::{Error, Examiner, Progress, Questioner, RUNGS, Task, Worker};

/// Pairs of numbers in one question.
const PAIRS: usize = 32;

/// The numbers lie below this; so do the answers, and a guess is right once in ten.
const BASE: u8 = 10;

/// Questions in an exam.
const EXAM_QUESTIONS: u8 = 32;

/// The stand-in task.
pub struct Sums;

/// A worker that is right with probability `skill`, decided by its seed, its hotkey and the question.
pub struct StandIn {
    seed: u64,
    hotkey: Hotkey,
    skill: f64,
}

struct Pairs;

impl Task for Sums {
    fn name(&self) -> &'static str {
        "sums"
    }

    fn description(&self) -> &'static str {
        "A question is 32 pairs of numbers below ten, one byte each; the answer is their 32 sums modulo ten; the \
         score is the share that is right."
    }

    fn questioner(&self) -> Box<dyn Questioner> {
        Box::new(Pairs)
    }

    fn worker(&self, seed: u64, hotkey: &Hotkey, rung: usize) -> Result<Box<dyn Worker>, Error> {
        let skill = 0.3 + 0.67 * rung.min(RUNGS - 1) as f64 / (RUNGS - 1) as f64;
        Ok(Box::new(StandIn::new(seed, *hotkey, skill)))
    }

    fn examiner(&self) -> Box<dyn Examiner> {
        Box::new(Pairs)
    }
}

impl Questioner for Pairs {
    fn ask(&self, seed: Hash) -> Vec<u8> {
        let draw = |half: u8| hash("neuron v1 sums question", &[&seed.0, &[half]]).0;
        [draw(0), draw(1)].concat().into_iter().map(|byte| byte % BASE).collect()
    }

    fn judge(&self, seed: Hash, answer: &[u8]) -> Option<f64> {
        if answer.len() != PAIRS || answer.iter().any(|&sum| sum >= BASE) {
            return None;
        }
        let right = sums(&self.ask(seed)).zip(answer).filter(|(sum, answer)| sum == *answer).count();
        Some(right as f64 / PAIRS as f64)
    }
}

impl Examiner for Pairs {
    fn accuracy(&self, worker: &mut dyn Worker) -> Result<f64, Error> {
        let mut right = 0.0;
        for number in 0..EXAM_QUESTIONS {
            let seed = hash("neuron v1 sums exam", &[&[number]]);
            let answer = worker.answer(&self.ask(seed))?;
            right += self.judge(seed, &answer).unwrap_or(0.0);
        }
        Ok(right / f64::from(EXAM_QUESTIONS))
    }
}

impl StandIn {
    /// A worker of `hotkey` that is right with probability `skill`.
    pub fn new(seed: u64, hotkey: Hotkey, skill: f64) -> Self {
        Self { seed, hotkey, skill }
    }

    fn knows(&self, question: &[u8], pair: usize) -> bool {
        let parts: [&[u8]; 4] =
            [&self.seed.to_le_bytes(), &self.hotkey.0, &(pair as u64).to_le_bytes(), question];
        let draw = hash("neuron v1 stand-in skill", &parts).to_u64();
        (draw as f64) < self.skill * u64::MAX as f64
    }
}

impl Worker for StandIn {
    fn describe(&self) -> String {
        format!("stand-in, right in {:.0} % of cases", 100.0 * self.skill)
    }

    fn train(&mut self, report: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        report(Progress { step: 1, steps: 1, loss: 1.0 - self.skill });
        Ok(())
    }

    fn answer(&mut self, question: &[u8]) -> Result<Vec<u8>, Error> {
        if question.len() != 2 * PAIRS || question.iter().any(|&number| number >= BASE) {
            return Err(Error::BadQuestion(format!("{} bytes, not 64 numbers below ten", question.len())));
        }
        let answer = |(pair, sum)| {
            if self.knows(question, pair) { sum } else { (sum + 1) % BASE }
        };
        Ok(sums(question).enumerate().map(answer).collect())
    }

    fn save(&self) -> Result<Vec<u8>, Error> {
        Ok(self.skill.to_le_bytes().to_vec())
    }

    fn load(&mut self, weights: &[u8]) -> Result<(), Error> {
        let skill =
            weights.try_into().map(f64::from_le_bytes).ok().filter(|skill| (0.0..=1.0).contains(skill));
        self.skill = skill.ok_or_else(|| Error::BadWeights("not a probability in 8 bytes".into()))?;
        Ok(())
    }
}

fn sums(question: &[u8]) -> impl Iterator<Item = u8> {
    question.chunks_exact(2).map(|pair| (pair[0] + pair[1]) % BASE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(number: u8) -> Hash {
        hash("neuron v1 test", &[&[number]])
    }

    fn worker(skill: f64) -> StandIn {
        StandIn::new(1, Hotkey([7; 32]), skill)
    }

    #[test]
    fn a_stand_in_is_right_as_often_as_its_skill_says() {
        for skill in [0.0, 0.35, 0.9, 1.0] {
            let measured = Pairs.accuracy(&mut worker(skill)).unwrap();
            assert!((measured - skill).abs() < 0.05, "{measured} for {skill}");
        }
    }

    #[test]
    fn a_stand_in_answers_the_same_question_the_same_way() {
        let question = Pairs.ask(seed(1));
        assert_eq!(worker(0.5).answer(&question), worker(0.5).answer(&question));
        let mut other = StandIn::new(1, Hotkey([8; 32]), 0.5);
        assert_ne!(worker(0.5).answer(&question), other.answer(&question));
    }

    #[test]
    fn a_malformed_answer_is_not_judged() {
        for answer in [vec![], vec![0; PAIRS - 1], vec![0; PAIRS + 1], vec![BASE; PAIRS]] {
            assert_eq!(Pairs.judge(seed(1), &answer), None);
        }
        assert!(Pairs.judge(seed(1), &[0; PAIRS]).is_some());
    }

    #[test]
    fn a_malformed_question_is_refused() {
        for question in [vec![], vec![0; 63], vec![BASE; 64]] {
            assert!(matches!(worker(1.0).answer(&question), Err(Error::BadQuestion(_))));
        }
    }

    #[test]
    fn a_saved_skill_loads_and_another_file_does_not() {
        let mut other = worker(0.1);
        other.load(&worker(0.7).save().unwrap()).unwrap();
        assert_eq!(other.skill, 0.7);
        assert!(other.load(&2.0_f64.to_le_bytes()).is_err());
        assert!(other.load(b"weights").is_err());
    }
}
