#include "reader.hpp"

#include <algorithm>
#include <utility>

#include "schema.hpp"

namespace lodestar::sqlite_log {
namespace {

// A scan ends its read transaction after so many positions, so that it never keeps the WAL from
// being reused for long.
constexpr log::position scan_page_positions = 50'000;

#define EVENT_COLUMNS                                                                       \
  "position, version, recorded_at_us, event_id, aggregate_type, aggregate_id, event_type, " \
  "schema_version, payload, metadata"

constexpr const char* select_all =
    "SELECT " EVENT_COLUMNS " FROM events WHERE position > ?1 ORDER BY position LIMIT ?2";
// The plus keeps the planner from using the stream index for a filter by type alone.
constexpr const char* select_scan = "SELECT " EVENT_COLUMNS
                                    " FROM events WHERE position > ?1 AND position <= ?2"
                                    " AND (?3 = '' OR +aggregate_type = ?3)"
                                    " AND (?4 = '' OR event_type = ?4) ORDER BY position LIMIT ?5";
// In a stream the order of versions is the order of positions.
constexpr const char* select_stream = "SELECT " EVENT_COLUMNS
                                      " FROM events WHERE aggregate_type = ?1 AND aggregate_id = ?2"
                                      " AND version > ?3 AND (?4 = '' OR event_type = ?4)"
                                      " ORDER BY version LIMIT ?5";
constexpr const char* select_position =
    "SELECT position FROM events WHERE aggregate_type = ?1 AND aggregate_id = ?2 AND version = ?3";
constexpr const char* select_head =
    "SELECT version FROM events WHERE aggregate_type = ?1 AND aggregate_id = ?2"
    " ORDER BY version DESC LIMIT 1";

#undef EVENT_COLUMNS

log::event event_of(statement& row) {
  log::event made;
  made.at = row.number(0);
  made.stream_version = row.number(1);
  made.recorded_at_us = row.number(2);
  made.event_id = row.text(3);
  made.aggregate_type = row.text(4);
  made.aggregate_id = row.text(5);
  made.event_type = row.text(6);
  made.schema_version = static_cast<std::int32_t>(row.number(7));
  made.payload = row.text(8);
  made.metadata = row.text(9);
  return made;
}

std::int64_t as_limit(std::size_t events) noexcept {
  constexpr std::size_t highest = std::size_t{1} << 62;
  return static_cast<std::int64_t>(std::min(events, highest));
}

}  // namespace

result<std::unique_ptr<reader>> reader::open(const settings& how) {
  auto opened = open_reader(how);
  if (!opened) return std::unexpected(opened.error());
  std::unique_ptr<reader> made(new reader(std::move(*opened), how.scan_positions_max));
  if (auto prepared = made->prepare(); !prepared) return std::unexpected(prepared.error());
  return made;
}

result<void> reader::prepare() {
  const std::pair<statement*, const char*> texts[] = {{&all_, select_all},
                                                      {&scan_, select_scan},
                                                      {&stream_, select_stream},
                                                      {&position_of_, select_position},
                                                      {&head_, select_head}};
  for (const auto& [target, text] : texts) {
    auto made = database_.prepare(text);
    if (!made) return std::unexpected(made.error());
    *target = std::move(*made);
  }
  return {};
}

result<log::read_page> reader::read(const log::read_filter& filter, log::position last) {
  log::read_page page;
  page.through = std::max(filter.after, last);
  const bool of_stream = !filter.aggregate_id.empty();
  const bool of_type = !filter.aggregate_type.empty() || !filter.event_type.empty();
  const auto ended = of_stream ? read_stream(filter, page)
                     : of_type ? scan(filter, last, page)
                               : read_all(filter, page);
  if (!ended) return std::unexpected(ended.error());
  // A snapshot that is younger than `last` may hold more than that.
  if (!page.events.empty() && (*ended == ending::of_page || page.events.back().at > page.through))
    page.through = page.events.back().at;
  page.at_end = page.through >= last;
  return page;
}

result<reader::ending> reader::read_all(const log::read_filter& filter, log::read_page& out) {
  const reset_at_exit reset(all_);
  all_.bind(1, filter.after);
  all_.bind(2, as_limit(filter.events_max));
  return collect(all_, filter, out);
}

result<reader::ending> reader::read_stream(const log::read_filter& filter, log::read_page& out) {
  const auto after = version_at(filter);
  if (!after) return std::unexpected(after.error());
  const reset_at_exit reset(stream_);
  stream_.bind(1, filter.aggregate_type);
  stream_.bind(2, filter.aggregate_id);
  stream_.bind(3, *after);
  stream_.bind(4, filter.event_type);
  stream_.bind(5, as_limit(filter.events_max));
  return collect(stream_, filter, out);
}

result<reader::ending> reader::scan(const log::read_filter& filter, log::position last,
                                    log::read_page& out) {
  const log::position first = std::max<log::position>(filter.after, 0);
  const log::position end = std::min(last, first + scan_positions_max_);
  for (log::position after = first; after < end; after += scan_page_positions) {
    const reset_at_exit reset(scan_);
    scan_.bind(1, after);
    scan_.bind(2, std::min(end, after + scan_page_positions));
    scan_.bind(3, filter.aggregate_type);
    scan_.bind(4, filter.event_type);
    scan_.bind(5, as_limit(filter.events_max - out.events.size()));
    const auto ended = collect(scan_, filter, out);
    if (!ended || *ended == ending::of_page) return ended;
  }
  out.through = std::max(filter.after, end);
  return ending::of_rows;
}

// The version of the stream as of position filter.after, by bisection: versions grow with
// positions, so this takes some 20 probes of the index in a stream of a million events, where a
// filter on the position would read them all.
result<log::version> reader::version_at(const log::read_filter& filter) {
  if (filter.after <= 0) return 0;
  const auto head = stream_version(filter.aggregate_type, filter.aggregate_id);
  if (!head) return head;
  log::version low = 0;
  log::version high = *head;
  while (low < high) {
    const log::version middle = low + (high - low + 1) / 2;
    const auto at = position_of(filter, middle);
    if (!at) return std::unexpected(at.error());
    if (*at <= filter.after) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

result<log::position> reader::position_of(const log::read_filter& filter, log::version version) {
  const reset_at_exit reset(position_of_);
  position_of_.bind(1, filter.aggregate_type);
  position_of_.bind(2, filter.aggregate_id);
  position_of_.bind(3, version);
  const int status = position_of_.step();
  if (status == SQLITE_ROW) return position_of_.number(0);
  if (status != SQLITE_DONE) return std::unexpected(database_.failure("read a stream"));
  return fail(error_code::corrupt, "version " + std::to_string(version) + " of a stream is missing",
              database_.file(), "restore the file from a backup");
}

result<log::version> reader::stream_version(const std::string& aggregate_type,
                                            const std::string& aggregate_id) {
  const reset_at_exit reset(head_);
  head_.bind(1, aggregate_type);
  head_.bind(2, aggregate_id);
  const int status = head_.step();
  if (status == SQLITE_DONE) return 0;
  if (status != SQLITE_ROW) return std::unexpected(database_.failure("read a stream"));
  return head_.number(0);
}

result<reader::ending> reader::collect(statement& rows, const log::read_filter& filter,
                                       log::read_page& out) {
  std::size_t bytes = 0;
  for (const auto& event : out.events) bytes += event.text_bytes();
  int status = rows.step();
  for (; status == SQLITE_ROW; status = rows.step()) {
    bytes += out.events.emplace_back(event_of(rows)).text_bytes();
    if (out.events.size() == filter.events_max || bytes >= filter.bytes_max) return ending::of_page;
  }
  if (status != SQLITE_DONE) return std::unexpected(database_.failure("read events"));
  return ending::of_rows;
}

}  // namespace lodestar::sqlite_log
