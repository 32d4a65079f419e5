// What was invalidated while entries of it may still be there: whoever finds an entry asks here
// whether it counts.
//
// Invalidations are numbered. A value bears the number of the last one before it was written, its
// generation, of which a record keeps the lower 8 bits: an invalidation concerns the values of
// earlier generations than its number, all of them or those for which its condition holds. Once a
// sweep has removed what it concerns, and given the present generation to what stays, it is
// forgotten. So that 8 bits suffice, values are never more than generations_max behind: whoever
// would begin more invalidations than that sweeps first.
//
// Thread-safety: begin() and swept() under the cache's lock, forgotten() by a caller without any
// lock, everything else by any thread that is pinned. Lifetimes: rules stay while somebody is
// pinned who may have them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <lodestar/base/atomics.hpp>
#include <lodestar/base/inline.hpp>
#include <lodestar/base/measured_memory.hpp>
#include <lodestar/cache/detail/epoch.hpp>
#include <lodestar/cache/detail/limbo.hpp>
#include <lodestar/cache/detail/limits.hpp>

namespace lodestar::cache::detail {

template <class Condition, class Atomics = std_atomics>
class invalidations {
 public:
  using generation_number = std::uint32_t;

  /// What holds at one moment. Never changes.
  class rules {
   public:
    explicit rules(std::atomic<std::size_t>& bytes) : some_(allocator(bytes)), bytes_(bytes) {
      bytes_.fetch_add(sizeof(rules), std::memory_order_relaxed);
    }
    rules(const rules& other)
        : newest_(other.newest_),
          all_before_(other.all_before_),
          some_(other.some_),
          bytes_(other.bytes_) {
      bytes_.fetch_add(sizeof(rules), std::memory_order_relaxed);
    }
    rules& operator=(const rules&) = delete;
    ~rules() { bytes_.fetch_sub(sizeof(rules), std::memory_order_relaxed); }

    [[nodiscard]] generation_number newest() const noexcept { return newest_; }
    /// Whether none of them concerns the value.
    [[nodiscard]] bool are_older(generation_number of_value) const noexcept {
      return !is_before(of_value, newest_);
    }
    /// Whether nothing but the generation has to be looked at to see that the value is invalid.
    [[nodiscard]] bool concern_all(generation_number of_value) const noexcept {
      return is_before(of_value, all_before_);
    }
    /// holds(condition): whether the condition holds for the value.
    template <class Holds>
    [[nodiscard]] bool concern(generation_number of_value, Holds&& holds) const {
      return concern_all(of_value) || std::ranges::any_of(some_, [&](const auto& each) {
               return is_before(of_value, each->number) && holds(each->condition);
             });
    }

    rules* next = nullptr;  ///< Among those that wait for their readers.

   private:
    friend invalidations;
    struct conditional {
      generation_number number;
      Condition condition;
    };
    using allocator = counting_allocator<std::shared_ptr<const conditional>>;
    generation_number newest_ = 0;
    generation_number all_before_ = 0;
    std::vector<std::shared_ptr<const conditional>, allocator> some_;
    std::atomic<std::size_t>& bytes_;  // of all rules
  };

  explicit invalidations(epoch_domain<Atomics>& epochs) noexcept : past_(epochs) {}
  ~invalidations() { delete rules_.load(std::memory_order_relaxed); }
  invalidations(const invalidations&) = delete;
  invalidations& operator=(const invalidations&) = delete;

  /// Of a value that is written now.
  [[nodiscard]] generation_number generation() const noexcept {
    return generation_.load(std::memory_order_acquire);
  }
  /// Null when every entry counts. What is not null must be asked before an entry is believed that
  /// was looked up afterwards.
  [[nodiscard]] LODESTAR_ALWAYS_INLINE const rules* active() const noexcept {
    return rules_.load(std::memory_order_acquire);
  }
  /// The generation of a value whose record was asked for its lower bits before.
  [[nodiscard]] generation_number whole(std::uint8_t lower_bits) const noexcept {
    const generation_number present = generation();
    return present - static_cast<std::uint8_t>(present - lower_bits);
  }

  /// False when a sweep must come first.
  [[nodiscard]] bool has_room() const noexcept {
    return generation() - oldest_ < limits::generations_max;
  }
  /// Concerns all values of before, or with a condition those for which it holds.
  void begin(std::unique_ptr<Condition> condition);
  /// No value is of an earlier generation any more.
  void swept(generation_number number) noexcept;
  /// What nobody can have any more, to be destroyed.
  [[nodiscard]] typename limbo<rules, Atomics>::chain forgotten() { return past_.collect(1); }
  /// Without what the conditions have allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }

 private:
  [[nodiscard]] static bool is_before(generation_number one, generation_number other) noexcept {
    return static_cast<std::int32_t>(one - other) < 0;
  }
  void publish(std::unique_ptr<rules> now);

  template <class T>
  using atomic = typename Atomics::template atomic<T>;

  std::atomic<std::size_t> bytes_{0};
  atomic<rules*> rules_{nullptr};
  atomic<generation_number> generation_{0};
  generation_number oldest_ = 0;
  limbo<rules, Atomics> past_;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Condition, class Atomics>
void invalidations<Condition, Atomics>::begin(std::unique_ptr<Condition> condition) {
  const rules* const before = active();
  auto now = before == nullptr ? std::make_unique<rules>(bytes_) : std::make_unique<rules>(*before);
  const generation_number number = generation() + 1;
  if (before == nullptr) now->all_before_ = oldest_;
  now->newest_ = number;
  if (condition) {
    now->some_.push_back(std::allocate_shared<const typename rules::conditional>(
        counting_allocator<typename rules::conditional>(bytes_), number, std::move(*condition)));
  } else {
    now->all_before_ = number;
    now->some_.clear();
  }
  // A value that has the new generation was written by somebody who could see the rules.
  publish(std::move(now));
  generation_.store(number, std::memory_order_release);
}

template <class Condition, class Atomics>
void invalidations<Condition, Atomics>::swept(generation_number number) noexcept {
  if (is_before(oldest_, number)) oldest_ = number;
  const rules* const before = active();
  if (before == nullptr) return;
  if (before->newest_ == oldest_) return publish(nullptr);
  try {
    auto now = std::make_unique<rules>(*before);
    std::erase_if(now->some_,
                  [this](const auto& each) { return !is_before(oldest_, each->number); });
    if (is_before(now->all_before_, oldest_)) now->all_before_ = oldest_;
    publish(std::move(now));
  } catch (const std::bad_alloc&) {
    // They say too much, of values that there are none of.
    return;
  }
}

template <class Condition, class Atomics>
void invalidations<Condition, Atomics>::publish(std::unique_ptr<rules> now) {
  rules* const before = rules_.load(std::memory_order_relaxed);
  rules_.store(now.release(), std::memory_order_release);
  if (before != nullptr) past_.add(before);
}

}  // namespace lodestar::cache::detail
