// The exclusive right of a process to a file: flock on `<file>.lock`, which holds the owner's
// process id. The kernel gives the lock back when the process ends, however it ends; the lock file
// stays.
//
// Thread-safety: acquire() on any thread; a lock belongs to one thread at a time.
#pragma once

#include <filesystem>
#include <string_view>

#include <lodestar/base/error.hpp>

namespace lodestar {

class file_lock {
 public:
  /// Creates the folder when it is missing. `what` the file is, for messages: "the event log".
  /// Errors: unavailable (naming the holder's pid), permission_denied, storage_full.
  [[nodiscard]] static result<file_lock> acquire(const std::filesystem::path& file,
                                                 std::string_view what);

  file_lock(file_lock&& other) noexcept;
  file_lock& operator=(file_lock&&) = delete;
  ~file_lock();

 private:
  explicit file_lock(int descriptor) noexcept : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace lodestar
