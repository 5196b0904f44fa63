//! Many neurons on one machine: real peers, real models, and a settlement that pays them.
//!
//! ```no_run
//! # async fn story(dir: &std::path::Path) -> Result<(), neuron::swarm::Error> {
//! use neuron::swarm::{Plan, Swarm};
//!
//! let mut swarm = Swarm::start(Plan { miners: 3, ..Plan::new(dir) }).await?;
//! swarm.wait_for_height(7).await?;
//! println!("{}", swarm.report().await?.issued);
//! swarm.stop().await;
//! # Ok(())
//! # }
//! ```

mod adversary;
mod directory;
mod earnings;
mod error;
mod look;
mod member;
mod plan;
mod process;
mod report;

use std::time::Duration;

use crypto::Hash;
use futures::future::{join_all, try_join_all};
use protocol::genesis::Genesis;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

pub use adversary::Adversary;
pub use error::Error;
pub use look::Look;
pub use member::Member;
pub(crate) use plan::read_model;
pub use plan::{Housing, Plan, SPARE_ACCOUNTS};
pub use report::{Culprit, Report};

use directory::Directory;
use earnings::Earnings;

/// News that wait to be read; the oldest matter most, later ones are in the logs.
const NEWS: usize = 256;

/// How often the neurons are looked at while somebody waits.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long neurons may take to be up, besides what each adds.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// What each neuron may add: their processes share the machine's cores.
const START_PATIENCE_EACH: Duration = Duration::from_secs(2);

/// How long the first pay may take, besides a second for each neuron.
const EMISSION_PATIENCE: Duration = Duration::from_secs(60);

/// Epochs within which it is due: one to commit, one to reveal, and some more.
const EMISSION_EPOCHS: u64 = 10;

/// How long a height may take before the swarm counts as stuck.
const HEIGHT_PATIENCE: Duration = Duration::from_secs(60);

/// How long a report waits for a moment in which all neurons are at one height.
const REPORT_PATIENCE: Duration = Duration::from_secs(3);

/// A swarm at work. Dropped, its neurons stop.
pub struct Swarm {
    plan: Plan,
    directory: Directory,
    genesis: Genesis,
    network: Hash,
    members: Vec<Member>,
    news: mpsc::Receiver<String>,
    earnings: Earnings,
    started: Instant,
}

impl Swarm {
    /// Starts every neuron, or goes on with those of an earlier run in the same directory.
    pub async fn start(plan: Plan) -> Result<Self, Error> {
        plan.check()?;
        let directory = Directory::open(&plan)?;
        let genesis = directory.genesis().genesis.clone();
        let (tell, news) = mpsc::channel(NEWS);
        let seats = plan.seats().into_iter();
        let members =
            try_join_all(seats.map(|seat| Member::start(seat, &plan, &directory, tell.clone()))).await?;
        let network = genesis.hash();
        let (earnings, started) = (Earnings::default(), Instant::now());
        let mut swarm = Self { plan, directory, genesis, network, members, news, earnings, started };
        swarm.wait_until_up().await?;
        Ok(swarm)
    }

    /// What it was started with.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What its ledger began with.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Settlements in an epoch, when it began.
    pub(crate) fn tempo(&self) -> u64 {
        self.genesis.subnets[0].hyperparameters.tempo
    }

    /// The neurons, validators first, in the order of their uids.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The addresses by which others join.
    pub fn bootstrap(&self) -> &[String] {
        &self.directory.genesis().bootstrap
    }

    /// Asks every neuron how it does.
    pub async fn look(&mut self) -> Look {
        let statuses = join_all(self.members.iter().map(Member::status)).await;
        let look = Look::new(statuses, &self.members).await;
        self.earnings.note(&look, self.plan.began);
        look
    }

    /// What happened to neurons since the last call: stopped, started again, given up.
    pub fn news(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.news.try_recv().ok()).collect()
    }

    /// From the beginning of the plan to the first settlement that paid a miner and a validator.
    pub fn first_emission(&self) -> Option<Duration> {
        self.earnings.first
    }

    /// What makes further waiting vain: a neuron that stopped for good, or no pay in all that time.
    pub fn fault(&self, look: &Look) -> Option<Error> {
        let given_up = self.members.iter().find(|member| member.has_given_up()).map(Member::why_given_up);
        let overdue = self.earnings.first.is_none() && self.started.elapsed() > self.emission_patience();
        given_up.or_else(|| overdue.then(|| self.stuck(look)))
    }

    /// Waits until every neuron has settled a height.
    pub async fn wait_for_height(&mut self, height: u64) -> Result<Look, Error> {
        self.wait_until(HEIGHT_PATIENCE, |look, _| look.lowest() >= height).await
    }

    /// Waits for the first settlement that pays a miner and a validator.
    pub async fn wait_for_emission(&mut self) -> Result<Duration, Error> {
        self.wait_until(self.emission_patience(), |_, earnings| earnings.first.is_some()).await?;
        Ok(self.earnings.first.expect("it was just waited for"))
    }

    /// Everything about the swarm, at one height if the neurons can be caught at one.
    pub async fn report(&mut self) -> Result<Report, Error> {
        let even = |look: &Look, _: &Earnings| look.lowest() == look.height();
        let look = match self.wait_until(REPORT_PATIENCE, even).await {
            Ok(look) => look,
            Err(_) => self.look().await,
        };
        let roots = join_all(self.members.iter().map(Member::state_roots)).await;
        Report::new(self, &look, &roots).ok_or(Error::NobodyAnswers { dir: self.plan.dir.clone() })
    }

    /// Stops every neuron and waits until each has let go of its directory.
    pub async fn stop(self) {
        join_all(self.members.into_iter().map(Member::stop)).await;
    }

    async fn wait_until_up(&mut self) -> Result<(), Error> {
        let each = START_PATIENCE_EACH * u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let all = self.members.len();
        self.wait_until(START_PATIENCE + each, |look, _| look.answering() == all).await?;
        Ok(())
    }

    async fn wait_until(
        &mut self,
        patience: Duration,
        done: impl Fn(&Look, &Earnings) -> bool,
    ) -> Result<Look, Error> {
        let deadline = Instant::now() + patience;
        loop {
            let look = self.look().await;
            if done(&look, &self.earnings) {
                return Ok(look);
            }
            if let Some(member) = self.members.iter().find(|member| member.has_given_up()) {
                return Err(member.why_given_up());
            }
            if Instant::now() > deadline {
                return Err(self.stuck(&look));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn stuck(&self, look: &Look) -> Error {
        Error::Stuck { reason: look.diagnosis(), dir: self.plan.dir.clone() }
    }

    /// A minute, or the epochs that a slow or large network takes.
    fn emission_patience(&self) -> Duration {
        let epochs = (EMISSION_EPOCHS * self.tempo()).saturating_mul(self.genesis.parameters.interval);
        let epochs = Duration::from_millis(epochs);
        EMISSION_PATIENCE.max(epochs) + Duration::from_secs(self.members.len() as u64)
    }
}
