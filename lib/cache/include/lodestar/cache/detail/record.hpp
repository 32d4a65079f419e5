// One entry as threads share it: a version, the time it expires, a counter of uses, the generation
// of its value (invalidations.hpp), and its content in words.
//
// The version is a sequence lock with a life: bit 0 somebody writes, bit 1 alive, above them a
// counter that moves with every birth, death and, when the value has more than one word, every
// change of the value. Readers copy the words and look at the version before and after; key words
// change only while the record is dead. A value of one word is simply stored: its readers do not
// wait for anybody.
//
// Writers of a living record take bit 0 for a few instructions. Birth and death are the business of
// the one thread that holds the cache's lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/atomics.hpp>
#include <lodestar/base/inline.hpp>
#include <lodestar/cache/detail/numbers.hpp>
#include <lodestar/cache/detail/wait.hpp>

namespace lodestar::cache::detail {

/// Microseconds since the cache began, in 48 bits.
using ticks = std::uint64_t;
inline constexpr ticks ticks_never = (ticks{1} << 48U) - 1;

/// The content of a record, word by word: first the key's, then the value's.
template <unsigned KeyWords, unsigned ValueWords>
struct content_words {
  std::uint64_t key[KeyWords == 0 ? 1 : KeyWords];
  std::uint64_t value[ValueWords];
};

/// Whether the values are the same bits.
template <unsigned KeyWords, unsigned ValueWords>
[[nodiscard]] bool same_value(const content_words<KeyWords, ValueWords>& one,
                              const content_words<KeyWords, ValueWords>& other) noexcept {
  return std::equal(std::begin(one.value), std::end(one.value), std::begin(other.value));
}

/// The same of the keys.
template <unsigned KeyWords, unsigned ValueWords>
[[nodiscard]] bool same_key(const content_words<KeyWords, ValueWords>& one,
                            const content_words<KeyWords, ValueWords>& other) noexcept {
  return std::equal(std::begin(one.key), std::end(one.key), std::begin(other.key));
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics = std_atomics>
class record {
 public:
  using words = content_words<KeyWords, ValueWords>;
  static constexpr bool value_is_one_word = ValueWords == 1;

  struct reading {
    std::uint32_t version;  ///< Without bit 0.
    ticks expires;
    words content;
  };

  /// What the record holds now; false when it is dead. Waits while a value of several words is
  /// being written. `timed`: whether anything expires here.
  [[nodiscard]] bool read(reading& into, bool timed) const noexcept;
  /// The same in one look: unclear when somebody changed it meanwhile.
  enum class sight : std::uint8_t { alive, dead, unclear };
  [[nodiscard]] sight read_at_once(reading& into, bool timed) const noexcept;
  /// True while nothing but the uses (and a value of one word) has changed since.
  [[nodiscard]] bool is_still(const reading& seen) const noexcept {
    return (version_.load(std::memory_order_acquire) & ~1U) == seen.version;
  }

  /// Takes bit 0 of a living record that is as it was read; false when it is not.
  [[nodiscard]] bool try_lock(const reading& seen) noexcept;
  void unlock(const reading& seen) noexcept {
    version_.store(value_is_one_word ? seen.version : seen.version + 4U, std::memory_order_release);
  }
  /// When the value was not changed.
  void unlock_unchanged(const reading& seen) noexcept {
    version_.store(seen.version, std::memory_order_release);
  }
  // While locked:
  void set_value(const words& content, std::uint8_t generation) noexcept;
  void set_expires(ticks expires) noexcept;
  [[nodiscard]] words content() const noexcept;
  [[nodiscard]] ticks expires() const noexcept;

  /// Of a value that is still there or has been replaced since; never newer than the value that a
  /// read() after it finds.
  [[nodiscard]] std::uint8_t generation() const noexcept {
    return generation_.load(std::memory_order_acquire);
  }
  /// While locked, for a value that stays.
  void set_generation(std::uint8_t generation) noexcept {
    generation_.store(generation, std::memory_order_release);
  }
  /// What it holds when no writer is at it, with its generation; false when it is dead. Whoever
  /// locks it later sees what this thread has seen before.
  [[nodiscard]] bool read_between_writers(reading& into, std::uint8_t& generation) noexcept;

  /// Under the cache's lock. The record is dead and in nobody's index.
  void bear(const words& content, ticks expires, std::uint8_t generation) noexcept;
  // Under the cache's lock; they wait for a writer, and return what the record held. They do it
  // only when condition(const words&, ticks expires) holds then, and else return nothing.
  template <class Condition>
  std::optional<words> bury_if(Condition&& condition) noexcept;
  template <class Condition>
  std::optional<words> exchange_if(const words& content_now, ticks expires_now,
                                   std::uint8_t generation_now, Condition&& condition) noexcept;
  [[nodiscard]] bool alive() const noexcept {
    return (version_.load(std::memory_order_acquire) & 2U) != 0;
  }

  /// Counts a use, up to `most`; two at the same time may count as one.
  void use(std::uint8_t most) noexcept {
    const std::uint8_t now = uses_.load(std::memory_order_relaxed);
    if (now < most) uses_.store(static_cast<std::uint8_t>(now + 1), std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint8_t uses() const noexcept { return uses_.load(std::memory_order_relaxed); }
  void set_uses(std::uint8_t count) noexcept { uses_.store(count, std::memory_order_relaxed); }

  // Under the cache's lock: the policy's region and the timer wheel's link.
  [[nodiscard]] std::uint8_t region() const noexcept {
    return static_cast<std::uint8_t>(region_and_timer_next_ >> number_bits);
  }
  void set_region(std::uint8_t region) noexcept {
    region_and_timer_next_ = std::uint32_t{region} << number_bits | timer_bits();
  }
  [[nodiscard]] std::uint32_t timer_next() const noexcept {
    return timer_bits() == no_timer ? no_number : timer_bits();
  }
  void set_timer_next(std::uint32_t number) noexcept {
    region_and_timer_next_ = std::uint32_t{region()} << number_bits | (number & no_timer);
  }

 private:
  template <class T>
  using atomic = typename Atomics::template atomic<T>;

  /// no_number in so many bits.
  static constexpr std::uint32_t no_timer = (std::uint32_t{1} << number_bits) - 1;
  [[nodiscard]] std::uint32_t timer_bits() const noexcept {
    return region_and_timer_next_ & no_timer;
  }

  /// Takes bit 0 of a living record; returns the version without it. Nothing when it is dead.
  [[nodiscard]] std::optional<std::uint32_t> lock() noexcept;
  void store_key(const words& content) noexcept;

  // 16 bytes before the words.
  atomic<std::uint32_t> version_{0};
  atomic<std::uint32_t> expires_low_{0};
  atomic<std::uint16_t> expires_high_{0};
  atomic<std::uint8_t> uses_{0};
  atomic<std::uint8_t> generation_{0};
  std::uint32_t region_and_timer_next_ = no_timer;
  atomic<std::uint64_t> words_[KeyWords + ValueWords]{};
};

// ---------------------------------------------------------------------------------------------------------------------

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
LODESTAR_ALWAYS_INLINE inline auto record<KeyWords, ValueWords, Atomics>::read_at_once(
    reading& into, bool timed) const noexcept -> sight {
  const std::uint32_t version = version_.load(std::memory_order_acquire);
  if ((version & 2U) == 0) return sight::dead;
  if (!value_is_one_word && (version & 1U) != 0) return sight::unclear;
  into.version = version & ~1U;
  into.expires = timed ? expires() : ticks_never;
  into.content = content();
  // A writer that came meanwhile has perhaps changed some of the words.
  const std::uint32_t ignored = value_is_one_word ? 1U : 0U;
  const bool same = ((version_.load(std::memory_order_acquire) ^ version) & ~ignored) == 0;
  return same ? sight::alive : sight::unclear;
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
bool record<KeyWords, ValueWords, Atomics>::read(reading& into, bool timed) const noexcept {
  for (unsigned attempt = 0;; ++attempt) {
    const sight seen = read_at_once(into, timed);
    if (seen != sight::unclear) return seen == sight::alive;
    wait_briefly<Atomics>(attempt);
  }
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
bool record<KeyWords, ValueWords, Atomics>::try_lock(const reading& seen) noexcept {
  std::uint32_t expected = seen.version;
  return version_.compare_exchange_strong(expected, seen.version | 1U, std::memory_order_acquire,
                                          std::memory_order_relaxed);
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
void record<KeyWords, ValueWords, Atomics>::set_value(const words& content,
                                                      std::uint8_t generation) noexcept {
  for (unsigned index = 0; index < ValueWords; ++index)
    words_[KeyWords + index].store(content.value[index], std::memory_order_release);
  // After the value: see generation().
  generation_.store(generation, std::memory_order_release);
}

// Readers of a one-word value do not wait for the lock, so they may see any of the steps: each
// shows a time that is not later than both the old one and the new one.
template <unsigned KeyWords, unsigned ValueWords, class Atomics>
void record<KeyWords, ValueWords, Atomics>::set_expires(ticks expires) noexcept {
  const auto low = static_cast<std::uint32_t>(expires);
  const auto high = static_cast<std::uint16_t>(expires >> 32U);
  if (expires_high_.load(std::memory_order_relaxed) != high) {
    expires_low_.store(0, std::memory_order_release);
    expires_high_.store(high, std::memory_order_release);
  }
  expires_low_.store(low, std::memory_order_release);
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
ticks record<KeyWords, ValueWords, Atomics>::expires() const noexcept {
  for (;;) {
    const std::uint16_t high = expires_high_.load(std::memory_order_acquire);
    const std::uint32_t low = expires_low_.load(std::memory_order_acquire);
    if (expires_high_.load(std::memory_order_relaxed) == high) [[likely]]
      return ticks{high} << 32U | low;
  }
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
LODESTAR_ALWAYS_INLINE inline auto record<KeyWords, ValueWords, Atomics>::content() const noexcept
    -> words {
  words copy{};
  for (unsigned index = 0; index < KeyWords; ++index)
    copy.key[index] = words_[index].load(std::memory_order_acquire);
  for (unsigned index = 0; index < ValueWords; ++index)
    copy.value[index] = words_[KeyWords + index].load(std::memory_order_acquire);
  return copy;
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
void record<KeyWords, ValueWords, Atomics>::store_key(const words& content) noexcept {
  for (unsigned index = 0; index < KeyWords; ++index)
    words_[index].store(content.key[index], std::memory_order_release);
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
void record<KeyWords, ValueWords, Atomics>::bear(const words& content, ticks expires,
                                                 std::uint8_t generation) noexcept {
  const std::uint32_t version = version_.load(std::memory_order_relaxed);
  LODESTAR_ASSERT((version & 3U) == 0, "a record that is born was dead");
  store_key(content);
  set_value(content, generation);
  set_expires(expires);
  uses_.store(0, std::memory_order_relaxed);
  version_.store(version + 6U, std::memory_order_release);  // alive, and the counter moves
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
std::optional<std::uint32_t> record<KeyWords, ValueWords, Atomics>::lock() noexcept {
  for (unsigned attempt = 0;; ++attempt) {
    std::uint32_t version = version_.load(std::memory_order_acquire) & ~1U;
    if ((version & 2U) == 0) return std::nullopt;
    if (version_.compare_exchange_strong(version, version | 1U, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
      return version;
    }
    wait_briefly<Atomics>(attempt);
  }
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
bool record<KeyWords, ValueWords, Atomics>::read_between_writers(
    reading& into, std::uint8_t& generation_then) noexcept {
  const auto version = lock();
  if (!version) return false;
  into = {*version, expires(), content()};
  generation_then = generation();
  version_.store(*version, std::memory_order_release);
  return true;
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
template <class Condition>
auto record<KeyWords, ValueWords, Atomics>::bury_if(Condition&& condition) noexcept
    -> std::optional<words> {
  const auto version = lock();
  LODESTAR_ASSERT(version, "a record is alive until it is buried");
  const words held = content();
  const bool wanted = condition(held, expires());
  // Dead, and the counter moves.
  version_.store(wanted ? *version + 2U : *version, std::memory_order_release);
  return wanted ? std::optional(held) : std::nullopt;
}

template <unsigned KeyWords, unsigned ValueWords, class Atomics>
template <class Condition>
auto record<KeyWords, ValueWords, Atomics>::exchange_if(const words& content_now, ticks expires_now,
                                                        std::uint8_t generation_now,
                                                        Condition&& condition) noexcept
    -> std::optional<words> {
  const auto version = lock();
  LODESTAR_ASSERT(version, "a record is alive until it is buried");
  const words held = content();
  const bool wanted = condition(held, expires());
  if (wanted) {
    set_value(content_now, generation_now);
    set_expires(expires_now);
  }
  version_.store(wanted && !value_is_one_word ? *version + 4U : *version,
                 std::memory_order_release);
  return wanted ? std::optional(held) : std::nullopt;
}

}  // namespace lodestar::cache::detail
