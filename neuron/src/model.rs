//! A worker on a thread of its own: slow work goes in as a request and comes back as an event.

#[cfg(feature = "torch")]
mod profile;
#[cfg(feature = "torch")]
pub(crate) mod torch;
mod turns;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use self::turns::Turn;
use crate::task::{Error, Examiner, Progress, Worker};

/// Requests that may wait; a question answered later than these is answered too late.
const QUEUE_MAX: usize = 64;

/// A worker on a thread of its own. Dropped, it finishes the request at hand and forgets the others.
pub struct Model {
    queue: Option<SyncSender<Request>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Training goes on.
    Progress(Progress),
    /// Training or loading is over: the model can be asked.
    Ready(Ready),
    /// Training or loading failed; the model is what it was before.
    Failed(Error),
    /// A question is answered, or cannot be.
    Inferred(Inferred),
}

/// A model that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// Share of the test split that it answers rightly, 0 to 1.
    pub accuracy: f64,
    /// Its weights, as the worker saves them.
    pub weights: Vec<u8>,
}

/// The answer of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Inferred {
    /// The caller's mark of the question.
    pub ticket: u64,
    /// The answer, or why there is none.
    pub answer: Result<Vec<u8>, Error>,
}

/// The queue is full, or the thread is gone: ask later, or ask another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the model is busy with {QUEUE_MAX} requests")]
pub struct Busy;

enum Request {
    Train,
    Load(Vec<u8>),
    Infer { ticket: u64, question: Vec<u8> },
}

struct Desk {
    worker: Box<dyn Worker>,
    examiner: Box<dyn Examiner>,
    on_event: Box<dyn Fn(Event) + Send>,
    closing: Arc<AtomicBool>,
}

impl Model {
    /// Starts the thread. `on_event` runs on it and must not block, nor drop the model.
    pub fn spawn(
        worker: Box<dyn Worker>,
        examiner: Box<dyn Examiner>,
        on_event: impl Fn(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, requests) = sync_channel(QUEUE_MAX);
        let closing = Arc::new(AtomicBool::new(false));
        let desk = Desk { worker, examiner, on_event: Box::new(on_event), closing: closing.clone() };
        let thread = thread::Builder::new().name("model".into()).spawn(move || desk.serve(&requests))?;
        Ok(Self { queue: Some(queue), closing, thread: Some(thread) })
    }

    /// Trains the worker from the start; [`Event::Ready`] or [`Event::Failed`] follows.
    pub fn train(&self) -> Result<(), Busy> {
        self.send(Request::Train)
    }

    /// Loads weights instead of training; [`Event::Ready`] or [`Event::Failed`] follows.
    pub fn load(&self, weights: Vec<u8>) -> Result<(), Busy> {
        self.send(Request::Load(weights))
    }

    /// Asks a question; [`Event::Inferred`] follows under the same ticket.
    pub fn infer(&self, ticket: u64, question: Vec<u8>) -> Result<(), Busy> {
        self.send(Request::Infer { ticket, question })
    }

    fn send(&self, request: Request) -> Result<(), Busy> {
        let queue = self.queue.as_ref().expect("the queue lives as long as the model");
        queue.try_send(request).map_err(|_| Busy)
    }
}

impl Drop for Model {
    /// Waits for the thread: libtorch must not be at work while the process ends.
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn serve(mut self, requests: &Receiver<Request>) {
        for request in requests {
            let _turn = matches!(request, Request::Train).then(Turn::wait);
            if self.closing.load(Ordering::Relaxed) {
                return;
            }
            let event = self.handle(request);
            (self.on_event)(event);
        }
    }

    fn handle(&mut self, request: Request) -> Event {
        match request {
            Request::Train => self.get_ready(|worker, report| worker.train(report)),
            Request::Load(weights) => self.get_ready(|worker, _| worker.load(&weights)),
            Request::Infer { ticket, question } => {
                let answer = caught(|| self.worker.answer(&question));
                Event::Inferred(Inferred { ticket, answer })
            }
        }
    }

    fn get_ready(
        &mut self,
        learn: impl FnOnce(&mut dyn Worker, &mut dyn FnMut(Progress)) -> Result<(), Error>,
    ) -> Event {
        let worker = self.worker.as_mut();
        let ready = caught(|| {
            learn(worker, &mut |progress| (self.on_event)(Event::Progress(progress)))?;
            Ok(Ready { accuracy: self.examiner.accuracy(worker)?, weights: worker.save()? })
        });
        ready.map_or_else(Event::Failed, Event::Ready)
    }
}

/// A panic of the worker is its failure, not the thread's end.
fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref().map(String::as_str));
        Err(Error::Failed(said.unwrap_or("panicked").into()))
    })
}

#[cfg(test)]
mod tests;
