#include "web_metrics.hpp"

#include <fmt/format.h>

namespace lodestar::web {

web_metrics::web_metrics(metrics_registry& registry)
    : by_class{},
      request_duration(registry.make_histogram("lodestar_web_request_duration_seconds",
                                               "From the last byte of a request to its answer.")),
      connections(
          registry.make_gauge("lodestar_web_connections", "Open connections, streams included.")),
      streams(registry.make_gauge("lodestar_web_streams", "Viewers connected to feeds.")),
      connections_refused(registry.make_counter("lodestar_web_connections_refused_total",
                                                "Connections beyond the limit, answered 503.")),
      frames_sent(
          registry.make_counter("lodestar_web_frames_sent_total", "Frames handed to viewers.")),
      frames_conflated(
          registry.make_counter("lodestar_web_frames_conflated_total",
                                "States that a viewer skipped because its socket was not ready.")),
      streams_stalled(
          registry.make_counter("lodestar_web_streams_stalled_total",
                                "Viewers closed because their socket took nothing for too long.")),
      sent_bytes(
          registry.make_counter("lodestar_web_sent_bytes_total", "Bytes handed to sockets.")) {
  for (std::size_t i = 0; i < by_class.size(); ++i) {
    by_class[i] =
        &registry.make_counter("lodestar_web_requests_total", "Answers by class of status.",
                               {{"class", fmt::format("{}xx", i + 1)}});
  }
}

}  // namespace lodestar::web
