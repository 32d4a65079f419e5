//! quick_cache as it comes.

use lodestar_bench_peers::cache::{serve, Store};
use lodestar_bench_peers::Failure;
use quick_cache::sync::Cache;

struct QuickCache(Cache<u64, u64>);

impl Store for QuickCache {
    fn new(capacity_entries: usize) -> Self {
        QuickCache(Cache::new(capacity_entries))
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key)
    }
    fn put(&self, key: u64, value: u64) {
        self.0.insert(key, value);
    }
    fn remove(&self, key: u64) {
        self.0.remove(&key);
    }
}

fn main() -> Result<(), Failure> {
    serve::<QuickCache>("quick_cache")
}
