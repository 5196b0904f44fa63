//! `neuron replay`: what happened in a scenario's run, step by step.
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr, eyre};
use console::{Key, Term};
use serde::Deserialize;
use serde_json::Value;

use super::out::Out;
use crate::scenario::brief;

/// Events that a leap passes.
const LEAP: usize = 50;

/// Step through a run of a scenario: who told whom what, who settled, who fell, when the attack struck
///
/// In a terminal: space or → one event on, ← one back, PgDn and PgUp fifty, f to where an attack strikes next, Home, End,
/// q to leave. Elsewhere all events are printed, a line each.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  neuron replay\n  neuron replay runs/equivocator-1 | grep fired")]
pub(super) struct Args {
    /// The directory that `neuron scenario run` left [default: the last]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print the events as they are kept, a JSON document each
    #[arg(long)]
    json: bool,
}

/// An event, as it is kept.
#[derive(Debug, Deserialize)]
struct Event {
    at: u64,
    node: usize,
    event: String,
    what: Value,
}

/// A run that was kept.
struct Kept {
    names: Vec<String>,
    events: Vec<Event>,
}

pub(super) fn perform(args: &Args) -> Result<()> {
    let dir = args.dir.clone().unwrap_or_else(|| super::runs().join("latest"));
    let kept = Kept::read(&dir)?;
    let term = Term::stdout();
    if args.json {
        let lines = BufReader::new(open(&dir.join("events.jsonl"))?).lines();
        return lines.into_iter().try_for_each(|line| Out::People.say(&line?));
    }
    match term.is_term() {
        true => kept.step(&term),
        false => (0..kept.events.len()).try_for_each(|place| Out::People.say(&kept.line(place))),
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).wrap_err_with(|| {
        format!("cannot open {}; name a directory that `neuron scenario run` left", path.display())
    })
}

impl Kept {
    fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("events.jsonl");
        let events = BufReader::new(open(&path)?).lines().enumerate().map(|(number, line)| {
            let broken = || format!("{}, line {}, is no event", path.display(), number + 1);
            serde_json::from_str(&line?).wrap_err_with(broken)
        });
        let events: Vec<Event> = events.collect::<Result<_>>()?;
        let names = serde_json::from_reader(open(&dir.join("neurons.json"))?)
            .wrap_err_with(|| format!("{}/neurons.json names no neurons", dir.display()))?;
        match events.is_empty() {
            true => Err(eyre!("nothing happened in {}", dir.display())),
            false => Ok(Self { names, events }),
        }
    }

    fn name(&self, node: usize) -> &str {
        self.names.get(node).map_or("?", String::as_str)
    }

    /// An event in a line: "12.345 s  honest[0]         tell  vote 12/0 3fa01bc2".
    fn line(&self, place: usize) -> String {
        let Event { at, node, event, what } = &self.events[place];
        let brief = brief(event, what);
        let told = if brief == *event { "" } else { &brief };
        let line = format!("{:>9.3} s  {:<16} {event:<8} {told}", *at as f64 / 1_000.0, self.name(*node));
        line.trim_end().to_owned()
    }

    fn step(&self, term: &Term) -> Result<()> {
        let last = self.events.len() - 1;
        let mut place = 0;
        term.hide_cursor()?;
        loop {
            self.draw(term, place)?;
            place = match term.read_key()? {
                Key::Char('q') | Key::Escape | Key::CtrlC => break,
                Key::Char(' ') | Key::ArrowRight | Key::ArrowDown => (place + 1).min(last),
                Key::ArrowLeft | Key::ArrowUp => place.saturating_sub(1),
                Key::PageDown => (place + LEAP).min(last),
                Key::PageUp => place.saturating_sub(LEAP),
                Key::Home => 0,
                Key::End => last,
                Key::Char('f') => self.next_strike(place).unwrap_or(last),
                _ => place,
            };
        }
        term.write_line("")?;
        Ok(term.show_cursor()?)
    }

    fn next_strike(&self, place: usize) -> Option<usize> {
        let strikes = |event: &Event| matches!(&*event.event, "fired" | "accuse" | "halt" | "fault");
        self.events
            .iter()
            .enumerate()
            .skip(place + 1)
            .find(|(_, event)| strikes(event))
            .map(|(place, _)| place)
    }

    /// The events up to one, and how far everybody is.
    fn draw(&self, term: &Term, place: usize) -> Result<()> {
        let (rows, columns) = term.size();
        let (rows, columns) = (usize::from(rows), usize::from(columns));
        let states = self.states(place, rows / 2, columns);
        let room = rows.saturating_sub(states.len() + 4).max(3);
        term.clear_screen()?;
        let at = self.events[place].at as f64 / 1_000.0;
        term.write_line(&format!("event {} of {}, {at:.3} s", place + 1, self.events.len()))?;
        states.iter().try_for_each(|line| term.write_line(line))?;
        term.write_line("")?;
        for shown in place.saturating_sub(room - 1)..=place {
            let line = self.line(shown);
            let line = console::truncate_str(&line, columns, "…");
            let styled = if shown == place { console::style(line).bold() } else { console::style(line) };
            term.write_line(&styled.to_string())?;
        }
        let keys = "space → ← PgDn PgUp f: next strike, q: leave";
        Ok(term.write_str(&console::truncate_str(keys, columns, ""))?)
    }

    /// How far everybody is after an event, side by side in so many rows at most.
    fn states(&self, place: usize, rows: usize, columns: usize) -> Vec<String> {
        let state = |(node, name): (usize, &String)| match self.state(node, place) {
            (height, true) => format!("{name} {height}"),
            (_, false) => format!("{name} down"),
        };
        let states: Vec<_> = self.names.iter().enumerate().map(state).collect();
        let width = states.iter().map(|it| it.len()).max().unwrap_or_default() + 3;
        let beside = (columns / width).max(1);
        let line = |some: &[String]| some.iter().map(|it| format!("{it:<width$}")).collect::<String>();
        let mut lines: Vec<_> = states.chunks(beside).map(|some| line(some).trim_end().to_owned()).collect();
        if lines.len() > rows {
            lines.truncate(rows.saturating_sub(1));
            lines.push(format!("and {} more", states.len() - lines.len() * beside));
        }
        lines
    }

    /// How far a neuron is after an event, and whether it is up.
    fn state(&self, node: usize, place: usize) -> (u64, bool) {
        let own = self.events[..=place].iter().filter(|event| event.node == node);
        own.fold((0, true), |(height, is_up), event| match &*event.event {
            "settle" => (event.what["height"].as_u64().unwrap_or(height), is_up),
            "down" | "halt" | "wiped" => (height, false),
            "up" => (height, true),
            _ => (height, is_up),
        })
    }
}
