#include "position_waiters.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lodestar::analytics {

void position_waiters::add(std::int64_t position, steady_time due, handler done) {
  std::optional<error> refused;
  {
    // Under the lock: advance() takes it after `applied` is stored, so a waiter added here is seen
    // there or sees it here.
    const std::lock_guard lock(mutex_);
    if (tick_.applied.load(std::memory_order_acquire) < position) {
      refused = refusal();
      if (!refused) {
        auto added = std::make_shared<waiter>(std::move(done), timer::ticket{});
        waiting_.emplace(position, added);
        added->deadline =
            timer_.schedule(due, [this, position, added] { expire(position, added); });
        return;
      }
    }
  }
  if (refused) return done(std::unexpected(std::move(*refused)));
  done(tick_.applied.load(std::memory_order_acquire));
}

std::optional<error> position_waiters::refusal() const {
  if (closed_ || waiting_.size() < waiting_max_) return closed_;
  return error{error_code::unavailable,
               fmt::format("{} are waiting for a position already", waiting_.size()),
               {},
               "try again later"};
}

void position_waiters::advance(std::int64_t applied) {
  std::vector<std::shared_ptr<waiter>> reached;
  {
    const std::lock_guard lock(mutex_);
    const auto end = waiting_.upper_bound(applied);
    for (auto at = waiting_.begin(); at != end; ++at) reached.push_back(std::move(at->second));
    waiting_.erase(waiting_.begin(), end);
  }
  for (const auto& waiting : reached) {
    timer_.cancel(waiting->deadline);
    waiting->done(applied);
  }
}

void position_waiters::close(const error& reason) {
  waiters refused;
  {
    const std::lock_guard lock(mutex_);
    closed_ = reason;
    refused.swap(waiting_);
  }
  for (const auto& [position, waiting] : refused) {
    timer_.cancel(waiting->deadline);
    waiting->done(std::unexpected(reason));
  }
}

bool position_waiters::take(std::int64_t position, const std::shared_ptr<waiter>& wanted) {
  const std::lock_guard lock(mutex_);
  auto [at, end] = waiting_.equal_range(position);
  while (at != end && at->second != wanted) ++at;
  if (at == end) return false;
  waiting_.erase(at);
  return true;
}

void position_waiters::expire(std::int64_t position, const std::shared_ptr<waiter>& late) {
  if (!take(position, late)) return;
  const auto applied = tick_.applied.load(std::memory_order_acquire);
  late->done(fail(
      error_code::deadline_exceeded,
      fmt::format("position {} was not reached in time, the tables are at {}", position, applied)));
}

}  // namespace lodestar::analytics
