// Shows how far a long work is: a bar on a terminal, a line now and then elsewhere. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include <lodestar/base/clock.hpp>

namespace lodestar::app {

class progress_display {
 public:
  /// Writes to standard error.
  progress_display(std::string what, clock& time);

  /// `done` of 1 and how many events that were. Draws at most ten times a second.
  void update(double done, std::uint64_t events);
  /// Clears the bar.
  void finish();

 private:
  std::string what_;
  clock& time_;
  bool terminal_;
  steady_time began_at_;
  steady_time drawn_at_{};
};

/// 1234567 → "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

}  // namespace lodestar::app
