#include "write_queue.hpp"

#include <algorithm>
#include <utility>

namespace lodestar::lmdb_tier {

std::size_t write::size() const noexcept {
  return sizeof(write) + key.size() + removed.size() * sizeof(hash128) + bytes.size();
}

bool write_queue::push(write& next) {
  bool was_empty = false;
  {
    const std::lock_guard held(mutex_);
    const bool full = waiting_ >= writes_max || (bytes_ != 0 && bytes_ + next.size() > bytes_max_);
    if (closed_ || full) return false;
    was_empty = waiting_++ == 0;
    note(next, first_arriving_ + arriving_.size());
    bytes_ += next.size();
    count_.fetch_add(1, std::memory_order_release);
    arriving_.push_back(std::move(next));
  }
  if (was_empty) arrived_.notify_one();
  return true;
}

void write_queue::note(const write& next, std::uint64_t number) {
  if (next.what == write::kind::clear) {
    newest_.clear();
    ++clears_;
  }
  for (const hash128& name : next.names()) newest_.insert_or_assign(name, number);
}

const write& write_queue::at(std::uint64_t number) const noexcept {
  return number >= first_arriving_ ? arriving_[number - first_arriving_]
                                   : leaving_[number - first_leaving_];
}

std::optional<write_queue::seen> write_queue::find(std::string_view key,
                                                   const hash128& name) const {
  if (count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::lock_guard held(mutex_);
  const auto place = newest_.find(name);
  if (place == newest_.end()) return clears_ != 0 ? std::optional(seen{}) : std::nullopt;
  const write& last = at(place->second);
  // Another key of the same name takes its place in the table, too.
  if (last.what != write::kind::set || last.key != key) return seen{};
  return seen{last.bytes, last.keep_until_ms};
}

std::span<write> write_queue::take(std::size_t writes_wanted, std::size_t bytes_wanted) {
  // In newest_ there is none of these any more.
  if (batch_end_ == leaving_.size()) {
    leaving_.clear();
    batch_end_ = 0;
  }
  std::unique_lock held(mutex_);
  arrived_.wait(held, [this] { return closed_ || waiting_ != 0; });
  if (leaving_.empty()) {
    leaving_.swap(arriving_);
    first_leaving_ = std::exchange(first_arriving_, first_arriving_ + leaving_.size());
  }
  std::size_t bytes = 0;
  for (batch_begin_ = batch_end_; batch_end_ < leaving_.size() && bytes < bytes_wanted &&
                                  batch_end_ - batch_begin_ < writes_wanted;
       ++batch_end_) {
    bytes += leaving_[batch_end_].size();
  }
  waiting_ -= batch_end_ - batch_begin_;
  bytes_ -= bytes;
  return std::span(leaving_).subspan(batch_begin_, batch_end_ - batch_begin_);
}

void write_queue::forget() {
  // In steps, for those who want to read meanwhile.
  constexpr std::size_t step_writes = 256;
  for (std::size_t begin = batch_begin_; begin < batch_end_; begin += step_writes) {
    const std::lock_guard held(mutex_);
    forget(begin, std::min(begin + step_writes, batch_end_));
  }
  count_.fetch_sub(batch_end_ - batch_begin_, std::memory_order_release);
}

void write_queue::forget(std::size_t begin, std::size_t end) {
  for (std::size_t index = begin; index < end; ++index) {
    if (leaving_[index].what == write::kind::clear) --clears_;
    for (const hash128& name : leaving_[index].names()) {
      const auto place = newest_.find(name);
      if (place != newest_.end() && place->second == first_leaving_ + index) newest_.erase(place);
    }
  }
}

void write_queue::close() {
  {
    const std::lock_guard held(mutex_);
    closed_ = true;
  }
  arrived_.notify_all();
}

}  // namespace lodestar::lmdb_tier
