// Counters, gauges and histograms, and their text form for Prometheus.
//
// A metric is created once (at start) and updated from any thread without a lock. References that a
// registry gives out live as long as the registry. Names follow Prometheus' rules:
// lodestar_<module>_<what>_<unit>[_total].
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

#include <lodestar/base/clock.hpp>

namespace lodestar {

class counter {
 public:
  void add(std::uint64_t by = 1) noexcept { value_.fetch_add(by, std::memory_order_relaxed); }
  /// Takes over what somebody else has counted; what is less than the value is older and ignored.
  void raise_to(std::uint64_t total) noexcept;
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class gauge {
 public:
  void set(std::int64_t to) noexcept { value_.store(to, std::memory_order_relaxed); }
  void add(std::int64_t by) noexcept { value_.fetch_add(by, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Which durations a histogram tells apart: its first bucket ends at `first_bound`, each other one
/// at twice the bound before, and the last one takes the rest.
struct histogram_range {
  nanoseconds first_bound = std::chrono::microseconds(100);
  std::size_t buckets = 21;  ///< At most histogram::buckets_max.
};
/// 0.1 ms to 52 s: what people wait for.
inline constexpr histogram_range requests_range{};
/// 0.1 µs to 3.4 s: what lies between a look into memory and one at a slow server.
inline constexpr histogram_range look_ups_range{.first_bound = nanoseconds(100), .buckets = 27};

class histogram {
 public:
  static constexpr std::size_t buckets_max = 27;
  explicit histogram(histogram_range range = requests_range);
  void observe(nanoseconds duration) noexcept;
  void observe_us(std::int64_t duration_us) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  void write(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  const histogram_range range_;
  std::array<std::atomic<std::uint64_t>, buckets_max> counts_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> sum_ns_{0};
};

struct metric_label {
  std::string_view name;
  std::string_view value;  ///< Any text.
};
using metric_labels = std::initializer_list<metric_label>;

class metrics_registry {
 public:
  /// The metric of that name and labels, made at the first call. Asking for an existing name as
  /// another kind is a programmer error. Labels are told apart in the order in which they are
  /// given. All histograms of a name should have the same range.
  [[nodiscard]] counter& make_counter(std::string_view name, std::string_view help,
                                      metric_labels labels = {});
  [[nodiscard]] gauge& make_gauge(std::string_view name, std::string_view help,
                                  metric_labels labels = {});
  [[nodiscard]] histogram& make_histogram(std::string_view name, std::string_view help,
                                          metric_labels labels = {},
                                          histogram_range range = requests_range);

  /// Everything in the Prometheus text format 0.0.4.
  [[nodiscard]] std::string expose() const;

 private:
  using any_metric =
      std::variant<std::unique_ptr<counter>, std::unique_ptr<gauge>, std::unique_ptr<histogram>>;
  struct family {
    std::string help;
    std::map<std::string, any_metric, std::less<>> by_labels;  // written out: tier="memory"
  };
  template <class Kind, class... Arguments>
  Kind& make(std::string_view name, std::string_view help, metric_labels labels,
             const Arguments&... arguments);

  mutable std::mutex mutex_;
  std::map<std::string, family, std::less<>> families_;
};

}  // namespace lodestar
