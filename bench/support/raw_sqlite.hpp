// SQLite without Lodestar: the same rows into the same schema with the same settings, as fast as a
// loop of prepared statements can. The file must not be open in another process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lodestar::bench {

/// A row of the table `events` but its position.
struct stored_event {
  std::string event_id, aggregate_type, aggregate_id, event_type, payload, metadata;
  std::int64_t version = 0, schema_version = 0, recorded_at_us = 0;

  [[nodiscard]] std::size_t text_bytes() const noexcept;
};

[[nodiscard]] std::vector<stored_event> read_events(const std::filesystem::path& file);

struct insert_options {
  std::size_t transaction_events = 100;
  /// The trigger that keeps other programs from inserting costs each row a call: without it the
  /// schema is not the same.
  bool insert_trigger = true;
};

struct insert_times {
  double inserting_s =
      0;  ///< From the first BEGIN to the end of the last COMMIT, with the checkpoints in between.
  double closing_s = 0;  ///< The rest of the write-ahead log into the file.
};

/// Makes a new log file, inserts the events at the positions 1, 2, 3 … and closes it.
[[nodiscard]] insert_times insert_events(const std::filesystem::path& file,
                                         const std::vector<stored_event>& events,
                                         const insert_options& how);

/// Removes a database with what stands beside it.
void remove_database(const std::filesystem::path& file);

}  // namespace lodestar::bench
