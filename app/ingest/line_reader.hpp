// The lines of a text file, none longer than a bound: a file that is not what it seems costs no
// more memory than that. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <lodestar/base/error.hpp>

namespace lodestar::app {

/// An event's payload and metadata have 1 MiB each at most; the rest is for blanks and escapes.
inline constexpr std::size_t line_bytes_max = 4U << 20;

class line_reader {
 public:
  [[nodiscard]] static result<std::unique_ptr<line_reader>> open(const std::filesystem::path& file);

  /// The next line without its '\n', nothing at the end of the file. Valid until the next call. A
  /// byte order mark before the first line is passed over. Errors: too_large, unavailable; then it
  /// stays where it is.
  [[nodiscard]] result<std::optional<std::string_view>> next();

  /// Of the line that next() returned or failed at: 1, 2, 3 …
  [[nodiscard]] std::uint64_t line_number() const noexcept { return line_number_; }
  [[nodiscard]] std::uint64_t read_bytes() const noexcept { return read_bytes_; }
  /// 0 to 1.
  [[nodiscard]] double progress() const noexcept;

 private:
  line_reader(std::ifstream stream, std::uint64_t size_bytes);
  [[nodiscard]] std::string_view take(std::size_t content_bytes, std::size_t all_bytes);
  [[nodiscard]] result<bool> read_more();

  std::ifstream stream_;
  std::uint64_t size_bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what of the buffer is read from the file and not handed out
  std::uint64_t read_bytes_ = 0;
  std::uint64_t line_number_ = 0;
};

}  // namespace lodestar::app
