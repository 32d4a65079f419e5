#include <lodestar/cache/detail/snapshot_file.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <istream>
#include <memory>
#include <ostream>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace lodestar::cache::detail {
namespace {

std::unexpected<error> refuse(const std::filesystem::path& path, std::string_view doing,
                              int reason) {
  auto code = error_code::unavailable;
  std::string hint;
  if (reason == ENOENT || reason == ENOTDIR) {
    code = error_code::not_found;
    hint = "check the path, and that its folder exists";
  } else if (reason == EACCES || reason == EPERM || reason == EROFS) {
    code = error_code::permission_denied;
    hint = "let this process read and write the file and its folder";
  } else if (reason == ENOSPC || reason == EDQUOT) {
    code = error_code::storage_full;
    hint = "make room on the disk";
  }
  return fail(code, fmt::format("{}: {}", doing, std::strerror(reason)), path.string(),
              std::move(hint));
}

// The name of the file is durable when its folder is.
int sync_folder(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  const int reason = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  return reason;
}

}  // namespace

result<replaced_file> replaced_file::begin(const std::filesystem::path& path) {
  std::string temporary = fmt::format("{}.saving-XXXXXX", path.string());
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return refuse(path, "the snapshot cannot be written here", errno);
  return replaced_file(path, std::move(temporary), descriptor);
}

replaced_file::replaced_file(std::filesystem::path path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

replaced_file::replaced_file(replaced_file&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

replaced_file::~replaced_file() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

result<void> replaced_file::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return refuse(path_, "the snapshot cannot be written", errno);
    }
  }
  return {};
}

result<void> replaced_file::commit() {
  if (::fsync(descriptor_) != 0) return refuse(path_, "the snapshot cannot be synced", errno);
  if (::close(std::exchange(descriptor_, -1)) != 0)
    return refuse(path_, "the snapshot cannot be closed", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    return refuse(path_, "the snapshot cannot be put in its place", errno);
  temporary_.clear();
  if (const int reason = sync_folder(path_); reason != 0)
    return refuse(path_, "the folder of the snapshot cannot be synced", reason);
  return {};
}

byte_sink sink_of(std::ostream& stream) {
  return [&stream](std::string_view bytes) -> result<void> {
    if (stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return {};
    return fail(error_code::unavailable, "the stream takes no more bytes", "snapshot",
                "look at where the stream writes to");
  };
}

byte_source source_of(std::istream& stream, std::string name) {
  return [&stream, name = std::move(name)](std::span<char> place) -> result<std::size_t> {
    stream.read(place.data(), static_cast<std::streamsize>(place.size()));
    if (stream.bad()) return fail(error_code::unavailable, "the snapshot cannot be read", name);
    return static_cast<std::size_t>(stream.gcount());
  };
}

result<byte_source> open_source(const std::filesystem::path& path) {
  errno = 0;
  auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!*file) return refuse(path, "the snapshot cannot be opened", errno == 0 ? EIO : errno);
  return
      [file, read = source_of(*file, path.string())](std::span<char> place) { return read(place); };
}

}  // namespace lodestar::cache::detail
