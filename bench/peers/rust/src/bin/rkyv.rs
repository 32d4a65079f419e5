//! rkyv as it comes: an archive of rows, read in place.

use std::hint::black_box;
use std::time::Instant;

use lodestar_bench_peers::{answer_lines, parse_options, say, version_of, Failure};
use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::vec::ArchivedVec;
use rkyv::{Archive, Serialize};

#[derive(Archive, Serialize)]
struct Row {
    number: f64,
    text: String,
}

type Rows = ArchivedVec<ArchivedRow>;

#[derive(PartialEq)]
struct Sums {
    numbers: f64,
    text_bytes: usize,
    bytes_sum: u64,
}

fn main() -> Result<(), Failure> {
    let [count] = parse_options(["--rows"])?;
    let rows = make_rows(count.parse()?);
    let expected = expected_sums(&rows);
    let archive = rkyv::to_bytes::<Error>(&rows)?;
    say(&format!("rkyv {}", version_of("rkyv")))?;
    answer_lines(|words| {
        let [request, calls] = words[..] else {
            return Err("not a request".into());
        };
        let calls: usize = calls.parse()?;
        let clock = Instant::now();
        match request {
            "unchecked" => (0..calls).for_each(|_| {
                black_box(access_unchecked(&archive));
            }),
            "checked" => {
                for _ in 0..calls {
                    black_box(rkyv::access::<Rows, Error>(black_box(&archive))?);
                }
            }
            "scan" => {
                for _ in 0..calls {
                    if sums_of(access_unchecked(&archive)) != expected {
                        return Err("the sums are wrong".into());
                    }
                }
            }
            _ => return Err("not a request".into()),
        }
        Ok(format!("{:.9}", clock.elapsed().as_secs_f64()))
    })
}

fn make_rows(count: usize) -> Vec<Row> {
    (0..count)
        .map(|row| Row {
            number: row as f64 * 0.5,
            text: format!("row {row:06} of {count}"),
        })
        .collect()
}

fn access_unchecked(archive: &AlignedVec) -> &Rows {
    // The bytes are those that to_bytes() made.
    unsafe { rkyv::access_unchecked::<Rows>(black_box(archive)) }
}

fn sums_of(rows: &Rows) -> Sums {
    let mut sums = Sums {
        numbers: 0.0,
        text_bytes: 0,
        bytes_sum: 0,
    };
    for row in rows.iter() {
        let text = row.text.as_bytes();
        sums.numbers += row.number.to_native();
        sums.text_bytes += text.len();
        sums.bytes_sum += text.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    }
    sums
}

fn expected_sums(rows: &[Row]) -> Sums {
    Sums {
        numbers: rows.iter().map(|row| row.number).sum(),
        text_bytes: rows.iter().map(|row| row.text.len()).sum(),
        bytes_sum: rows
            .iter()
            .flat_map(|row| row.text.bytes())
            .map(u64::from)
            .sum(),
    }
}
