// A command on its way, and the memory that is reserved for it.
//
// Thread-safety: a memory_bound from any thread; the others are values.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>

#include "reply.hpp"

namespace lodestar::redis_tier {

/// Bytes that calls may take until they are answered; one call is taken however large it is.
class memory_bound {
 public:
  explicit memory_bound(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  class reservation {
   public:
    reservation() = default;
    reservation(memory_bound& of, std::size_t bytes) noexcept : of_(&of), bytes_(bytes) {}
    reservation(reservation&& from) noexcept
        : of_(std::exchange(from.of_, nullptr)), bytes_(from.bytes_) {}
    reservation& operator=(reservation&& from) noexcept {
      std::swap(of_, from.of_);
      std::swap(bytes_, from.bytes_);
      return *this;
    }
    ~reservation() {
      if (of_ != nullptr) of_->used_.fetch_sub(bytes_, std::memory_order_relaxed);
    }

   private:
    memory_bound* of_ = nullptr;
    std::size_t bytes_ = 0;
  };

  [[nodiscard]] std::optional<reservation> reserve(std::size_t bytes) noexcept {
    const std::size_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
    reservation made(*this, bytes);
    if (before != 0 && bytes > bytes_max_ - std::min(before, bytes_max_)) return std::nullopt;
    return made;
  }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> used_ = 0;
};

struct command {
  using answered = std::move_only_function<void(result<reply>)>;

  /// What one takes beside its bytes, at least: with the bound it bounds how many there are.
  static constexpr std::size_t overhead_bytes = 256;

  std::string wire;  ///< As format_command() makes it.
  steady_time deadline;
  /// Called once, on the loop's thread. A reply that is an error is an error here; only MOVED and
  /// ASK are given as they came.
  answered done;
  std::uint32_t route = 0;  ///< As the router gave it for the key.
  memory_bound::reservation memory = {};
  std::shared_ptr<const void> owner = {};  ///< Whose memory it is that is reserved, otherwise.
};

}  // namespace lodestar::redis_tier
