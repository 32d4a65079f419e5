// Counts and times what happens at the memory of caches and at their tiers, in metrics.
//
//   metrics_registry metrics;
//   prometheus_events events(metrics);
//   const auto below = tiers::make({.tiers = …, .events = &events});
//   cache<std::string, user> users({.name = "users", .below = below, .events = &events});
//   …
//   events.update("users", users.stats());                                   // before
//   for (const tier_statistics& each : below->stats()) events.update(each);  // each
//   answer(metrics.expose());                                                // scrape
//
// The labels are the names of caches and of tiers, never keys. After pairs_max pairs of the two,
// all further ones are counted together, as tier and cache "other".
//
//   lodestar_swr_reads_total{tier,cache,outcome}     fresh, stale, miss, error
//   lodestar_swr_read_seconds{tier,cache}            and write_, removal_: from 0.1 µs to 3.4 s
//   lodestar_swr_writes_total{tier,cache,outcome}    done, error
//   lodestar_swr_removals_total{tier,cache,outcome}  calls; removed_keys_total: keys
//   lodestar_swr_cache_…{cache}, lodestar_swr_tier_…{tier}  what update() has taken over
//
// Listening to the memory of a cache costs two more looks at the clock for each call of it, and
// counters that all threads write to; what a cache counts for itself costs neither: for hit ratios
// alone, give `events` to the tiers only and call update().
//
// Two tiers whose stores have the same name share their series; so do two caches.
//
// Thread-safety: all members from any thread; events take no lock, except for the first one of a
// pair and those counted as "other". Lifetimes: the registry must outlive it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>

#include <lodestar/base/metrics.hpp>
#include <lodestar/swr/events.hpp>
#include <lodestar/swr/tiers.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr {

class prometheus_events final : public event_sink {
 public:
  static constexpr std::size_t pairs_max = 256;

  explicit prometheus_events(metrics_registry& registry);
  ~prometheus_events() override;
  prometheus_events(const prometheus_events&) = delete;
  prometheus_events& operator=(const prometheus_events&) = delete;

  void read(const read_event& event) override;
  void written(const write_event& event) override;
  void removed(const remove_event& event) override;

  void update(std::string_view cache, const statistics& counted);
  void update(const tier_statistics& counted);

 private:
  struct pair;
  [[nodiscard]] pair& find(std::string_view tier, std::string_view cache);
  [[nodiscard]] static pair* find_after(pair* first, std::string_view tier,
                                        std::string_view cache) noexcept;

  metrics_registry& registry_;
  // A list that only grows at its head, so that it is read without a lock: pairs are few.
  std::atomic<pair*> pairs_{nullptr};
  std::mutex mutex_;  // to make a pair
  std::size_t count_ = 0;
  std::unique_ptr<pair> others_;
};

}  // namespace lodestar::swr
