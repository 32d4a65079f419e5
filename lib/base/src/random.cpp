#include <lodestar/base/assert.hpp>
#include <lodestar/base/random.hpp>

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <utility>

#include "immortal.hpp"

namespace lodestar {
namespace {

/// 256 bytes of the kernel's generator, handed out once each.
class random_block {
 public:
  [[nodiscard]] std::uint64_t take() {
    if (used_ == values_.size()) refill();
    return std::exchange(values_[used_++], 0);
  }

 private:
  void refill() {
    ssize_t got = -1;
    do {
      got = getrandom(values_.data(), sizeof values_, 0);
    } while (got < 0 && errno == EINTR);
    LODESTAR_ASSERT(got == static_cast<ssize_t>(sizeof values_),
                    "getrandom delivers up to 256 bytes whole");
    used_ = 0;
  }

  std::array<std::uint64_t, 32> values_{};
  std::size_t used_ = values_.size();
};

class kernel_random final : public random_source {
 public:
  [[nodiscard]] std::uint64_t next() override {
    // Of its own for each thread: without a lock, and without a system call for each number.
    static thread_local random_block block;
    return block.take();
  }
};

}  // namespace

random_source& system_random() noexcept {
  static immortal<kernel_random> instance;
  return instance.value();
}

std::string make_uuid_v7(const clock& time, random_source& random) {
  constexpr char digits[] = "0123456789abcdef";
  constexpr std::uint64_t version = 0x7;
  constexpr std::uint64_t variant = 0b10;
  const auto now_ms = static_cast<std::uint64_t>(time.wall_us() / 1000) & 0xFFFF'FFFF'FFFFU;
  const std::uint64_t high = (now_ms << 16) | (version << 12) | (random.next() & 0xFFFU);
  const std::uint64_t low = (variant << 62) | (random.next() >> 2);
  std::string text;
  text.reserve(36);
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text += '-';
    const std::uint64_t half = nibble < 16 ? high : low;
    text += digits[(half >> (60 - 4 * (nibble % 16))) & 0xFU];
  }
  return text;
}

}  // namespace lodestar
