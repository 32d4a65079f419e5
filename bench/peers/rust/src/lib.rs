//! The protocol of the peers (README.md one folder up), for any cache that is a `Store`.

use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const KEY_COUNT: usize = 2 << 14;
const BATCH_OPERATIONS: usize = 256;

type Keys = [u64; KEY_COUNT];
type Failure = Box<dyn Error>;

pub trait Store: Sync {
    fn new(capacity_entries: usize) -> Self;
    fn get(&self, key: u64) -> Option<u64>;
    fn put(&self, key: u64, value: u64);
    fn remove(&self, key: u64);
    /// Does what the cache has put off.
    fn settle(&self) {}
}

/// The main() of a peer that uses the crate of that name.
pub fn serve<S: Store>(crate_name: &str) -> Result<(), Failure> {
    let (keys_file, capacity_entries) = parse_arguments()?;
    let keys = read_keys(&keys_file)?;
    let store = S::new(capacity_entries);
    warm_up(&store, &keys, capacity_entries as u64);
    say(&format!("{crate_name} {}", version_of(crate_name)))?;
    for line in io::stdin().lock().lines() {
        let [readers, writers, milliseconds] = parse_request(&line?)?;
        let duration = Duration::from_millis(milliseconds);
        say(&run(
            &store,
            &keys,
            readers as usize,
            writers as usize,
            duration,
        ))?;
    }
    Ok(())
}

fn parse_arguments() -> Result<(String, usize), Failure> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--keys", file, "--capacity", entries] => Ok((file.to_string(), entries.parse()?)),
        _ => Err("usage: PEER --keys FILE --capacity ENTRIES".into()),
    }
}

/// Cargo.toml is the only place that names it.
fn version_of(crate_name: &str) -> &'static str {
    let line = include_str!("../Cargo.toml")
        .lines()
        .find(|line| line.starts_with(crate_name));
    line.and_then(|line| line.split("\"=").nth(1)?.split('"').next())
        .unwrap_or("of unknown version")
}

fn parse_request(line: &str) -> Result<[u64; 3], Failure> {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["run", readers, writers, milliseconds] => {
            Ok([readers.parse()?, writers.parse()?, milliseconds.parse()?])
        }
        _ => Err(format!("not a request: {line}").into()),
    }
}

fn read_keys(file: &str) -> Result<Box<Keys>, Failure> {
    let bytes = fs::read(file).map_err(|failure| format!("{file}: {failure}"))?;
    let keys: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|key| u64::from_le_bytes(key.try_into().expect("a chunk has 8 bytes")))
        .collect();
    let count = keys.len();
    keys.into_boxed_slice()
        .try_into()
        .map_err(|_| format!("{file}: holds {count} keys, not {KEY_COUNT}").into())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn warm_up<S: Store>(store: &S, keys: &Keys, capacity_entries: u64) {
    (0..capacity_entries).for_each(|key| store.put(key, key));
    (0..capacity_entries).for_each(|key| store.remove(key));
    store.settle();
    keys.iter().for_each(|&key| store.put(key, key));
    store.settle();
}

#[derive(Default)]
struct Counts {
    reads: u64,
    writes: u64,
    hits: u64,
}

fn run<S: Store>(
    store: &S,
    keys: &Keys,
    readers: usize,
    writers: usize,
    duration: Duration,
) -> String {
    let threads = readers + writers;
    let begin = Barrier::new(threads + 1);
    let stop = AtomicBool::new(false);
    let (counts, seconds) = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let (begin, stop) = (&begin, &stop);
                let offset = KEY_COUNT / threads * thread;
                scope.spawn(move || {
                    begin.wait();
                    if thread < readers {
                        read(store, keys, offset, stop)
                    } else {
                        write(store, keys, offset, stop)
                    }
                })
            })
            .collect();
        begin.wait();
        let clock = Instant::now();
        thread::sleep(duration);
        stop.store(true, Ordering::Relaxed);
        let counts: Vec<Counts> = running
            .into_iter()
            .map(|each| each.join().expect("a thread failed"))
            .collect();
        (counts, clock.elapsed().as_secs_f64())
    });
    let sum = |part: fn(&Counts) -> u64| counts.iter().map(part).sum::<u64>();
    format!(
        "{} {} {} {seconds:.9}",
        sum(|c| c.reads),
        sum(|c| c.writes),
        sum(|c| c.hits)
    )
}

fn read<S: Store>(store: &S, keys: &Keys, offset: usize, stop: &AtomicBool) -> Counts {
    let mut counts = Counts::default();
    let mut index = offset;
    let mut sum = 0u64;
    loop {
        for _ in 0..BATCH_OPERATIONS {
            if let Some(value) = store.get(keys[index % KEY_COUNT]) {
                counts.hits += 1;
                sum = sum.wrapping_add(value);
            }
            index += 1;
        }
        counts.reads += BATCH_OPERATIONS as u64;
        if stop.load(Ordering::Relaxed) {
            black_box(sum);
            return counts;
        }
    }
}

fn write<S: Store>(store: &S, keys: &Keys, offset: usize, stop: &AtomicBool) -> Counts {
    let mut counts = Counts::default();
    let mut index = offset;
    loop {
        for _ in 0..BATCH_OPERATIONS {
            let key = keys[index % KEY_COUNT];
            store.put(key, key);
            index += 1;
        }
        counts.writes += BATCH_OPERATIONS as u64;
        if stop.load(Ordering::Relaxed) {
            return counts;
        }
    }
}
