// A cache that is measured, in this process or in another one.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include <lodestar/base/error.hpp>

#include "cache_throughput/cell.hpp"
#include "support/latency_histogram.hpp"

namespace lodestar::bench {

/// How many keys are drawn, and from how many items. A cache may hold twice as many entries as
/// there are keys: nothing is ever evicted.
inline constexpr std::size_t key_count = 2 << 14;
inline constexpr std::uint64_t item_count = key_count / 3;
inline constexpr std::size_t capacity_entries = 2 * key_count;

/// What insertions of ever-new keys into a full cache cost, and gets beside them.
struct eviction_result {
  latency_histogram inserts, gets;
  std::uint64_t hits = 0;
  double seconds = 0;
};

class subject {
 public:
  subject(std::string name, std::string version)
      : name_(std::move(name)), version_(std::move(version)) {}
  virtual ~subject() = default;
  subject(const subject&) = delete;
  subject& operator=(const subject&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  /// Where it runs.
  [[nodiscard]] virtual pid_t process() const noexcept { return ::getpid(); }
  /// Whether it is still being compiled while it runs for the first time.
  [[nodiscard]] virtual bool compiled_while_running() const noexcept { return false; }

  /// Runs the cell on the warm cache. An error when the subject is broken.
  [[nodiscard]] virtual result<cell_result> run(const cell& wanted) = 0;
  /// Runs so many threads on a full cache, or nothing where that cannot be measured.
  [[nodiscard]] virtual std::optional<result<eviction_result>> run_eviction(
      unsigned /*threads*/, std::chrono::milliseconds /*duration*/) {
    return std::nullopt;
  }

 private:
  std::string name_;
  std::string version_;
};

}  // namespace lodestar::bench
