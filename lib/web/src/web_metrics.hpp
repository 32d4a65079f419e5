// What the server counts. Made once; updated from every core.
#pragma once

#include <array>
#include <cstdint>

#include <lodestar/base/metrics.hpp>

namespace lodestar::web {

struct web_metrics {
  explicit web_metrics(metrics_registry& registry);

  void count_answer(int status) noexcept {
    by_class[static_cast<std::size_t>(status / 100 - 1) % by_class.size()]->add();
  }

  std::array<counter*, 5> by_class;
  histogram& request_duration;
  gauge& connections;
  gauge& streams;
  counter& connections_refused;
  counter& frames_sent;
  counter& frames_conflated;
  counter& streams_stalled;
  counter& sent_bytes;
};

}  // namespace lodestar::web
