// Makes events of one declared type out of rows of texts: one column is the aggregate id, the
// others are the payload's fields, and event_id is the event's id if there is such a column.
//
// A text becomes the JSON value that its field's type wants, or stays a JSON text, which
// event_reader then refuses: no value is rounded, trimmed or guessed. Two spellings count as the
// same value: true in capitals, and 5.0 for the integer 5 (how tools write integers of a column
// with gaps).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/log/event.hpp>

#include "ingest/event_reader.hpp"

namespace lodestar::app {

/// Nothing is NULL: the row has no value there.
using row_cell = std::optional<std::string_view>;

/// Not thread-safe.
class row_mapper {
 public:
  /// Checks the columns. Errors: invalid_argument, when one is unknown, given twice or missing.
  [[nodiscard]] static result<row_mapper> make(const analytics::event_definition& event,
                                               const std::vector<std::string>& columns);

  /// The event of a row whose cells are in the order of the columns; its id stays empty without a
  /// column event_id. Places of errors begin at the event.
  [[nodiscard]] result<log::new_event> event_of(std::span<const row_cell> cells,
                                                event_reader& reader);

 private:
  struct payload_column {
    const analytics::field* field;
    std::string name_json;  // "\"delay\":"
    std::size_t column;
  };

  explicit row_mapper(const analytics::event_definition& event) : event_(&event) {}

  const analytics::event_definition* event_;
  std::size_t key_column_ = 0;
  std::optional<std::size_t> id_column_;
  std::vector<payload_column> payload_columns_;
  std::string payload_;
};

}  // namespace lodestar::app
