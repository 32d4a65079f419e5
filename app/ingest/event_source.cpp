#include "ingest/event_source.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "ingest/event_reader.hpp"

namespace lodestar::app {
namespace {

std::size_t text_bytes(const log::new_event& event) noexcept {
  return event.event_id.size() + event.aggregate_type.size() + event.aggregate_id.size() +
         event.event_type.size() + event.payload.size() + event.metadata.size();
}

result<const analytics::event_definition*> find_event(const project& configuration,
                                                      const std::string& event_type) {
  std::vector<std::string_view> names;
  for (const auto& declared : configuration.events) {
    if (declared.event_type == event_type) return &declared;
    names.push_back(declared.event_type);
  }
  return fail(error_code::invalid_argument, fmt::format("unknown event type \"{}\"", event_type),
              "--event-type", suggest(event_type, names));
}

}  // namespace

event_source::event_source(const std::filesystem::path& file, std::string place_prefix)
    : place_prefix_(std::move(place_prefix)), ids_(file.filename().string()) {}

result<event_batch> event_source::next(std::size_t events_max, std::size_t bytes_max) {
  if (failure_) return std::unexpected(*failure_);
  event_batch batch;
  batch.places.prefix = place_prefix_;
  for (std::size_t bytes = 0; batch.events.size() < events_max && bytes < bytes_max;) {
    auto event = read();
    if (!event) {
      failure_ = within(fmt::format("{}{}", place_prefix_, number()), std::move(event.error()));
      if (batch.events.empty()) return std::unexpected(*failure_);
      break;
    }
    if (!*event) break;
    if ((*event)->event_id.empty()) (*event)->event_id = ids_.next(**event);
    bytes += text_bytes(**event);
    batch.places.numbers.push_back(number());
    batch.events.push_back(std::move(**event));
  }
  return batch;
}

result<std::unique_ptr<event_source>> open_source(const std::filesystem::path& file,
                                                  const project& configuration,
                                                  const std::string& event_type) {
  const std::string extension = file.extension().string();
  const bool is_lines = extension == ".ndjson" || extension == ".jsonl";
  const bool is_csv = extension == ".csv" || extension == ".tsv";
  if (!is_lines && !is_csv && extension != ".parquet") {
    return fail(error_code::invalid_argument,
                fmt::format("cannot tell the format of \"{}\"", extension), file.string(),
                "name it .ndjson, .jsonl, .csv, .tsv or .parquet");
  }
  if (is_lines && event_type.empty()) return open_event_file(file, configuration);
  if (event_type.empty() && configuration.events.size() != 1) {
    return fail(error_code::invalid_argument, "rows need an event type", file.string(),
                "add --event-type NAME");
  }
  const auto event = find_event(
      configuration, event_type.empty() ? configuration.events.front().event_type : event_type);
  if (!event) return std::unexpected(event.error());
  if (is_lines) return open_json_rows(file, configuration, **event);
  return is_csv ? open_csv_rows(file, configuration, **event)
                : open_parquet_rows(file, configuration, **event);
}

}  // namespace lodestar::app
