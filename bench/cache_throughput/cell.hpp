// A cell of the table: so many readers and writers on one cache for some time, and what they did.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace lodestar::bench {

struct thread_group {
  unsigned readers = 0;
  unsigned writers = 0;

  [[nodiscard]] unsigned threads() const noexcept { return readers + writers; }
  /// "read-2t-write-1t".
  [[nodiscard]] std::string name() const;
};

struct cell {
  thread_group group;
  std::chrono::milliseconds duration;
};

struct cell_result {
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t hits = 0;
  double seconds = 0;
  double processor_seconds = 0;  ///< Of all processors, with whatever the subject does beside.

  [[nodiscard]] double reads_mops() const noexcept { return mops_of(reads); }
  [[nodiscard]] double writes_mops() const noexcept { return mops_of(writes); }
  [[nodiscard]] double mops() const noexcept { return mops_of(reads + writes); }
  [[nodiscard]] double processor_ns() const noexcept {
    return processor_seconds * 1e9 / static_cast<double>(reads + writes);
  }
  [[nodiscard]] double processors() const noexcept { return processor_seconds / seconds; }

 private:
  [[nodiscard]] double mops_of(std::uint64_t operations) const noexcept {
    return static_cast<double>(operations) / seconds / 1e6;
  }
};

inline std::string thread_group::name() const {
  const auto part = [](std::string_view what, unsigned count) {
    return fmt::format("{}-{}t", what, count);
  };
  if (writers == 0) return part("read", readers);
  if (readers == 0) return part("write", writers);
  return fmt::format("{}-{}", part("read", readers), part("write", writers));
}

}  // namespace lodestar::bench
