#include "file_writer.hpp"

#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "record.hpp"

namespace lodestar::lmdb_tier {
namespace {

// LMDB writes changed pages to free ones: it needs some beside those that hold something. Above the
// first share as many bytes go as come, so that the entries become no more; they lie in pages that
// are partly empty then, of which there may still be more for a while.
constexpr double full_enough = 0.75;
constexpr double too_full = 0.85;
constexpr double nearly_full = 0.92;
constexpr std::size_t drawn_at_once = 10;

}  // namespace

result<void> file_writer::apply(const std::vector<const write*>& writes) {
  const changes wanted(writes);
  written_ms_ = now_ms();
  int code = try_apply(wanted);
  for (std::size_t times = 4; code == MDB_MAP_FULL && times <= 64; times *= 4) {
    code = evict_apart(times * wanted.bytes());
    if (code == 0) code = try_apply(wanted);
  }
  if (code == MDB_MAP_FULL) {
    code = empty();
    if (code == 0) code = try_apply(wanted);
  }
  if (code != 0) return std::unexpected(error_of(code, "the cache file cannot be written"));
  return {};
}

int file_writer::try_apply(const changes& wanted) {
  auto within = file_.begin_write();
  if (!within) return within.error();
  if (wanted.clears()) {
    if (const int code = mdb_drop(within->get(), file_.table(), 0); code != 0) return code;
  }
  for (const change& each : wanted.all()) {
    const int code = each.sets ? put(*within, each) : remove(*within, each);
    if (code != 0) return code;
  }
  const int code = make_room(*within, wanted.bytes());
  return code != 0 ? code : within->commit();
}

int file_writer::put(const transaction& within, const change& each) {
  const std::string_view key = each.from->key;
  const std::string_view bytes = each.from->bytes.view();
  const record_header header{.keep_until_ms = each.from->keep_until_ms,
                             .written_ms = written_ms_,
                             .key_bytes = static_cast<std::uint32_t>(key.size())};
  MDB_val name = value_of(each.name.bytes());
  MDB_val place{sizeof(header) + key.size() + bytes.size(), nullptr};
  const int code = mdb_put(within.get(), file_.table(), &name, &place, MDB_RESERVE);
  if (code != 0) return code;
  auto* const begin = static_cast<char*>(place.mv_data);
  std::memcpy(begin, &header, sizeof(header));
  key.copy(begin + sizeof(header), key.size());
  bytes.copy(begin + sizeof(header) + key.size(), bytes.size());
  return 0;
}

int file_writer::remove(const transaction& within, const change& each) {
  MDB_val name = value_of(each.name.bytes());
  const int code = mdb_del(within.get(), file_.table(), &name, nullptr);
  return code == MDB_NOTFOUND ? 0 : code;
}

int file_writer::make_room(const transaction& within, std::size_t bytes_written) {
  const double fullness = file_.fullness(within);
  if (fullness <= full_enough) return 0;
  const std::size_t times = fullness <= too_full ? 1 : fullness <= nearly_full ? 2 : 8;
  return evict(within, times * bytes_written);
}

int file_writer::evict(const transaction& within, std::size_t bytes) {
  MDB_cursor* opened = nullptr;
  if (const int code = mdb_cursor_open(within.get(), file_.table(), &opened); code != 0)
    return code;
  const std::unique_ptr<MDB_cursor, decltype(&mdb_cursor_close)> at(opened, &mdb_cursor_close);
  for (std::size_t gone = 0; gone < bytes;) {
    const auto evicted = evict_one(at.get());
    if (!evicted) return evicted.error() == MDB_NOTFOUND ? 0 : evicted.error();
    gone += *evicted;
  }
  return 0;
}

// Of a few entries that are drawn: what is none, what has expired, or what was written first.
// Returns its size; MDB_NOTFOUND when the table is empty.
std::expected<std::size_t, int> file_writer::evict_one(MDB_cursor* at) {
  constexpr std::int64_t first = std::numeric_limits<std::int64_t>::min();
  const std::int64_t now = now_ms();
  std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
  hash128 chosen;
  MDB_val name{};
  MDB_val stored{};
  for (std::size_t count = 0; count < drawn_at_once && lowest != first; ++count) {
    const hash128 drawn{random_.next(), random_.next()};
    name = {sizeof(drawn), const_cast<hash128*>(&drawn)};
    int code = mdb_cursor_get(at, &name, &stored, MDB_SET_RANGE);
    if (code == MDB_NOTFOUND) code = mdb_cursor_get(at, &name, &stored, MDB_FIRST);
    if (code != 0) return std::unexpected(code);
    const auto record = open_record(bytes_of(stored));
    const bool counts =
        record && name.mv_size == sizeof(hash128) && record->header.keep_until_ms > now;
    const std::int64_t rank = counts ? record->header.written_ms : first;
    if (rank > lowest) continue;
    lowest = rank;
    if (counts) std::memcpy(&chosen, name.mv_data, sizeof(chosen));
  }
  if (lowest != first) {
    name = {sizeof(chosen), &chosen};
    const int code = mdb_cursor_get(at, &name, &stored, MDB_SET_KEY);
    if (code != 0) return std::unexpected(code);
  }
  const std::size_t size = name.mv_size + stored.mv_size;
  const int code = mdb_cursor_del(at, 0);
  return code != 0 ? std::unexpected(code) : std::expected<std::size_t, int>(size);
}

int file_writer::evict_apart(std::size_t bytes) {
  auto within = file_.begin_write();
  if (!within) return within.error();
  int code = evict(*within, bytes);
  if (code == 0) code = within->commit();
  return code != 0 ? code : settle();
}

int file_writer::empty() {
  auto within = file_.begin_write();
  if (!within) return within.error();
  int code = mdb_drop(within->get(), file_.table(), 0);
  if (code == 0) code = within->commit();
  return code != 0 ? code : settle();
}

// What a transaction has freed may be used by the next but one: this is the one between.
int file_writer::settle() {
  auto within = file_.begin_write();
  if (!within) return within.error();
  const hash128 any{};
  MDB_val name{sizeof(any), const_cast<hash128*>(&any)};
  MDB_val nothing{};
  int code = mdb_put(within->get(), file_.table(), &name, &nothing, 0);
  if (code == 0) code = mdb_del(within->get(), file_.table(), &name, nullptr);
  return code != 0 ? code : within->commit();
}

}  // namespace lodestar::lmdb_tier
