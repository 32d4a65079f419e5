// Puts writes into the file, and takes out entries when it gets full.
//
// Thread-safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/random.hpp>

#include "changes.hpp"
#include "environment.hpp"
#include "write_queue.hpp"

namespace lodestar::lmdb_tier {

class file_writer {
 public:
  file_writer(environment& file, const clock& time, random_source& random) noexcept
      : file_(file), time_(time), random_(random) {}

  /// All of them, or none: the error.
  [[nodiscard]] result<void> apply(const std::vector<const write*>& writes);

 private:
  [[nodiscard]] int try_apply(const changes& wanted);
  [[nodiscard]] int put(const transaction& within, const change& each);
  [[nodiscard]] int remove(const transaction& within, const change& each);
  [[nodiscard]] int make_room(const transaction& within, std::size_t bytes_written);
  [[nodiscard]] int evict(const transaction& within, std::size_t bytes);
  [[nodiscard]] std::expected<std::size_t, int> evict_one(MDB_cursor* at);
  [[nodiscard]] int evict_apart(std::size_t bytes);
  [[nodiscard]] int empty();
  [[nodiscard]] int settle();
  [[nodiscard]] std::int64_t now_ms() const { return time_.wall_us() / 1'000; }

  environment& file_;
  const clock& time_;
  random_source& random_;
  std::int64_t written_ms_ = 0;
};

}  // namespace lodestar::lmdb_tier
