#include "reader_pool.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include <lodestar/base/assert.hpp>

#include "reader.hpp"

namespace lodestar::sqlite_log {
namespace {

constexpr std::chrono::seconds wait_max{10};

}  // namespace

reader_pool::reader_pool(const settings& how) : how_(how) {
  LODESTAR_ASSERT(how.user.readers_max > 0, "a log without readers could not be read");
}

reader_pool::~reader_pool() {
  LODESTAR_ASSERT(idle_.size() == open_, "no read outlives the log");
}

result<log::read_page> reader_pool::read(const log::read_filter& filter, log::position last) {
  if (!filter.aggregate_id.empty() && filter.aggregate_type.empty()) {
    return fail(error_code::invalid_argument, "an aggregate id needs its aggregate type",
                "aggregate_id", "name the aggregate type too");
  }
  if (filter.events_max == 0) return log::read_page{{}, filter.after, filter.after >= last};
  auto borrowed = borrow();
  if (!borrowed) return std::unexpected(borrowed.error());
  auto answer = (*borrowed)->read(filter, last);
  // A connection that met an error is replaced: it may hold a damaged page in its cache.
  give_back(answer ? std::move(*borrowed) : nullptr);
  return answer;
}

result<log::version> reader_pool::stream_version(const std::string& aggregate_type,
                                                 const std::string& aggregate_id) {
  auto borrowed = borrow();
  if (!borrowed) return std::unexpected(borrowed.error());
  auto answer = (*borrowed)->stream_version(aggregate_type, aggregate_id);
  give_back(answer ? std::move(*borrowed) : nullptr);
  return answer;
}

result<std::unique_ptr<reader>> reader_pool::borrow() {
  {
    std::unique_lock lock(mutex_);
    const auto available = [this] { return !idle_.empty() || open_ < how_.user.readers_max; };
    if (!returned_.wait_for(lock, wait_max, available)) {
      return fail(error_code::unavailable,
                  fmt::format("all {} readers of the event log are busy", how_.user.readers_max),
                  {}, "raise the number of readers");
    }
    if (!idle_.empty()) {
      auto taken = std::move(idle_.back());
      idle_.pop_back();
      return taken;
    }
    ++open_;
  }
  auto opened = reader::open(how_);
  if (!opened) give_back(nullptr);
  return opened;
}

// Null: the reader is gone and its place is free.
void reader_pool::give_back(std::unique_ptr<reader> used) {
  {
    const std::lock_guard lock(mutex_);
    if (used) {
      idle_.push_back(std::move(used));
    } else {
      --open_;
    }
  }
  returned_.notify_one();
}

}  // namespace lodestar::sqlite_log
