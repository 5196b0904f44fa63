//! A neuron in a process of its own, started again when it dies.
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::Plan;
use super::directory::Directory;
use super::member::Tidings;
use super::plan::{NETUID, Seat};

/// What a process says before its log is open, or when it ends.
const STDERR: &str = "stderr.log";

/// A life shorter than this is a failed start.
const SHORT_LIFE: Duration = Duration::from_secs(3);

/// Failed starts in a row after which a neuron is given up.
const FAILED_STARTS: u32 = 5;

/// Between a death and the next start.
const BETWEEN_LIVES: Duration = Duration::from_millis(200);

/// How long a process may take to stop by itself.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The command line of one neuron.
pub(super) fn arguments(seat: &Seat, plan: &Plan, directory: &Directory) -> Vec<OsString> {
    let mut line: Vec<OsString> = vec!["run".into(), "--tied".into()];
    let mut flag = |name: &str, value: OsString| line.extend([name.into(), value]);
    flag("--genesis", directory.genesis_path().into());
    flag("--dir", directory.of(&seat.name).into());
    flag("--netuid", NETUID.to_string().into());
    flag("--seed", plan.seed.to_string().into());
    match seat.rung {
        None => flag("--role", "validator".into()),
        Some(rung) => {
            flag("--role", "miner".into());
            flag("--rung", rung.to_string().into());
        }
    }
    if let Some(model) = &seat.model {
        flag("--model", model.into());
    }
    if let Some(crime) = &seat.crime {
        let spec = if crime.spec.ends_with(".star") {
            directory.attacks().join(&crime.spec).into()
        } else {
            crime.spec.clone().into()
        };
        flag("--behaviour", spec);
        flag("--with", crime.with.to_string().into());
        flag("--board", directory.board().into());
        flag("--coldkey", directory.of(&seat.name).join("coldkey").into());
    }
    if seat.name == "validator-0" {
        flag("--port", directory.bootstrap_port().to_string().into());
    }
    line
}

/// Looks after a process until it is told to stop.
pub(super) async fn keep(
    program: PathBuf,
    arguments: Vec<OsString>,
    mut stopped: oneshot::Receiver<()>,
    tidings: Tidings,
) {
    let mut failed = 0;
    while failed < FAILED_STARTS {
        let born = Instant::now();
        let mut child = match spawn(&program, &arguments, &tidings.dir) {
            Ok(child) => child,
            Err(error) => return tidings.give_up(format!("{}: {error}", program.display())),
        };
        // Waiting would close it.
        let leash = child.stdin.take();
        let ended = tokio::select! {
            ended = child.wait() => ended,
            _ = &mut stopped => {
                drop(leash);
                return stop(child).await;
            }
        };
        failed = if born.elapsed() < SHORT_LIFE { failed + 1 } else { 0 };
        tidings.tell(&format!("stopped ({}); starting it again", ended.map_or_else(|e| e.to_string(), why)));
        tokio::select! {
            () = sleep(BETWEEN_LIVES) => {}
            _ = &mut stopped => return,
        }
    }
    tidings.give_up(last_words(&tidings.dir));
}

fn spawn(program: &Path, arguments: &[OsString], dir: &Path) -> io::Result<Child> {
    Command::new(program)
        .args(arguments)
        // It watches this pipe and stops when we are gone, however we end.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(File::create(dir.join(STDERR))?)
        // Our terminal's Ctrl-C is for us: we stop the others.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn stop(mut child: Child) {
    if timeout(STOP_PATIENCE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

fn why(status: ExitStatus) -> String {
    status.to_string()
}

fn last_words(dir: &Path) -> String {
    let words = fs::read_to_string(dir.join(STDERR)).unwrap_or_default();
    let last = words.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("it says nothing").trim_start_matches("neuron: ").to_owned()
}
