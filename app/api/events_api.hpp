// POST /api/events (append) and GET /api/events (read the log).
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/log/event_log.hpp>
#include <lodestar/web/server.hpp>

#include "ingest/event_reader.hpp"

namespace lodestar::app {

/// Thread-safe. The log, the definitions and the executor must outlive it.
class events_api {
 public:
  events_api(log::event_log& log, const std::vector<analytics::event_definition>& definitions,
             clock& time, executor& background, metrics_registry& metrics);

  /// Answers after the events are durable: 201 {"position": last, "events": [{"position",
  /// "version", "event_id", "duplicate"} …]}, 200 when all of them were stored before.
  void append(web::request request, web::exchange exchange);

  /// ?after=0&limit=1000&type=FlightDeparted&aggregate_type=Airport&aggregate_id=ATL → NDJSON.
  void read(web::request request, web::exchange exchange);

 private:
  [[nodiscard]] std::unique_ptr<event_reader> take_reader();
  void return_reader(std::unique_ptr<event_reader> reader);

  log::event_log& log_;
  const std::vector<analytics::event_definition>& definitions_;
  clock& time_;
  executor& background_;
  counter& events_refused_;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<event_reader>>
      readers_;  // a parser keeps megabytes: as many as requests at once
};

}  // namespace lodestar::app
