//! The protocol of caches, for any one that is a `Store`.

use std::fs;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::{answer_lines, parse_options, say, version_of, Failure};

const KEY_COUNT: usize = 2 << 14;
const BATCH_OPERATIONS: usize = 256;

type Keys = [u64; KEY_COUNT];

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
    let [keys_file, capacity] = parse_options(["--keys", "--capacity"])?;
    let capacity_entries: usize = capacity.parse()?;
    let keys = read_keys(&keys_file)?;
    let store = S::new(capacity_entries);
    warm_up(&store, &keys, capacity_entries as u64);
    say(&format!("{crate_name} {}", version_of(crate_name)))?;
    answer_lines(|words| {
        let [readers, writers, milliseconds] = parse_request(words)?;
        let duration = Duration::from_millis(milliseconds);
        Ok(run(
            &store,
            &keys,
            readers as usize,
            writers as usize,
            duration,
        ))
    })
}

fn parse_request(words: &[&str]) -> Result<[u64; 3], Failure> {
    match words[..] {
        ["run", readers, writers, milliseconds] => {
            Ok([readers.parse()?, writers.parse()?, milliseconds.parse()?])
        }
        _ => Err("not a request".into()),
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
