//! redb as it comes: a transaction for reading for each get, no syncing of writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use lodestar_bench_peers::{answer_lines, parse_options, say, version_of, Failure};
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use xxhash_rust::xxh3::xxh3_64;

const TABLE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("entries");
const CHECKSUM_BYTES: usize = 8;
const PUT_STRIDE: usize = 61_803;
const FILL_TRANSACTION_ENTRIES: usize = 4_096;

struct Entries {
    keys: Vec<String>,
    value_bytes: usize,
}

fn main() -> Result<(), Failure> {
    let [keys_file, value_bytes, folder] = parse_options(["--keys", "--value-bytes", "--folder"])?;
    let keys = fs::read_to_string(&keys_file)?;
    let entries = Entries {
        keys: keys.lines().map(str::to_string).collect(),
        value_bytes: value_bytes.parse()?,
    };
    let folder = PathBuf::from(folder);
    let filled = Database::create(folder.join("filled.redb"))?;
    put_all(&filled, &entries, FILL_TRANSACTION_ENTRIES)?;
    say(&format!("redb {}", version_of("redb")))?;
    answer_lines(|words| {
        let seconds = match words[..] {
            ["get", threads, gets] => time_gets(&filled, &entries, threads.parse()?, gets.parse()?)?,
            ["put", batch] => time_puts(&folder.join("new.redb"), &entries, batch.parse()?)?,
            _ => return Err("not a request".into()),
        };
        Ok(format!("{seconds:.9}"))
    })
}

fn time_puts(file: &Path, entries: &Entries, batch: usize) -> Result<f64, Failure> {
    let database = Database::create(file)?;
    let clock = Instant::now();
    put_all(&database, entries, batch)?;
    let seconds = clock.elapsed().as_secs_f64();
    drop(database);
    fs::remove_file(file)?;
    Ok(seconds)
}

fn put_all(database: &Database, entries: &Entries, batch: usize) -> Result<(), Failure> {
    let mut stored = vec![0; CHECKSUM_BYTES + entries.value_bytes];
    let count = entries.keys.len();
    for begin in (0..count).step_by(batch) {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(Durability::None)?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for number in begin..count.min(begin + batch) {
                let key = &entries.keys[number * PUT_STRIDE % count];
                write_value(key, &mut stored);
                table.insert(key.as_bytes(), stored.as_slice())?;
            }
        }
        transaction.commit()?;
    }
    Ok(())
}

/// The key again and again, with its checksum in front.
fn write_value(key: &str, stored: &mut [u8]) {
    let (checksum, value) = stored.split_at_mut(CHECKSUM_BYTES);
    for piece in value.chunks_mut(key.len()) {
        piece.copy_from_slice(&key.as_bytes()[..piece.len()]);
    }
    checksum.copy_from_slice(&xxh3_64(value).to_le_bytes());
}

fn is_whole(stored: &[u8]) -> bool {
    let (checksum, value) = stored.split_at(CHECKSUM_BYTES);
    checksum == xxh3_64(value).to_le_bytes()
}

fn time_gets(
    database: &Database,
    entries: &Entries,
    threads: usize,
    gets: usize,
) -> Result<f64, Failure> {
    let begin = Barrier::new(threads);
    let seconds = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let begin = &begin;
                let offset = entries.keys.len() / threads * thread;
                scope.spawn(move || {
                    begin.wait();
                    let clock = Instant::now();
                    let right = get_all(database, entries, offset, gets).unwrap_or(0);
                    (right == gets).then(|| clock.elapsed().as_secs_f64())
                })
            })
            .collect();
        running
            .into_iter()
            .map(|each| each.join().expect("a thread failed"))
            .collect::<Option<Vec<_>>>()
    });
    let seconds = seconds.ok_or("a get brought the wrong bytes, or none")?;
    Ok(seconds.into_iter().fold(0.0, f64::max))
}

/// How many were right.
fn get_all(
    database: &Database,
    entries: &Entries,
    offset: usize,
    gets: usize,
) -> Result<usize, Failure> {
    let mut right = 0;
    for key in entries.keys.iter().cycle().skip(offset).take(gets) {
        let transaction = database.begin_read()?;
        let table = transaction.open_table(TABLE)?;
        if let Some(stored) = table.get(key.as_bytes())? {
            right += usize::from(is_whole(stored.value()));
        }
    }
    Ok(right)
}
