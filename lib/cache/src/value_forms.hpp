// Values of each of the shapes in which a cache keeps them, made from numbers and read back, so
// that one test runs on all of them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace lodestar::cache {

/// What a form reads from a value that is mixed from two.
inline constexpr std::int64_t torn = -1;

struct in_one_word {
  using value = int;
  static value make(std::int64_t number) { return static_cast<int>(number); }
  static std::int64_t read(value from) { return from; }
};

struct in_three_words {
  struct value {
    std::int64_t first, second, third;
    friend bool operator==(const value&, const value&) = default;
  };
  static value make(std::int64_t number) { return {number, ~number, number * 3}; }
  static std::int64_t read(const value& from) {
    return from == make(from.first) ? from.first : torn;
  }
};

struct in_a_box {
  using value = std::string;
  static value make(std::int64_t number) {
    const std::string digits = std::to_string(number);
    return std::string(24, 'v') + digits;
  }
  static std::int64_t read(const value& from) {
    if (from.size() < 25 || from.find_first_not_of('v') != 24) return torn;
    return std::strtoll(from.c_str() + 24, nullptr, 10);
  }
};

}  // namespace lodestar::cache
