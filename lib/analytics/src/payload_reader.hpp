// The JSON payload of an event as typed values for its table.
//
// A payload that does not fit its definition gives a reason instead of values: the event is then
// left out of the table as a whole. Half a row would make sums and counts wrong in a way that
// nobody sees; a counter and a line in the log are seen. Events are validated before they are
// stored, so this is for events stored under an older definition.
//
// Not thread-safe: one reader per thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/analytics/query_result.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/log/event.hpp>

namespace lodestar::analytics {

class payload_reader {
 public:
  payload_reader();
  ~payload_reader();
  payload_reader(const payload_reader&) = delete;
  payload_reader& operator=(const payload_reader&) = delete;

  /// One value per field, null for an optional field that is absent. Texts live until the next
  /// call.
  [[nodiscard]] result<void> read(const log::event& event, const std::vector<field>& fields,
                                  std::vector<cell>& values);

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

}  // namespace lodestar::analytics
