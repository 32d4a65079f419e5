#include "cache_metrics.hpp"

namespace lodestar::analytics {
namespace {

/// Two updates may come with statistics in the wrong order; a counter never goes back.
void take_over(counter& shown, std::uint64_t& seen, std::uint64_t now) {
  if (now <= seen) return;
  shown.add(now - seen);
  seen = now;
}

}  // namespace

cache_metrics::cache_metrics(metrics_registry& metrics)
    : hits_(metrics.make_counter("lodestar_analytics_cache_hits_total",
                                 "Requests and tiles answered with a fresh result")),
      stale_hits_(metrics.make_counter("lodestar_analytics_cache_stale_hits_total",
                                       "Requests answered with an out-of-date result")),
      misses_(metrics.make_counter("lodestar_analytics_cache_misses_total",
                                   "Requests and tiles for which memory had no result")),
      tier_hits_(metrics.make_counter("lodestar_analytics_cache_tier_hits_total",
                                      "Misses answered from below the memory, without DuckDB")),
      coalesced_(metrics.make_counter("lodestar_analytics_cache_coalesced_total",
                                      "Misses that joined a computation under way")),
      evictions_(metrics.make_counter("lodestar_analytics_cache_evictions_total",
                                      "Results dropped to keep the cache in its size")),
      refusals_(metrics.make_counter("lodestar_analytics_cache_refusals_total",
                                     "Results not kept because they exceed the whole cache")),
      entries_(metrics.make_gauge("lodestar_analytics_cache_entries", "Results in the cache")),
      bytes_(metrics.make_gauge("lodestar_analytics_cache_bytes",
                                "Memory that the cached results are counted with")) {}

void cache_metrics::update(const swr::statistics& now) {
  const std::lock_guard lock(mutex_);
  take_over(hits_, seen_.hits, now.hits);
  take_over(stale_hits_, seen_.stale_hits, now.stale_hits);
  take_over(misses_, seen_.misses, now.misses);
  take_over(tier_hits_, seen_.tier_hits, now.tier_hits);
  take_over(coalesced_, seen_.coalesced, now.coalesced);
  take_over(evictions_, seen_.evictions, now.evictions);
  take_over(refusals_, seen_.refusals, now.refusals);
  entries_.set(static_cast<std::int64_t>(now.entries));
  bytes_.set(static_cast<std::int64_t>(now.weight));
}

}  // namespace lodestar::analytics
