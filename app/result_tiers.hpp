// Where results are kept below the memory: a file beside the event log, and a Redis server where
// the settings name one.
//
// Both may be lost at any time. What cannot be opened is left out, with a warning: queries are
// computed instead.
#pragma once

#include <memory>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/swr/prometheus_events.hpp>
#include <lodestar/swr/tiers.hpp>

#include "config/settings.hpp"

namespace lodestar::app {

class result_tiers {
 public:
  /// invalid_argument: a setting is wrong.
  [[nodiscard]] static result<std::unique_ptr<result_tiers>> open(const settings& values,
                                                                  clock& time,
                                                                  metrics_registry& metrics);
  ~result_tiers();
  result_tiers(const result_tiers&) = delete;
  result_tiers& operator=(const result_tiers&) = delete;

  /// Null: there are none.
  [[nodiscard]] const std::shared_ptr<swr::tiers>& below() const noexcept { return below_; }
  /// Brings up to date what the tiers count for themselves.
  void update_metrics();
  /// Sends what waits; when this object and all who hold below() are gone, the file has it.
  void flush();

 private:
  explicit result_tiers(metrics_registry& metrics) : metrics_(metrics) {}

  swr::prometheus_events metrics_;
  std::shared_ptr<swr::tiers> below_;
};

}  // namespace lodestar::app
