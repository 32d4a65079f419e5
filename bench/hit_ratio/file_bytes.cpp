#include "hit_ratio/file_bytes.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>

namespace lodestar::bench::hit_ratio {
namespace {

constexpr std::string_view zstd_magic = "\x28\xB5\x2F\xFD";
constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

std::unexpected<error> too_large(const std::filesystem::path& file) {
  return fail(error_code::too_large, fmt::format("holds more than {} bytes", file_bytes_max),
              file.string(), "cut it into pieces");
}

result<std::string> read_raw(const std::filesystem::path& file) {
  if (const auto readable = check_readable(file); !readable)
    return std::unexpected(readable.error());
  std::ifstream stream(file, std::ios::binary);
  std::string content;
  std::string chunk(chunk_bytes, '\0');
  while (stream) {
    stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    content.append(chunk, 0, static_cast<std::size_t>(stream.gcount()));
    if (content.size() > file_bytes_max) return too_large(file);
  }
  if (stream.bad())
    return fail(error_code::unavailable, fmt::format("cannot be read: {}", std::strerror(errno)),
                file.string());
  return content;
}

std::unexpected<error> damaged(const std::filesystem::path& file, std::string what) {
  return fail(error_code::corrupt, std::move(what), file.string(), "fetch the file again");
}

result<std::string> decompress(std::string_view compressed, const std::filesystem::path& file) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  std::string content;
  std::string chunk(chunk_bytes, '\0');
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  std::size_t missing = 0;  // 0 when the input read so far ends with a whole frame.
  bool chunk_full = false;  // Then a part of what was read may still wait inside.
  while (in.pos < in.size || (missing != 0 && chunk_full)) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    missing = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(missing) != 0)
      return damaged(file, fmt::format("is no zstd file: {}", ZSTD_getErrorName(missing)));
    content.append(chunk, 0, out.pos);
    chunk_full = out.pos == out.size;
    if (content.size() > file_bytes_max) return too_large(file);
  }
  if (missing != 0) return damaged(file, "is truncated: its last zstd frame has no end");
  return content;
}

}  // namespace

result<void> check_readable(const std::filesystem::path& file) {
  int reason = 0;
  if (std::error_code ignored; std::filesystem::is_directory(file, ignored)) {
    reason = EISDIR;  // The stream would open, and then read nothing.
  } else {
    errno = 0;
    if (!std::ifstream(file, std::ios::binary)) reason = errno;
  }
  if (reason == 0) return {};
  return fail(reason == EACCES ? error_code::permission_denied : error_code::not_found,
              fmt::format("cannot be opened: {}", std::strerror(reason)), file.string(),
              "give the path of a trace, or gen:… for a generated one");
}

result<std::string> read_bytes(const std::filesystem::path& file) {
  auto content = read_raw(file);
  if (!content) return content;
  if (!content->starts_with(zstd_magic) && file.extension() != ".zst") return content;
  if (content->empty()) return damaged(file, "is truncated: it is empty");
  return decompress(*content, file);
}

}  // namespace lodestar::bench::hit_ratio
