// What an event is, before it is stored (new_event) and after (event).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lodestar::log {

/// Place of an event in the one log: 1, 2, 3 … without gaps, in commit order. 0 is "before the
/// first event".
using position = std::int64_t;

/// Place of an event in its stream: 1, 2, 3 … per (aggregate type, aggregate id). 0 is "the stream
/// has no event yet".
using version = std::int64_t;

inline constexpr std::size_t event_id_bytes_max = 128;
inline constexpr std::size_t name_bytes_max =
    256;  ///< Aggregate type, aggregate id and event type, each.
inline constexpr std::size_t payload_bytes_max = 1 << 20;  ///< Payload and metadata, each.
inline constexpr std::size_t batch_events_max = 100'000;   ///< Events of one append.

struct new_event {
  std::string
      event_id;  ///< Unique for ever; the same id with the same content again is stored once.
  std::string aggregate_type;  ///< "Airport"
  std::string aggregate_id;    ///< "ATL"
  std::string event_type;      ///< "FlightDeparted"
  std::int32_t schema_version = 1;
  std::string payload = "{}";   ///< JSON object, valid UTF-8.
  std::string metadata = "{}";  ///< JSON object: correlation, causation, actor.
  /// The version the stream must have before this event; none = any. Within one batch the versions
  /// that earlier events of the batch took count.
  std::optional<version> expected_version;
};

struct event {
  position at = 0;
  version stream_version = 0;
  std::int64_t recorded_at_us = 0;  ///< Microseconds since 1970-01-01 UTC.
  std::string event_id;
  std::string aggregate_type;
  std::string aggregate_id;
  std::string event_type;
  std::int32_t schema_version = 1;
  std::string payload;
  std::string metadata;

  /// Of all texts, which is nearly what the event takes in memory.
  [[nodiscard]] std::size_t text_bytes() const noexcept {
    return event_id.size() + aggregate_type.size() + aggregate_id.size() + event_type.size() +
           payload.size() + metadata.size();
  }
};

}  // namespace lodestar::log
