#include "write_queue.hpp"

#include <utility>

namespace lodestar::lmdb_tier {

std::size_t write::size() const noexcept {
  std::size_t total = sizeof(write) + bytes.size();
  for (const std::string& key : keys) total += key.size() + sizeof(key);
  return total;
}

bool write_queue::push(write& next) {
  {
    const std::lock_guard held(mutex_);
    const bool full =
        queue_.size() >= writes_max || (bytes_ != 0 && bytes_ + next.size() > bytes_max_);
    if (closed_ || full) return false;
    next.number = ++numbers_;
    note(next);
    bytes_ += next.size();
    count_.fetch_add(1, std::memory_order_release);
    queue_.push_back(std::move(next));
  }
  arrived_.notify_one();
  return true;
}

void write_queue::note(const write& next) {
  if (next.what == write::kind::clear) {
    newest_.clear();
    ++clears_;
  }
  for (const std::string& key : next.keys) {
    const bool sets = next.what == write::kind::set;
    newest_.insert_or_assign(
        key, waiting{{sets ? std::optional(next.bytes) : std::nullopt, next.keep_until_ms},
                     next.number});
  }
}

std::optional<write_queue::seen> write_queue::find(std::string_view key) const {
  if (count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::lock_guard held(mutex_);
  const auto place = newest_.find(key);
  if (place != newest_.end()) return place->second.what;
  return clears_ != 0 ? std::optional(seen{}) : std::nullopt;
}

std::vector<write> write_queue::take(std::size_t writes_wanted, std::size_t bytes_wanted) {
  std::vector<write> taken;
  std::unique_lock held(mutex_);
  arrived_.wait(held, [this] { return closed_ || !queue_.empty(); });
  for (std::size_t bytes = 0;
       !queue_.empty() && bytes < bytes_wanted && taken.size() < writes_wanted;) {
    bytes += queue_.front().size();
    bytes_ -= queue_.front().size();
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return taken;
}

void write_queue::forget(const std::vector<write>& taken) {
  {
    const std::lock_guard held(mutex_);
    for (const write& each : taken) {
      if (each.what == write::kind::clear) --clears_;
      for (const std::string& key : each.keys) {
        const auto place = newest_.find(key);
        if (place != newest_.end() && place->second.number == each.number) newest_.erase(place);
      }
    }
  }
  count_.fetch_sub(taken.size(), std::memory_order_release);
}

void write_queue::close() {
  {
    const std::lock_guard held(mutex_);
    closed_ = true;
  }
  arrived_.notify_all();
}

}  // namespace lodestar::lmdb_tier
