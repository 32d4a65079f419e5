// Writes on their way to the file, in order, and what readers must see of them until they are
// there.
//
// Thread-safety: all members from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <lodestar/base/bytes.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/hash.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::lmdb_tier {

struct write {
  enum class kind : std::uint8_t { set, remove, clear };
  kind what;
  std::string key = {};               ///< Of a set.
  hash128 name = {};                  ///< The same in the table.
  std::vector<hash128> removed = {};  ///< In the table.
  shared_bytes bytes = {};
  std::int64_t keep_until_ms = 0;
  steady_time deadline;
  swr::store::ended done;

  /// What it changes in the table.
  [[nodiscard]] std::span<const hash128> names() const noexcept {
    return what == kind::set ? std::span(&name, 1) : std::span(removed);
  }
  [[nodiscard]] std::size_t size() const noexcept;
};

class write_queue {
 public:
  explicit write_queue(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  /// False when it is full or closed: the write is left as it was.
  [[nodiscard]] bool push(write& next);

  /// What a key has that waits.
  struct seen {
    std::optional<shared_bytes> bytes;  ///< Nothing: it is being removed.
    std::int64_t keep_until_ms = 0;
  };
  /// Nothing: look into the file, in a transaction that begins after this call. `name` is what the
  /// table calls the key.
  [[nodiscard]] std::optional<seen> find(std::string_view key, const hash128& name) const;

  // --- for the one thread that writes

  /// Waits for writes; several at once, up to so many and so many bytes, or one. None when it is
  /// closed and empty. They stay here, unchanged, until forget(), and may be moved away from then
  /// until the next call.
  [[nodiscard]] std::span<write> take(std::size_t writes_wanted, std::size_t bytes_wanted);
  /// What was taken is in the file now, or has failed.
  void forget();

  /// push() takes no more.
  void close();

 private:
  [[nodiscard]] const write& at(std::uint64_t number) const noexcept;
  void note(const write& next, std::uint64_t number);
  void forget(std::size_t begin, std::size_t end);

  static constexpr std::size_t writes_max = 100'000;

  const std::size_t bytes_max_;
  std::atomic<std::size_t> count_ = 0;  // of writes that were not forgotten yet
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  // Writes have numbers in the order in which they came. When the last of those that leave was
  // taken, all that have arrived leave: as one, so that nothing is moved from one to the other.
  // Those are changed by the thread that writes; others look at what is in newest_.
  std::vector<write> arriving_;
  std::vector<write> leaving_;
  std::uint64_t first_arriving_ = 0;  // its number
  std::uint64_t first_leaving_ = 0;
  std::size_t batch_begin_ = 0;  // of leaving_: what was taken last
  std::size_t batch_end_ = 0;
  std::size_t waiting_ = 0;  // what was not taken yet
  std::size_t bytes_ = 0;    // of that
  // The number of the last write of each key. Their memory goes round without an allocator's lock.
  std::pmr::unsynchronized_pool_resource pool_;
  std::pmr::unordered_map<hash128, std::uint64_t> newest_{&pool_};
  std::size_t clears_ = 0;  // that wait: the file counts for nothing
  bool closed_ = false;
};

}  // namespace lodestar::lmdb_tier
