#include "swr/stacks.hpp"

#include <fmt/format.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

#include <lodestar/lmdb_tier/lmdb_tier.hpp>
#include <lodestar/redis_tier/redis_tier.hpp>
#include <lodestar/swr/map_store.hpp>
#include <lodestar/swr/memory_store.hpp>

#include "support/report.hpp"

namespace lodestar::bench {
namespace {

steady_time soon() {
  return system_clock().now() + std::chrono::seconds(5);
}

/// Also when somebody else's server is used, others' keys are left alone.
std::string new_prefix() {
  return fmt::format("lodestar-bench:{:016x}:", system_random().next());
}

void wait_for_answer(swr::store& asked) {
  std::promise<bool> answer;
  auto came = answer.get_future();
  asked.get("not there", soon(), [&](const auto& bytes) { answer.set_value(bytes.has_value()); });
  if (!came.get()) throw std::runtime_error("Redis does not answer");
}

}  // namespace

std::vector<stack_plan> all_stacks() {
  using enum stack_plan::first_tier;
  return {{.name = "map+Redis", .first = map, .redis = true},
          {.name = "memory_store", .first = memory},
          {.name = "cache+Redis", .redis = true},
          {.name = "cache+LMDB", .lmdb = true},
          {.name = "cache+LMDB+Redis", .lmdb = true, .redis = true},
          {.name = "memory alone"}};
}

stack::stack(stack_plan plan, const std::string& redis_url) : plan_(std::move(plan)) {
  std::vector<swr::tier_options> tiers;
  const auto add = [&](std::shared_ptr<swr::store> below, bool shared) {
    // A slow moment of the machine must not turn into loads that are not the cache's.
    tiers.push_back({.below = std::move(below), .shared = shared, .read_timeout_ms = 5'000});
  };
  using enum stack_plan::first_tier;
  if (plan_.first != none) how_.skip_read = how_.skip_write = swr::tier_set::memory();
  if (plan_.first == map)
    add(std::make_shared<swr::map_store>(swr::map_store_options{}, system_clock()), false);
  if (plan_.first == memory)
    add(std::make_shared<swr::memory_store>(swr::memory_store_options{.bytes_max = 64U << 20}), false);
  if (plan_.lmdb) add(open_lmdb(), false);
  if (plan_.redis) {
    redis_ = open_redis(redis_url);
    add(redis_, true);
  }
  if (!tiers.empty()) below_ = swr::tiers::make({.tiers = std::move(tiers)});
}

stack::~stack() {
  if (!redis_) return;
  std::promise<void> answer;
  auto cleared = answer.get_future();
  redis_->clear(soon(), [&](const auto&) { answer.set_value(); });
  cleared.wait();
}

std::shared_ptr<swr::store> stack::open_lmdb() const {
  auto opened = lmdb_tier::open({.file = folder_.path() / "cache.lmdb"});
  if (!opened) throw std::runtime_error(opened.error().describe());
  return std::move(opened->store);
}

std::shared_ptr<swr::store> stack::open_redis(const std::string& url) const {
  auto opened = redis_tier::open({.url = url, .key_prefix = new_prefix()});
  if (!opened) throw std::runtime_error(opened.error().describe());
  std::shared_ptr<swr::store> made = *std::move(opened);
  wait_for_answer(*made);
  return made;
}

std::unique_ptr<user_cache> stack::make_cache() {
  return std::make_unique<user_cache>(
      user_cache::options_type{.name = fmt::format("users{}", ++caches_),
                               .weight_max = 20'000,
                               .keep = {.fresh_ms = 3'600'000, .stale_ms = 300'000},
                               .below = below_});
}

void stack::settle() const {
  const stopwatch waited;
  while (below_ && !below_->is_settled()) {
    if (waited.seconds() > 60) throw std::runtime_error("the tiers do not take what is written");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace lodestar::bench
