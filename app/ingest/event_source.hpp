// Where an import's events come from: a file of events (NDJSON), or a file of rows (CSV, Parquet,
// NDJSON) that become events of one declared type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/log/event.hpp>

#include "config/project.hpp"
#include "ingest/event_batch.hpp"
#include "ingest/import_ids.hpp"

namespace lodestar::app {

/// Not thread-safe.
class event_source {
 public:
  virtual ~event_source() = default;

  /// Further events: up to events_max, and fewer when their text has bytes_max or more; an empty
  /// batch is the end. Events before a wrong one are handed out first, then its error;
  /// error::place names the line or row. Events without an id have one of import_ids.
  [[nodiscard]] result<event_batch> next(std::size_t events_max, std::size_t bytes_max);
  /// How far it is, 0 to 1.
  [[nodiscard]] virtual double progress() const = 0;
  /// Bytes of event text handed out so far.
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;

 protected:
  /// `place_prefix` and an event's number are its place: "orders.csv:" and 17.
  event_source(const std::filesystem::path& file, std::string place_prefix);

  /// The next event, nothing at the end. The place of an error begins at the event.
  [[nodiscard]] virtual result<std::optional<log::new_event>> read() = 0;
  /// The line or row that read() returned or failed at.
  [[nodiscard]] virtual std::uint64_t number() const = 0;

 private:
  std::string place_prefix_;
  import_ids ids_;
  std::optional<error> failure_;  // of the event after the last batch
};

/// Chooses by extension (.ndjson .jsonl .csv .tsv .parquet) and by whether an event type is named.
[[nodiscard]] result<std::unique_ptr<event_source>> open_source(const std::filesystem::path& file,
                                                                const project& configuration,
                                                                const std::string& event_type);

/// One event a line, as POST /api/events takes them.
[[nodiscard]] result<std::unique_ptr<event_source>> open_event_file(
    const std::filesystem::path& file, const project& configuration);

/// Rows whose columns are the key column and the fields of `event` (and event_id, if there is such
/// a column). Errors of all three: a column is missing or unknown, the file is not what its
/// extension says.
[[nodiscard]] result<std::unique_ptr<event_source>> open_json_rows(
    const std::filesystem::path& file, const project& configuration,
    const analytics::event_definition& event);
[[nodiscard]] result<std::unique_ptr<event_source>> open_csv_rows(
    const std::filesystem::path& file, const project& configuration,
    const analytics::event_definition& event);
[[nodiscard]] result<std::unique_ptr<event_source>> open_parquet_rows(
    const std::filesystem::path& file, const project& configuration,
    const analytics::event_definition& event);

}  // namespace lodestar::app
