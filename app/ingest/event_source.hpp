// Where an import's events come from: a file of events (NDJSON), or a file of rows (CSV, Parquet,
// NDJSON) that become events of one declared type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <lodestar/log/event.hpp>

#include "config/project.hpp"

namespace lodestar::app {

/// Not thread-safe.
class event_source {
 public:
  virtual ~event_source() = default;
  /// Up to events_max further events; an empty list is the end. error::place names the line or row.
  [[nodiscard]] virtual result<std::vector<log::new_event>> next(std::size_t events_max) = 0;
  /// How far it is, 0 to 1.
  [[nodiscard]] virtual double progress() const = 0;
  /// Bytes of event text handed out so far.
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
};

/// One event a line, as POST /api/events takes them.
[[nodiscard]] result<std::unique_ptr<event_source>> open_event_file(
    const std::filesystem::path& file, const project& configuration);

/// Rows whose columns are the key column and the fields of `event_type` (and event_id, if there is
/// such a column). Without event_id an event's id is made of the row's number and content, so
/// importing the same file again stores nothing twice.
[[nodiscard]] result<std::unique_ptr<event_source>> open_row_file(const std::filesystem::path& file,
                                                                  const project& configuration,
                                                                  const std::string& event_type);

/// Chooses by extension (.ndjson .jsonl .csv .tsv .parquet) and by whether an event type is named.
[[nodiscard]] result<std::unique_ptr<event_source>> open_source(const std::filesystem::path& file,
                                                                const project& configuration,
                                                                const std::string& event_type);

}  // namespace lodestar::app
