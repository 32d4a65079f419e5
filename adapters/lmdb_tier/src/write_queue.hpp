// Writes on their way to the file, in order, and what readers must see of them until they are
// there.
//
// Thread-safety: all members from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <lodestar/base/bytes.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::lmdb_tier {

struct write {
  enum class kind : std::uint8_t { set, remove, clear };
  kind what;
  std::vector<std::string> keys = {};
  shared_bytes bytes = {};
  std::int64_t keep_until_ms = 0;
  steady_time deadline;
  swr::store::ended done;
  std::uint64_t number = 0;  ///< Given by the queue.

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
  /// Nothing: look into the file, in a transaction that begins after this call.
  [[nodiscard]] std::optional<seen> find(std::string_view key) const;

  /// Waits for writes; several at once, up to so many and so many bytes, or one. None when it is
  /// closed and empty.
  [[nodiscard]] std::vector<write> take(std::size_t writes_wanted, std::size_t bytes_wanted);
  /// They are in the file now, or have failed.
  void forget(const std::vector<write>& taken);
  /// push() takes no more.
  void close();

 private:
  struct texts {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct waiting {
    seen what;
    std::uint64_t number;
  };
  void note(const write& next);

  static constexpr std::size_t writes_max = 100'000;

  const std::size_t bytes_max_;
  std::atomic<std::size_t> count_ = 0;  // of writes that were not forgotten yet
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<write> queue_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, waiting, texts, std::equal_to<>> newest_;
  std::size_t clears_ = 0;  // that wait: the file counts for nothing
  std::uint64_t numbers_ = 0;
  bool closed_ = false;
};

}  // namespace lodestar::lmdb_tier
