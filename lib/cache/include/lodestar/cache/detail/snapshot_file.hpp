// Where snapshots go and come from: files and streams.
//
// Thread-safety: none; two objects may replace the same file, and the last commit() stays.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>

#include <lodestar/base/error.hpp>
#include <lodestar/cache/detail/snapshot_format.hpp>

namespace lodestar::cache::detail {

/// A file that appears whole or not at all: it is written under another name beside its place,
/// synced and renamed. Destroyed without commit(), it leaves what was there before.
class replaced_file {
 public:
  [[nodiscard]] static result<replaced_file> begin(const std::filesystem::path& path);
  replaced_file(replaced_file&& other) noexcept;
  replaced_file& operator=(replaced_file&&) = delete;
  ~replaced_file();

  [[nodiscard]] result<void> write(std::string_view bytes);
  [[nodiscard]] result<void> commit();

 private:
  replaced_file(std::filesystem::path path, std::string temporary, int descriptor);

  std::filesystem::path path_;
  std::string temporary_;
  int descriptor_;
};

/// The stream outlives what it returns.
[[nodiscard]] byte_sink sink_of(std::ostream& stream);
[[nodiscard]] byte_source source_of(std::istream& stream, std::string name);
[[nodiscard]] result<byte_source> open_source(const std::filesystem::path& path);

}  // namespace lodestar::cache::detail
