#include "hit_ratio/trace_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include <lodestar/base/hash.hpp>

#include "hit_ratio/file_bytes.hpp"
#include "hit_ratio/text.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> extensions{".zst", ".u64",   ".lis",
                                                     ".txt", ".trace", ".trc"};
constexpr std::string_view blanks = " \t\r";

/// The file as its name says it, without .zst.
std::string format_extension(const fs::path& file) {
  return (file.extension() == ".zst" ? file.stem() : file).extension().string();
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

struct arc_line {
  std::uint64_t start, count;
};

/// Exactly four decimal numbers.
std::optional<arc_line> parse_arc(std::string_view line) {
  std::array<std::uint64_t, 4> fields{};
  for (std::uint64_t& field : fields) {
    const std::size_t end = std::min(line.find_first_of(blanks), line.size());
    const auto value = parse_number<std::uint64_t>(line.substr(0, end));
    if (!value) return std::nullopt;
    field = *value;
    line = trim(line.substr(end));
  }
  if (!line.empty()) return std::nullopt;
  return arc_line{fields[0], fields[1]};
}

/// The lines that are neither blank nor a mark.
class line_reader {
 public:
  explicit line_reader(std::string_view text) : rest_(text) {}

  bool next() {
    do {
      if (rest_.empty()) return false;
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      line_ = trim(rest_.substr(0, end));
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++number_;
    } while (line_.empty() || line_ == "*");
    return true;
  }
  [[nodiscard]] std::string_view line() const noexcept { return line_; }
  [[nodiscard]] std::size_t number() const noexcept { return number_; }

 private:
  std::string_view rest_;
  std::string_view line_;
  std::size_t number_ = 0;
};

std::unexpected<error> too_many(const std::string& place) {
  return fail(error_code::too_large, fmt::format("more than {} accesses", accesses_max), place,
              "cut the trace into pieces");
}

result<key_sequence> parse_binary(std::string_view bytes, const fs::path& file) {
  static_assert(std::endian::native == std::endian::little);
  if (bytes.size() / sizeof(std::uint64_t) > accesses_max) return too_many(file.string());
  if (const auto rest = bytes.size() % sizeof(std::uint64_t); rest != 0) {
    return fail(error_code::corrupt,
                fmt::format("is truncated: {} bytes after the last whole 64-bit key", rest),
                file.string(), "fetch the file again, or give text another name than .u64");
  }
  key_sequence keys(bytes.size() / sizeof(std::uint64_t));
  if (!keys.empty()) std::memcpy(keys.data(), bytes.data(), bytes.size());
  return keys;
}

result<key_sequence> parse_arc_text(std::string_view text, const fs::path& file) {
  key_sequence keys;
  for (line_reader lines(text); lines.next();) {
    const auto fields = parse_arc(lines.line());
    const auto place = [&] { return fmt::format("{}:{}", file.string(), lines.number()); };
    if (!fields)
      return fail(error_code::corrupt, "is not four decimal numbers", place(),
                  "an ARC trace holds lines of start, count, ignored, number");
    if (fields->count > accesses_max - keys.size()) return too_many(place());
    for (std::uint64_t index = 0; index < fields->count; ++index)
      keys.push_back(fields->start + index);
  }
  return keys;
}

result<key_sequence> parse_key_lines(std::string_view text, const fs::path& file) {
  key_sequence keys;
  for (line_reader lines(text); lines.next();) {
    if (keys.size() == accesses_max) return too_many(file.string());
    const auto number = parse_number<std::uint64_t>(lines.line());
    keys.push_back(number ? *number : hash_bytes_64(lines.line()));
  }
  return keys;
}

bool looks_like_arc(std::string_view text) {
  line_reader lines(text);
  return lines.next() && parse_arc(lines.line());
}

result<key_sequence> parse(std::string_view content, const fs::path& file) {
  const std::string extension = format_extension(file);
  if (extension == ".u64" || content.contains('\0')) return parse_binary(content, file);
  if (extension == ".lis" || looks_like_arc(content)) return parse_arc_text(content, file);
  return parse_key_lines(content, file);
}

}  // namespace

result<trace> read_trace(const fs::path& file) {
  const auto content = read_bytes(file);
  if (!content) return std::unexpected(content.error());
  auto keys = parse(*content, file);
  if (!keys) return std::unexpected(std::move(keys).error());
  if (keys->empty())
    return fail(error_code::invalid_argument, "holds no access", file.string(),
                "give a trace with keys");
  return make_trace(trace_name(file), *std::move(keys));
}

std::string trace_name(const fs::path& file) {
  fs::path name = file.filename();
  while (std::ranges::find(extensions, name.extension().string()) != extensions.end())
    name = name.stem();
  return name.string();
}

}  // namespace lodestar::bench::hit_ratio
