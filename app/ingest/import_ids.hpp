// The ids of a file's events that bring none: the same file imported again makes the same ids, so
// the log stores nothing twice.
//
// An id is a hash of the file's name (without its folder), the event's content, and how many events
// of this very content stood before it in the file. So a line may be corrected, added or removed,
// and all others keep their ids; two equal lines are two events; and equal lines of files with
// different names are different events.
//
// Memory: 12 bytes a slot, at most three quarters of them taken: 16 to 32 bytes for each different
// content (50 MB for 3 million), half as much again while the table grows. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/log/event.hpp>

namespace lodestar::app {

class import_ids {
 public:
  explicit import_ids(std::string_view file_name);

  /// The id of the file's next event; each event is asked for once, in the file's order.
  [[nodiscard]] std::string next(const log::new_event& event);

 private:
  [[nodiscard]] std::uint32_t count(std::uint64_t content_hash);
  [[nodiscard]] std::size_t slot_of(std::uint64_t content_hash) const noexcept;
  void grow();

  std::uint64_t seed_;
  std::string content_;
  std::vector<std::uint64_t> hashes_;  // open addressing; 0 = free
  std::vector<std::uint32_t> counts_;
  std::size_t taken_ = 0;
};

}  // namespace lodestar::app
