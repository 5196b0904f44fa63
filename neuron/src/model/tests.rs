//! The thread's promises, with workers that fail in every way.
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crypto::{Hotkey, hash};

use super::*;
use crate::task::{self, StandIn};

/// Longer than any of these models takes, on any machine.
const DEADLINE: Duration = Duration::from_secs(20);

const STARTED: Progress = Progress { step: 0, steps: 1, loss: 0.0 };

/// A worker that says when it is at work, waits, and panics or fails when told.
struct Stubborn(Receiver<&'static str>);

impl Worker for Stubborn {
    fn describe(&self) -> String {
        "stubborn".into()
    }

    fn train(&mut self, report: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        report(STARTED);
        match self.0.recv().unwrap() {
            "fail" => Err(Error::Failed("no data".into())),
            order => panic!("told to {order}"),
        }
    }

    fn answer(&mut self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![])
    }

    fn save(&self) -> Result<Vec<u8>, Error> {
        Ok(vec![])
    }

    fn load(&mut self, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

/// A model at work on what never ends unless ordered.
fn stuck() -> (Model, Sender<&'static str>, Receiver<Event>) {
    let (order, orders) = channel();
    let (model, heard) = spawn(Stubborn(orders));
    model.train().unwrap();
    assert_eq!(next(&heard), Event::Progress(STARTED));
    (model, order, heard)
}

fn spawn(worker: impl Worker + 'static) -> (Model, Receiver<Event>) {
    let (events, heard) = channel();
    let examiner = task::named("sums").unwrap().examiner();
    let send = move |event| drop(Sender::send(&events, event));
    (Model::spawn(Box::new(worker), examiner, send).unwrap(), heard)
}

fn stand_in(skill: f64) -> StandIn {
    StandIn::new(1, Hotkey([1; 32]), skill)
}

fn next(heard: &Receiver<Event>) -> Event {
    heard.recv_timeout(DEADLINE).unwrap()
}

#[test]
fn a_model_trains_and_then_answers() {
    let (model, heard) = spawn(stand_in(1.0));
    model.train().unwrap();
    assert!(matches!(next(&heard), Event::Progress(Progress { step: 1, steps: 1, .. })));
    assert!(matches!(next(&heard), Event::Ready(Ready { accuracy: 1.0, .. })));

    let questioner = task::named("sums").unwrap().questioner();
    let seed = hash("neuron v1 test", &[b"one"]);
    model.infer(7, questioner.ask(seed)).unwrap();
    let Event::Inferred(Inferred { ticket: 7, answer: Ok(answer) }) = next(&heard) else { panic!() };
    assert_eq!(questioner.judge(seed, &answer), Some(1.0));
}

#[test]
fn a_model_starts_from_given_weights() {
    let (model, heard) = spawn(stand_in(0.1));
    model.load(stand_in(1.0).save().unwrap()).unwrap();
    assert!(matches!(next(&heard), Event::Ready(Ready { accuracy: 1.0, .. })));
    model.load(b"nonsense!".to_vec()).unwrap();
    assert!(matches!(next(&heard), Event::Failed(Error::BadWeights(_))));
}

#[test]
fn a_bad_question_comes_back_under_its_ticket() {
    let (model, heard) = spawn(stand_in(1.0));
    model.infer(3, vec![]).unwrap();
    let Event::Inferred(Inferred { ticket: 3, answer }) = next(&heard) else { panic!() };
    assert!(matches!(answer, Err(Error::BadQuestion(_))));
}

#[test]
fn a_full_queue_is_busy_at_once() {
    let (model, order, heard) = stuck();
    let accepted = (0..).take_while(|&ticket| model.infer(ticket, vec![]).is_ok()).count();
    assert!((QUEUE_MAX - 1..=QUEUE_MAX).contains(&accepted), "{accepted}");
    order.send("fail").unwrap();
    assert_eq!(next(&heard), Event::Failed(Error::Failed("no data".into())));
    for ticket in 0..accepted as u64 {
        assert_eq!(next(&heard), Event::Inferred(Inferred { ticket, answer: Ok(vec![]) }));
    }
}

#[test]
fn a_panic_is_a_failure_and_the_thread_lives_on() {
    let (model, order, heard) = stuck();
    order.send("jump").unwrap();
    assert_eq!(next(&heard), Event::Failed(Error::Failed("told to jump".into())));
    model.infer(1, vec![]).unwrap();
    assert!(matches!(next(&heard), Event::Inferred(Inferred { ticket: 1, answer: Ok(_) })));
}

#[test]
fn a_dropped_model_forgets_what_waits() {
    let (model, order, heard) = stuck();
    for ticket in 0..10 {
        model.infer(ticket, vec![]).unwrap();
    }
    model.closing.store(true, Ordering::Relaxed);
    order.send("fail").unwrap();
    drop(model);
    assert_eq!(heard.iter().count(), 1);
}
