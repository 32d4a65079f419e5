#include <lodestar/swr/prometheus_events.hpp>

#include <string>
#include <utility>

namespace lodestar::swr {

/// The metrics of one tier under one cache.
struct prometheus_events::pair {
  pair(metrics_registry& registry, std::string_view tier_name, std::string_view cache_name)
      : tier(tier_name),
        cache(cache_name),
        fresh(reads(registry, "fresh")),
        stale(reads(registry, "stale")),
        misses(reads(registry, "miss")),
        failed_reads(reads(registry, "error")),
        read_time(times(registry, "lodestar_swr_read_seconds", "Time of each read.")),
        writes(writes_of(registry, "done")),
        failed_writes(writes_of(registry, "error")),
        write_time(times(registry, "lodestar_swr_write_seconds", "Time of each write.")),
        removals(removals_of(registry, "done")),
        failed_removals(removals_of(registry, "error")),
        removed_keys(registry.make_counter("lodestar_swr_removed_keys_total",
                                           "Keys that a tier was told to remove.",
                                           {{"tier", tier}, {"cache", cache}})),
        removal_time(times(registry, "lodestar_swr_removal_seconds", "Time of each removal.")) {}

  counter& reads(metrics_registry& registry, std::string_view outcome) const {
    return registry.make_counter("lodestar_swr_reads_total",
                                 "Looks into memory or a tier, by what came of them.",
                                 {{"tier", tier}, {"cache", cache}, {"outcome", outcome}});
  }
  counter& writes_of(metrics_registry& registry, std::string_view outcome) const {
    return registry.make_counter("lodestar_swr_writes_total", "Writes to a tier.",
                                 {{"tier", tier}, {"cache", cache}, {"outcome", outcome}});
  }
  counter& removals_of(metrics_registry& registry, std::string_view outcome) const {
    return registry.make_counter("lodestar_swr_removals_total", "Removals from a tier.",
                                 {{"tier", tier}, {"cache", cache}, {"outcome", outcome}});
  }
  histogram& times(metrics_registry& registry, std::string_view name, std::string_view help) const {
    return registry.make_histogram(name, help, {{"tier", tier}, {"cache", cache}}, look_ups_range);
  }

  counter& of(const read_event& event) const noexcept {
    if (event.failed) return failed_reads;
    if (!event.hit) return misses;
    return event.state == freshness::fresh ? fresh : stale;
  }

  const std::string tier;
  const std::string cache;
  counter &fresh, &stale, &misses, &failed_reads;
  histogram& read_time;
  counter &writes, &failed_writes;
  histogram& write_time;
  counter &removals, &failed_removals, &removed_keys;
  histogram& removal_time;
  pair* next = nullptr;
};

prometheus_events::prometheus_events(metrics_registry& registry) : registry_(registry) {}

prometheus_events::~prometheus_events() {
  for (pair* each = pairs_.load(); each != nullptr;) delete std::exchange(each, each->next);
}

void prometheus_events::read(const read_event& event) {
  pair& here = find(event.tier, event.cache);
  here.of(event).add();
  here.read_time.observe(event.latency);
}

void prometheus_events::written(const write_event& event) {
  pair& here = find(event.tier, event.cache);
  (event.failed ? here.failed_writes : here.writes).add();
  here.write_time.observe(event.latency);
}

void prometheus_events::removed(const remove_event& event) {
  pair& here = find(event.tier, event.cache);
  (event.failed ? here.failed_removals : here.removals).add();
  here.removed_keys.add(event.keys);
  here.removal_time.observe(event.latency);
}

auto prometheus_events::find_after(pair* first, std::string_view tier,
                                   std::string_view cache) noexcept -> pair* {
  for (pair* each = first; each != nullptr; each = each->next) {
    if (each->tier == tier && each->cache == cache) return each;
  }
  return nullptr;
}

auto prometheus_events::find(std::string_view tier, std::string_view cache) -> pair& {
  if (pair* const known = find_after(pairs_.load(std::memory_order_acquire), tier, cache))
    return *known;
  const std::lock_guard held(mutex_);
  pair* const first = pairs_.load(std::memory_order_acquire);
  if (pair* const known = find_after(first, tier, cache)) return *known;
  if (count_ == pairs_max) {
    if (!others_) others_ = std::make_unique<pair>(registry_, "other", "other");
    return *others_;
  }
  ++count_;
  auto made = std::make_unique<pair>(registry_, tier, cache);
  made->next = first;
  pairs_.store(made.get(), std::memory_order_release);
  return *made.release();
}

void prometheus_events::update(std::string_view cache, const statistics& counted) {
  const auto total = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    registry_.make_counter(name, help, {{"cache", cache}}).raise_to(value);
  };
  const auto level = [&](std::string_view name, std::string_view help, std::size_t value) {
    registry_.make_gauge(name, help, {{"cache", cache}}).set(static_cast<std::int64_t>(value));
  };
  total("lodestar_swr_cache_hits_total", "Fresh entries served from memory.", counted.hits);
  total("lodestar_swr_cache_stale_hits_total", "Stale entries served from memory.",
        counted.stale_hits);
  total("lodestar_swr_cache_misses_total", "Calls that found no entry in memory to serve.",
        counted.misses);
  total("lodestar_swr_cache_tier_hits_total", "Misses that a tier answered.", counted.tier_hits);
  total("lodestar_swr_cache_loads_total", "Loaders called.", counted.loads);
  total("lodestar_swr_cache_load_errors_total", "Loads that ended in an error.",
        counted.load_errors);
  total("lodestar_swr_cache_coalesced_total", "Calls that joined a computation under way.",
        counted.coalesced);
  total("lodestar_swr_cache_fail_safe_total", "Answers with an expired entry because of a failure.",
        counted.fail_safe);
  total("lodestar_swr_cache_timeouts_total",
        "Callers who were answered before their computation ended.", counted.timeouts);
  total("lodestar_swr_cache_eager_refreshes_total", "Revalidations of entries still fresh.",
        counted.eager_refreshes);
  total("lodestar_swr_cache_superseded_total",
        "Results not kept because something newer came meanwhile.", counted.superseded);
  total("lodestar_swr_cache_evictions_total", "Entries dropped to keep the bound.",
        counted.evictions);
  total("lodestar_swr_cache_refusals_total", "Results heavier than the bound.", counted.refusals);
  level("lodestar_swr_cache_entries", "Entries in memory.", counted.entries);
  level("lodestar_swr_cache_weight", "Weight of the entries in memory.", counted.weight);
}

void prometheus_events::update(const tier_statistics& counted) {
  const auto total = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    registry_.make_counter(name, help, {{"tier", counted.name}}).raise_to(value);
  };
  const auto level = [&](std::string_view name, std::string_view help, std::size_t value) {
    registry_.make_gauge(name, help, {{"tier", counted.name}})
        .set(static_cast<std::int64_t>(value));
  };
  total("lodestar_swr_tier_faults_total", "What a tier gave back that is no entry of the key.",
        counted.faults);
  total("lodestar_swr_tier_refused_reads_total",
        "Reads that the breaker kept from a tier that fails.", counted.refused_reads);
  total("lodestar_swr_tier_given_up_total", "Writes that were too many to wait for a tier.",
        counted.given_up);
  level("lodestar_swr_tier_pending_writes", "Writes that a tier has yet to take.",
        counted.pending_writes);
  level("lodestar_swr_tier_pending_bytes", "Bytes of the writes that a tier has yet to take.",
        counted.pending_bytes);
  level("lodestar_swr_tier_breaker_open", "1 while a tier is not asked because it fails.",
        counted.breaker_is_open ? 1 : 0);
}

}  // namespace lodestar::swr
