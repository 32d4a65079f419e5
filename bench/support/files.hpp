// Folders and texts that benchmarks work with.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lodestar::bench {

/// The root of the repository.
[[nodiscard]] std::filesystem::path source_folder();

/// A new folder that is removed at the end: in $TMPDIR, else in /var/tmp, which is a disk where
/// /tmp may be memory.
class temp_folder {
 public:
  temp_folder();
  ~temp_folder();
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

[[nodiscard]] std::string read_text(const std::filesystem::path& file);
/// Writes {"queries/x.sql", text} … below a folder.
void write_texts(const std::filesystem::path& folder,
                 const std::vector<std::pair<std::string, std::string>>& files);

/// A project with 5,000 readings of 20 sensors over the last four hours, the page /d/sensors with
/// four tiles and the query `readings`, whose JSON has about 4 KiB.
void write_small_project(const std::filesystem::path& folder);
/// The body of a POST that appends one reading to it, `number` steps of 3 s after the history.
[[nodiscard]] std::string small_event(std::int64_t number);

/// Flights of third_party/vega-datasets; throws with the remedy when they are missing.
[[nodiscard]] std::filesystem::path flights_file();
/// A SELECT of events, as lines of NDJSON are, from a relation with the columns of the flights.
[[nodiscard]] std::string select_flight_events(std::string_view relation);

}  // namespace lodestar::bench
