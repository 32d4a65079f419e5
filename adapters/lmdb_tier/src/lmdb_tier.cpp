#include <lodestar/lmdb_tier/lmdb_tier.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/file_lock.hpp>

#include "environment.hpp"
#include "file_check.hpp"
#include "file_writer.hpp"
#include "readers.hpp"
#include "record.hpp"
#include "write_queue.hpp"

namespace lodestar::lmdb_tier {
namespace {

constexpr std::size_t bytes_min = 1U << 20;
// An entry, and the writes of a transaction, take at most these parts of the file. A write, and the
// eviction that makes room for it, each change a page at least; what is changed is written to a
// free page; and pages that one transaction has freed are used by the next but one. So a
// transaction of a 64th of the pages needs a 16th of them to be free.
constexpr std::size_t entries_at_least = 16;
constexpr std::size_t batches_at_least = 64;
constexpr std::size_t page_bytes = 4'096;
constexpr std::size_t batch_bytes_max = 8U << 20;

// A record lies where nobody looked for long, and its reader reads all of it: the lines come at the
// same time and not one after the other.
void prefetch(std::string_view record) noexcept {
  constexpr std::size_t line_bytes = 64;
  constexpr std::size_t bytes_max = 2'048;  // The processor goes on by itself.
  const std::size_t bytes = std::min(record.size(), bytes_max);
  for (std::size_t at = 0; at < bytes; at += line_bytes) __builtin_prefetch(record.data() + at);
}

class lmdb_store final : public swr::store {
 public:
  lmdb_store(const options& settings, file_lock lock, environment file)
      : settings_(settings),
        lock_(std::move(lock)),
        file_(std::move(file)),
        readers_(file_.get()),
        queue_(settings.queue_bytes_max),
        writer_([this] { run(); }) {}
  ~lmdb_store() override {
    queue_.close();
    writer_.join();
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "lmdb"; }
  void get(std::string_view key, steady_time deadline, got done) override;
  void set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time deadline,
           ended done) override;
  void remove(std::span<const std::string_view> keys, steady_time deadline, ended done) override;
  void clear(steady_time deadline, ended done) override;

 private:
  [[nodiscard]] std::int64_t now_ms() const { return settings_.time->wall_us() / 1'000; }
  [[nodiscard]] bool is_kept(std::int64_t until_ms) const;
  void push(write next);
  void run();
  void apply(std::span<write> batch);

  const options settings_;
  const file_lock lock_;
  environment file_;
  readers readers_;
  write_queue queue_;
  std::thread writer_;
};

void lmdb_store::get(std::string_view key, steady_time, got done) {
  const hash128 named = name_of(key);
  if (const auto waiting = queue_.find(key, named)) {
    const bool there = waiting->bytes && is_kept(waiting->keep_until_ms);
    return done(there ? std::optional(waiting->bytes->view()) : std::nullopt);
  }
  const auto reading = readers_.begin();
  if (reading.failure() != 0) {
    return done(std::unexpected(error_of(reading.failure(), "the cache file cannot be read")));
  }
  const table_key at(named);
  MDB_val name = value_of(at.bytes());
  MDB_val stored{};
  const int code = mdb_get(reading.get(), file_.table(), &name, &stored);
  if (code == MDB_NOTFOUND) return done(std::nullopt);
  if (code != 0) return done(std::unexpected(error_of(code, "the cache file cannot be read")));
  prefetch(bytes_of(stored));
  const auto record = open_record(bytes_of(stored));
  const bool there = record && record->key == key && is_kept(record->header.keep_until_ms);
  done(there ? std::optional(record->bytes) : std::nullopt);
}

// Exact, and mostly without asking for the time of now, which costs several times as much.
bool lmdb_store::is_kept(std::int64_t until_ms) const {
  constexpr auto lag_ms = std::chrono::ceil<milliseconds>(clock::recent_lag_max).count();
  return until_ms > settings_.time->recent_wall_us() / 1'000 + lag_ms || until_ms > now_ms();
}

void lmdb_store::set(std::string_view key, shared_bytes bytes, nanoseconds keep_for,
                     steady_time deadline, ended done) {
  LODESTAR_ASSERT(keep_for > nanoseconds::zero(), "an entry is kept for more than nothing");
  const std::size_t size = key.size() + bytes.size();
  if (size > settings_.bytes_max / entries_at_least) {
    return done(fail(error_code::too_large,
                     fmt::format("an entry of {} bytes is too large for a cache file of {}", size,
                                 settings_.bytes_max),
                     settings_.file.string(), "make bytes_max larger, or the value smaller"));
  }
  const std::int64_t now = now_ms();
  const std::int64_t left = std::chrono::ceil<milliseconds>(keep_for).count();
  push({.what = write::kind::set,
        .key = std::string(key),
        .name = name_of(key),
        .bytes = std::move(bytes),
        .keep_until_ms = left < kept_for_ever - now ? now + left : kept_for_ever,
        .deadline = deadline,
        .done = std::move(done)});
}

void lmdb_store::remove(std::span<const std::string_view> keys, steady_time deadline, ended done) {
  std::vector<hash128> names;
  names.reserve(keys.size());
  for (const std::string_view key : keys) names.push_back(name_of(key));
  push({.what = write::kind::remove,
        .removed = std::move(names),
        .deadline = deadline,
        .done = std::move(done)});
}

void lmdb_store::clear(steady_time deadline, ended done) {
  push({.what = write::kind::clear, .deadline = deadline, .done = std::move(done)});
}

void lmdb_store::push(write next) {
  if (queue_.push(next)) return;
  next.done(fail(error_code::unavailable, "the cache file takes writes more slowly than they come",
                 settings_.file.string(), "make queue_bytes_max larger, or write less"));
}

void lmdb_store::run() {
  set_thread_name("lmdb writer");
  const std::size_t bytes = std::min(batch_bytes_max, settings_.bytes_max / batches_at_least);
  const std::size_t writes = settings_.bytes_max / batches_at_least / page_bytes;
  for (auto batch = queue_.take(writes, bytes); !batch.empty(); batch = queue_.take(writes, bytes))
    apply(batch);
}

void lmdb_store::apply(std::span<write> batch) {
  file_writer writer(file_, *settings_.time, *settings_.random);
  const steady_time now = settings_.time->now();
  std::vector<const write*> in_time;
  for (const write& each : batch)
    if (each.deadline >= now) in_time.push_back(&each);
  const result<void> outcome = writer.apply(in_time);
  // The table is what counts from here on, also for who is told now.
  queue_.forget();
  for (write& each : batch) {
    write finished = std::move(each);
    finished.done(finished.deadline >= now ? outcome
                                           : fail(error_code::deadline_exceeded,
                                                  "the cache file was not written in time"));
  }
}

/// What is told about it.
[[nodiscard]] result<error> set_aside(const std::filesystem::path& file, const std::string& why) {
  auto aside = file;
  aside += ".damaged";
  std::error_code problem;
  std::filesystem::rename(file, aside, problem);
  if (problem) std::filesystem::remove(file, problem);
  if (problem)
    return fail(error_code::permission_denied,
                fmt::format("the cache file is damaged ({}) and cannot be moved: {}", why,
                            problem.message()),
                file.string(), "delete it, or make its folder writable");
  auto table_of_readers = file;
  table_of_readers += "-lock";
  std::filesystem::remove(table_of_readers, problem);
  return error{error_code::corrupt,
               fmt::format("the cache file was damaged, and a new one begun: {}", why),
               aside.string(), "delete it, unless you want to know what happened"};
}

[[nodiscard]] bool is_damage(int code) noexcept {
  return code == MDB_INVALID || code == MDB_VERSION_MISMATCH || code == MDB_CORRUPTED ||
         code == MDB_PAGE_NOTFOUND || code == MDB_PANIC || code == MDB_INCOMPATIBLE;
}

}  // namespace

result<opened> open(const options& settings) {
  if (settings.bytes_max < bytes_min) {
    return fail(error_code::invalid_argument, "a cache file has at least 1 MiB", "bytes_max",
                "make it larger");
  }
  auto lock = file_lock::acquire(settings.file, "the cache file");
  if (!lock) return std::unexpected(lock.error());
  opened made;
  const auto begin_anew = [&](const std::string& why) -> result<void> {
    auto told = set_aside(settings.file, why);
    if (!told) return std::unexpected(std::move(told.error()));
    made.set_aside = *std::move(told);
    return {};
  };
  if (const auto right = check_file(settings.file); !right) {
    if (auto done = begin_anew(right.error()); !done) return std::unexpected(done.error());
  }
  auto file = environment::open(settings.file, settings.bytes_max);
  if (!file && is_damage(file.error())) {
    if (auto done = begin_anew(mdb_strerror(file.error())); !done)
      return std::unexpected(done.error());
    file = environment::open(settings.file, settings.bytes_max);
  }
  if (!file) {
    error why = error_of(file.error(), "the cache file cannot be opened");
    why.place = settings.file.string();
    return std::unexpected(std::move(why));
  }
  made.store = std::make_unique<lmdb_store>(settings, *std::move(lock), *std::move(file));
  return made;
}

}  // namespace lodestar::lmdb_tier
