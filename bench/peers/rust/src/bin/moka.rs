//! moka's synchronous cache as it comes.

use lodestar_bench_peers::cache::{serve, Store};
use lodestar_bench_peers::Failure;
use moka::sync::Cache;

struct Moka(Cache<u64, u64>);

impl Store for Moka {
    fn new(capacity_entries: usize) -> Self {
        Moka(Cache::new(capacity_entries as u64))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key)
    }
    fn put(&self, key: u64, value: u64) {
        self.0.insert(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.invalidate(&key);
    }
    fn settle(&self) {
        self.0.run_pending_tasks();
    }
}

fn main() -> Result<(), Failure> {
    serve::<Moka>("moka")
}
