// When a tag was removed last, so that removing all entries of a tag is one store to one number: an
// entry counts as removed when its own stamp is not later than that of one of its tags.
//
// There are at most `marks_max` marks, and a few more while entries hold them. What is forgotten
// raises the floor from which new marks start, so that forgetting removes too much and never too
// little.
//
// Thread-safety: all members from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <lodestar/swr/detail/text_hash.hpp>

namespace lodestar::swr {

class tag_mark {
 public:
  explicit tag_mark(std::uint64_t removed_at) noexcept : removed_at_(removed_at) {}
  /// The time of a write_stamp (write_clock.hpp); entries up to it are gone.
  [[nodiscard]] std::uint64_t removed_at() const noexcept {
    return removed_at_.load(std::memory_order_acquire);
  }
  void raise(std::uint64_t to) noexcept {
    std::uint64_t before = removed_at_.load(std::memory_order_relaxed);
    while (before < to &&
           !removed_at_.compare_exchange_weak(before, to, std::memory_order_acq_rel)) {
    }
  }
  /// When the tiers were asked about it, or said so, in nanoseconds of the steady clock; 0: never.
  [[nodiscard]] std::int64_t checked_ns() const noexcept {
    return checked_ns_.load(std::memory_order_acquire);
  }
  void set_checked(std::int64_t when_ns) noexcept {
    checked_ns_.store(when_ns, std::memory_order_release);
  }

 private:
  std::atomic<std::uint64_t> removed_at_;
  std::atomic<std::int64_t> checked_ns_{0};
};

using tag_mark_pointer = std::shared_ptr<tag_mark>;

class tag_marks {
 public:
  explicit tag_marks(std::size_t marks_max = 100'000) : marks_max_(marks_max) {}

  /// The mark of the tag, made when there is none.
  [[nodiscard]] tag_mark_pointer find(std::string_view tag);

 private:
  void forget_unused();

  const std::size_t marks_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, tag_mark_pointer, detail::text_hash, std::equal_to<>> marks_;
  std::size_t forget_at_ = marks_max_;
  std::uint64_t floor_ = 0;
};

}  // namespace lodestar::swr
