#include "result_tiers.hpp"

#include <filesystem>
#include <utility>
#include <vector>

#include <lodestar/base/logging.hpp>
#include <lodestar/lmdb_tier/lmdb_tier.hpp>
#include <lodestar/redis_tier/redis_tier.hpp>

namespace lodestar::app {
namespace {

/// A result that changes with every event is written so often and no oftener.
constexpr std::int64_t write_delay_ms = 2'000;

void add_file(std::vector<swr::tier_options>& tiers, const settings& values, clock& time) {
  if (values.cache_file_mib_max == 0) return;
  auto opened =
      lmdb_tier::open({.file = std::filesystem::path(values.data_folder) / "results.lmdb",
                       .bytes_max = static_cast<std::size_t>(values.cache_file_mib_max) << 20,
                       .time = &time});
  if (!opened) {
    log_warning("results", "results will not outlive this process: " + opened.error().message,
                {{"place", opened.error().place}, {"hint", opened.error().hint}});
    return;
  }
  if (opened->set_aside) {
    log_warning("results", opened->set_aside->message, {{"place", opened->set_aside->place}});
  }
  tiers.push_back({.below = std::move(opened->store), .write_delay_ms = write_delay_ms});
}

result<void> add_redis(std::vector<swr::tier_options>& tiers, const settings& values, clock& time) {
  if (values.cache_redis_url.empty()) return {};
  auto opened = redis_tier::open(
      {.url = values.cache_redis_url, .key_prefix = values.cache_redis_key_prefix, .time = &time});
  if (!opened) {
    opened.error().message = "cache.redis_url or cache.redis_key_prefix: " + opened.error().message;
    return std::unexpected(std::move(opened.error()));
  }
  tiers.push_back({.below = *std::move(opened), .write_delay_ms = write_delay_ms});
  return {};
}

}  // namespace

result<std::unique_ptr<result_tiers>> result_tiers::open(const settings& values, clock& time,
                                                         metrics_registry& metrics) {
  std::vector<swr::tier_options> tiers;
  add_file(tiers, values, time);
  if (auto added = add_redis(tiers, values, time); !added)
    return std::unexpected(std::move(added.error()));
  std::unique_ptr<result_tiers> made(new result_tiers(metrics));
  if (!tiers.empty()) {
    made->below_ =
        swr::tiers::make({.tiers = std::move(tiers), .time = &time, .events = &made->metrics_});
  }
  return made;
}

// A server may answer later than that.
result_tiers::~result_tiers() {
  if (below_) below_->stop_events();
}

void result_tiers::update_metrics() {
  if (!below_) return;
  for (const swr::tier_statistics& each : below_->stats()) metrics_.update(each);
}

void result_tiers::flush() {
  if (below_) below_->flush();
}

}  // namespace lodestar::app
