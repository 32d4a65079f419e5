//! What the peers have in common. Their protocols are in README.md one folder up.

pub mod cache;

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};

pub type Failure = Box<dyn Error>;

/// The values of the options `names`, in this order: the whole command line, each once.
pub fn parse_options<const N: usize>(names: [&str; N]) -> Result<[String; N], Failure> {
    let words: Vec<String> = env::args().skip(1).collect();
    let found = names.map(|name| {
        let at = words.iter().step_by(2).position(|word| word == name)?;
        words.get(2 * at + 1).cloned()
    });
    if words.len() != 2 * N || found.iter().any(Option::is_none) {
        return Err(format!("usage: PEER {}", names.map(|name| format!("{name} X")).join(" ")).into());
    }
    Ok(found.map(|value| value.expect("each was found")))
}

/// Cargo.toml is the only place that names it.
pub fn version_of(crate_name: &str) -> &'static str {
    let line = include_str!("../Cargo.toml")
        .lines()
        .find(|line| line.starts_with(crate_name));
    line.and_then(|line| line.split("\"=").nth(1)?.split('"').next())
        .unwrap_or("of unknown version")
}

pub fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Answers each line of the input, as words, until it ends.
pub fn answer_lines(
    mut answer: impl FnMut(&[&str]) -> Result<String, Failure>,
) -> Result<(), Failure> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        say(&answer(&words).map_err(|failure| format!("{line}: {failure}"))?)?;
    }
    Ok(())
}
