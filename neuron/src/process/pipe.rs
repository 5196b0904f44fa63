//! A child process, line by line, with deadlines and without threads.
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tracing::info;

/// The longest line, in bytes.
const LINE_BYTES: usize = 1024 * 1024;

/// What may wait to be read by a child, in bytes.
const UNREAD_BYTES: usize = 4 * LINE_BYTES;

/// How much of its standard error is kept, in bytes.
const WORDS_BYTES: usize = 2 * 1024;

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// A child process; it and its children die with this.
pub(crate) struct Pipe {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    /// What it has not read yet.
    unread: Vec<u8>,
    /// What it wrote, up to a line that is not whole.
    heard: Vec<u8>,
    words: Vec<u8>,
}

/// Why no line comes.
#[derive(Debug)]
pub(crate) enum Silence {
    Late,
    Ended,
    Long,
    Broken(io::Error),
}

impl Silence {
    pub(crate) fn told(&self, about: &str, patience: Duration) -> String {
        match self {
            Self::Late => format!("no reply to {about} within {patience:?}"),
            Self::Ended => format!("it ended, or closed its output, before it replied to {about}"),
            Self::Long => format!("it wrote a line of more than {LINE_BYTES} bytes"),
            Self::Broken(error) => format!("it cannot be spoken to: {error}"),
        }
    }
}

impl Pipe {
    /// Starts a program by its words. One whose name has a slash in it is looked for in `dir`.
    pub(crate) fn open(words: &[String], dir: &Path) -> io::Result<Self> {
        let (name, arguments) = words.split_first().ok_or(ErrorKind::InvalidInput)?;
        let dir = dir.canonicalize()?;
        let program = if name.contains('/') { dir.join(name) } else { name.into() };
        let piped = || Stdio::piped();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(dir).process_group(0);
        // Python then walks through its sets in the same order each time.
        command.env("PYTHONHASHSEED", "0");
        let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { unreachable!("all three are piped") };
        ioctl_fionbio(&stdin, true)?;
        ioctl_fionbio(&stdout, true)?;
        ioctl_fionbio(&stderr, true)?;
        let (unread, heard, words) = Default::default();
        Ok(Self { child, stdin, stdout, stderr: Some(stderr), unread, heard, words })
    }

    /// Sends a line, as soon as it will be read.
    pub(crate) fn write(&mut self, line: &Value) -> Result<(), String> {
        self.unread.extend_from_slice(line.to_string().as_bytes());
        self.unread.push(b'\n');
        let fits = self.unread.len() <= UNREAD_BYTES;
        fits.then_some(()).ok_or_else(|| format!("it left {UNREAD_BYTES} bytes unread"))
    }

    /// The next line.
    pub(crate) fn read(&mut self, deadline: Instant) -> Result<String, Silence> {
        loop {
            if let Some(line) = self.line()? {
                return Ok(line);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.wait(left).map_err(Silence::Broken)?;
            self.flush().map_err(Silence::Broken)?;
            self.listen();
            self.hear()?;
            if left.is_zero() {
                return self.line()?.ok_or(Silence::Late);
            }
        }
    }

    fn line(&mut self) -> Result<Option<String>, Silence> {
        let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') else {
            return if self.heard.len() > LINE_BYTES { Err(Silence::Long) } else { Ok(None) };
        };
        let line: Vec<_> = self.heard.drain(..=end).collect();
        if line.len() > LINE_BYTES {
            Err(Silence::Long)
        } else {
            Ok(Some(String::from_utf8_lossy(&line).into_owned()))
        }
    }

    /// Waits until something can be read or written.
    fn wait(&self, left: Duration) -> io::Result<()> {
        let mut pipes = vec![PollFd::new(&self.stdout, PollFlags::IN)];
        pipes.extend(self.stderr.iter().map(|stderr| PollFd::new(stderr, PollFlags::IN)));
        if !self.unread.is_empty() {
            pipes.push(PollFd::new(&self.stdin, PollFlags::OUT));
        }
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut pipes, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what there is room for. A child that reads no more may still have replied.
    fn flush(&mut self) -> io::Result<()> {
        while !self.unread.is_empty() {
            match self.stdin.write(&self.unread) {
                Ok(written) => drop(self.unread.drain(..written)),
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.unread.clear(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn hear(&mut self) -> Result<(), Silence> {
        let mut chunk = [0; CHUNK_BYTES];
        match self.stdout.read(&mut chunk) {
            Ok(0) => Err(Silence::Ended),
            Ok(read) => {
                self.heard.extend_from_slice(&chunk[..read]);
                Ok(())
            }
            Err(error) if is_no_news(&error) => Ok(()),
            Err(error) => Err(Silence::Broken(error)),
        }
    }

    /// Passes on to the log what it writes to its standard error, and keeps the end.
    fn listen(&mut self) {
        let mut chunk = [0; CHUNK_BYTES];
        let Some(stderr) = &mut self.stderr else { return };
        match stderr.read(&mut chunk) {
            Ok(0) => self.stderr = None,
            Ok(read) => {
                self.words.extend_from_slice(&chunk[..read]);
                info!(program = self.child.id(), "{}", String::from_utf8_lossy(&chunk[..read]).trim_end());
                let old = self.words.len().saturating_sub(WORDS_BYTES);
                self.words.drain(..old);
            }
            Err(error) if is_no_news(&error) => {}
            Err(_) => self.stderr = None,
        }
    }

    /// The end of what it wrote to its standard error.
    pub(crate) fn last_words(&mut self) -> String {
        self.listen();
        String::from_utf8_lossy(&self.words).trim().to_owned()
    }
}

fn is_no_news(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It has not been waited for, so its number is still its own. It may be gone already.
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.child.wait();
    }
}
