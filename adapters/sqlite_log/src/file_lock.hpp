// The exclusive right to a log's file: flock on `<file>.lock`, which holds the owner's process id.
// The kernel gives the lock back when the process ends, however it ends; the lock file stays.
#pragma once

#include <filesystem>

#include <lodestar/base/error.hpp>

namespace lodestar::sqlite_log {

class file_lock {
 public:
  /// Creates the folder when it is missing. Errors: unavailable (naming the holder's pid),
  /// permission_denied, storage_full.
  [[nodiscard]] static result<file_lock> acquire(const std::filesystem::path& file);

  file_lock(file_lock&& other) noexcept;
  file_lock& operator=(file_lock&&) = delete;
  ~file_lock();

 private:
  explicit file_lock(int descriptor) noexcept : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace lodestar::sqlite_log
