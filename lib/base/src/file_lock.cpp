#include <lodestar/base/file_lock.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace lodestar {
namespace {

std::unexpected<error> refuse(const std::filesystem::path& place, std::string_view what,
                              int system_error) {
  const auto message = fmt::format("{}: {}", what, std::generic_category().message(system_error));
  switch (system_error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return fail(error_code::permission_denied, message, place.string(),
                  "give this user write access to the folder, or choose another one");
    case ENOSPC:
    case EDQUOT:
      return fail(error_code::storage_full, message, place.string(), "free space on this disk");
    default: return fail(error_code::unavailable, message, place.string(), "choose another folder");
  }
}

std::string holder_of(int descriptor) {
  std::array<char, 32> digits{};
  const ssize_t got = pread(descriptor, digits.data(), digits.size(), 0);
  std::string pid(digits.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid;
}

void write_pid(int descriptor) noexcept {
  // Only a help for people: a full disk must not keep the file from being opened for reading.
  const auto pid = fmt::format("{}\n", getpid());
  if (ftruncate(descriptor, 0) != 0) return;
  [[maybe_unused]] const ssize_t wrote = pwrite(descriptor, pid.data(), pid.size(), 0);
}

std::unexpected<error> refuse_taken(const std::filesystem::path& file, std::string_view what,
                                    int descriptor) {
  const auto pid = holder_of(descriptor);
  const auto who = pid.empty() ? std::string("another process") : "process " + pid;
  return fail(error_code::unavailable, fmt::format("{} is in use by {}", what, who), file.string(),
              "stop that process, or choose another file");
}

}  // namespace

result<file_lock> file_lock::acquire(const std::filesystem::path& file, std::string_view what) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    return refuse(folder, fmt::format("cannot create the folder of {}", what), problem.value());

  const auto path = file.string() + ".lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    const int reason = errno;
    return refuse(folder, fmt::format("cannot write in the folder of {}", what), reason);
  }
  file_lock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (reason == EWOULDBLOCK) return refuse_taken(file, what, descriptor);
    return refuse(path, fmt::format("cannot lock {}", what), reason);
  }
  write_pid(descriptor);
  return lock;
}

file_lock::file_lock(file_lock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

file_lock::~file_lock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace lodestar
