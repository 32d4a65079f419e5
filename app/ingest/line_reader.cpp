#include "ingest/line_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace lodestar::app {
namespace {

constexpr std::size_t buffer_bytes_at_first = 256U << 10;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

result<std::unique_ptr<line_reader>> line_reader::open(const std::filesystem::path& file) {
  std::error_code status;
  const auto size_bytes = std::filesystem::file_size(file, status);
  std::ifstream stream(file, std::ios::binary);
  if (status || !stream) {
    return fail(error_code::not_found, "cannot be read", file.string(),
                "check the name and the permissions");
  }
  return std::unique_ptr<line_reader>(new line_reader(std::move(stream), size_bytes));
}

line_reader::line_reader(std::ifstream stream, std::uint64_t size_bytes)
    : stream_(std::move(stream)), size_bytes_(size_bytes), buffer_(buffer_bytes_at_first) {}

result<std::optional<std::string_view>> line_reader::next() {
  ++line_number_;
  for (std::size_t searched = 0;;) {
    const char* const unread = buffer_.data() + begin_;
    const std::size_t unread_bytes = end_ - begin_;
    const auto* const line_end =
        static_cast<const char*>(std::memchr(unread + searched, '\n', unread_bytes - searched));
    if (line_end != nullptr) {
      const auto bytes = static_cast<std::size_t>(line_end - unread);
      return take(bytes, bytes + 1);
    }
    searched = unread_bytes;
    const auto more = read_more();
    if (!more) return std::unexpected(more.error());
    if (*more) continue;
    if (unread_bytes == 0) return std::nullopt;
    return take(unread_bytes, unread_bytes);
  }
}

double line_reader::progress() const noexcept {
  return size_bytes_ == 0
             ? 1.0
             : std::min(1.0, static_cast<double>(read_bytes_) / static_cast<double>(size_bytes_));
}

std::string_view line_reader::take(std::size_t content_bytes, std::size_t all_bytes) {
  std::string_view line(buffer_.data() + begin_, content_bytes);
  begin_ += all_bytes;
  read_bytes_ += all_bytes;
  if (line_number_ == 1 && line.starts_with(byte_order_mark))
    line.remove_prefix(byte_order_mark.size());
  return line;
}

/// Reads further bytes behind the unread ones; false at the end of the file.
result<bool> line_reader::read_more() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= std::exchange(begin_, 0);
  if (end_ >= line_bytes_max) {
    return fail(error_code::too_large,
                fmt::format("the line is longer than {} MiB", line_bytes_max >> 20), {},
                "a file has one event or row a line");
  }
  if (end_ == buffer_.size()) buffer_.resize(std::min(2 * buffer_.size(), line_bytes_max));
  stream_.read(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
  if (stream_.bad()) return fail(error_code::unavailable, "cannot be read to its end");
  const auto bytes = static_cast<std::size_t>(stream_.gcount());
  end_ += bytes;
  return bytes > 0;
}

}  // namespace lodestar::app
