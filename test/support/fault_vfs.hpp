// A SQLite VFS over the system's own that fails on command and can lose what was not synced.
//
//   fail_at(n, …)   the n-th operation from now on fails, once or with all that follow
//   crash_at(n)     from the n-th operation on the disk is gone: every operation fails
//   lose_unsynced() what a power failure leaves: each 512-byte sector written since the last sync
//   of its file keeps its
//                   new content or gets its old one back, by chance; also growth and truncation of
//                   files
//
// Syncs are only bookkeeping (the machine that runs the test stays up), which makes thousands of
// crashes cheap. Deleting a file counts as durable at once. The shared memory of the WAL index is
// not a disk and passes through.
//
// Thread-safety: every member on any thread, but lose_unsynced() only while no connection is open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <sqlite3.h>
#include <lodestar/base/random.hpp>

namespace lodestar::test {

/// Kinds of operations, as bits.
namespace disk {
inline constexpr unsigned open = 1, remove = 2, read = 4, write = 8, truncate = 16, sync = 32,
                          lock = 64, map = 128;
inline constexpr unsigned any = 255;
inline constexpr unsigned changes = open | remove | write | truncate | sync;
}  // namespace disk

class fault_vfs {
 public:
  explicit fault_vfs(std::string name);
  ~fault_vfs();
  fault_vfs(const fault_vfs&) = delete;
  fault_vfs& operator=(const fault_vfs&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  enum class repeat : std::uint8_t { once, from_then_on };
  /// Operations of these kinds are counted from 1. `code` 0 chooses the I/O error that fits the
  /// operation.
  void fail_at(std::uint64_t nth, unsigned kinds, int code, repeat how_often);
  void crash_at(std::uint64_t nth) { fail_at(nth, disk::changes, 0, repeat::from_then_on); }
  /// Works again; the count starts over.
  void heal();
  /// Whether the fault was reached.
  [[nodiscard]] bool hit() const;

  void lose_unsynced(random_source& random, unsigned keep_percent);

  /// For the file methods: the error of this operation, 0 to go on.
  [[nodiscard]] int meet(unsigned kind, int fitting_error);
  void note_open(const std::string& path);
  void note_write(sqlite3_file* real, const std::string& path, std::int64_t offset,
                  std::int64_t bytes);
  void note_truncate(sqlite3_file* real, const std::string& path, std::int64_t size);
  void note_sync(sqlite3_file* real, const std::string& path);
  void note_remove(const std::string& path);
  [[nodiscard]] sqlite3_vfs* real() const noexcept { return real_; }

 private:
  static constexpr std::int64_t sector_bytes = 512;
  struct unsynced {
    std::int64_t durable_size = 0;
    std::map<std::int64_t, std::vector<char>> old_sectors;  // Of the durable content, by offset.
    std::map<std::int64_t, bool> new_sectors;               // Beyond it, by offset.
  };
  void keep_old(sqlite3_file* real, unsynced& file, std::int64_t begin, std::int64_t end);
  static void lose(const std::string& path, const unsynced& file, random_source& random,
                   unsigned keep_percent);

  std::string name_;
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_{};

  mutable std::mutex mutex_;
  std::uint64_t operations_ = 0;
  std::uint64_t nth_ = 0;
  unsigned kinds_ = 0;
  int code_ = 0;
  repeat how_often_ = repeat::once;
  bool hit_ = false;
  std::map<std::string, unsynced> files_;
};

}  // namespace lodestar::test
