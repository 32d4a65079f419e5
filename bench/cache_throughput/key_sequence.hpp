// The drawn keys in the form in which a cache takes them, and what a correct cache must answer: the
// value of a key is always its number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <lodestar/base/assert.hpp>

namespace lodestar::bench {

using key_numbers = std::shared_ptr<const std::vector<std::uint64_t>>;

/// The sums of the values that a thread reads when it walks through the keys again and again.
class value_sums {
 public:
  explicit value_sums(const std::vector<std::uint64_t>& values) : before_{0} {
    before_.reserve(values.size() + 1);
    for (const auto value : values) before_.push_back(before_.back() + value);
  }

  [[nodiscard]] std::uint64_t of(std::size_t begin, std::uint64_t count) const noexcept {
    return up_to(begin + count) - up_to(begin);
  }

 private:
  [[nodiscard]] std::uint64_t up_to(std::uint64_t count) const noexcept {
    const std::size_t size = before_.size() - 1;
    return count / size * before_.back() + before_[count % size];
  }

  std::vector<std::uint64_t> before_;
};

template <class Key>
[[nodiscard]] Key make_key(std::uint64_t number);

template <>
[[nodiscard]] inline std::uint64_t make_key<std::uint64_t>(std::uint64_t number) {
  return number;
}

/// Longer than what a std::string keeps inside itself.
template <>
[[nodiscard]] inline std::string make_key<std::string>(std::uint64_t number) {
  return fmt::format("key-{:020}", number);
}

template <class Key>
class key_sequence {
 public:
  explicit key_sequence(key_numbers numbers) : numbers_(std::move(numbers)), sums_(*numbers_) {
    LODESTAR_ASSERT((numbers_->size() & (numbers_->size() - 1)) == 0 && !numbers_->empty(),
                    "an index is wrapped with a mask");
    keys_.reserve(numbers_->size());
    for (const auto number : *numbers_) keys_.push_back(make_key<Key>(number));
  }

  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
  [[nodiscard]] const Key* keys() const noexcept { return keys_.data(); }
  [[nodiscard]] const std::uint64_t* values() const noexcept { return numbers_->data(); }
  [[nodiscard]] const value_sums& sums() const noexcept { return sums_; }
  /// Where a thread begins: every one somewhere else.
  [[nodiscard]] std::size_t begin_of(unsigned thread, unsigned threads) const noexcept {
    return size() / threads * thread;
  }

 private:
  key_numbers numbers_;
  std::vector<Key> keys_;
  value_sums sums_;
};

}  // namespace lodestar::bench
