// Turns what clients send into events: JSON texts, checked against the declared event types.
//
//   {"event_type": "FlightDeparted", "aggregate_id": "ATL",
//    "payload": {"date": "2001-06-30T12:34:00Z", "delay": 5, "distance": 606, "destination":
//    "MCO"}, "event_id": "…", "aggregate_type": "Airport", "schema_version": 1, "metadata": {},
//    "expected_version": 7}
//
// event_type, aggregate_id and payload are required; the rest has defaults (a new UUIDv7, the
// declared aggregate type, 1, {}, any version). The first wrong event refuses the whole text;
// error::place names it: "events[3].payload.delay".
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/log/event.hpp>

namespace lodestar::app {

enum class event_format : std::uint8_t {
  json,    ///< One object, or an array of objects.
  ndjson,  ///< One object a line; blank lines are skipped.
  detect,  ///< json; ndjson if the text is no JSON but its first line alone is an object.
};

/// The error with its place inside of `where`: "flights.ndjson:17" makes "payload.delay"
/// "flights.ndjson:17.payload.delay". Whoever reads many events calls this for the one that is
/// wrong.
[[nodiscard]] error within(const std::string& where, error failure);

/// Not thread-safe: it keeps its parser. One per thread. The definitions must outlive it.
class event_reader {
 public:
  event_reader(const std::vector<analytics::event_definition>& definitions, clock& time,
               random_source& random);
  ~event_reader();

  [[nodiscard]] result<std::vector<log::new_event>> read(std::string_view text,
                                                         event_format format);

  /// Reads one object; the id stays empty when the text has none. Places of errors begin at the
  /// event ("payload.delay"): see within().
  [[nodiscard]] result<log::new_event> read_one(std::string_view text);

  /// Reads one object that is a row of a declared type: its members are the key column (a text or
  /// an integer), the fields, and event_id if it has one. Otherwise as read_one.
  [[nodiscard]] result<log::new_event> read_row(const analytics::event_definition& event,
                                                std::string_view text);

  /// Reads a payload whose type and aggregate are known already; the id stays empty. Places of
  /// errors as for read_one.
  [[nodiscard]] result<log::new_event> read_payload(std::string_view event_type,
                                                    std::string_view aggregate_id,
                                                    std::string_view payload);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace lodestar::app
