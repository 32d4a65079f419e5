// The content of a file, decompressed when it is compressed with zstd.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <lodestar/base/error.hpp>

namespace lodestar::bench::hit_ratio {

/// The most that a file may hold, decompressed.
inline constexpr std::size_t file_bytes_max = std::size_t{8} << 30;

/// Whether it can be opened for reading: not_found or permission_denied when not.
[[nodiscard]] result<void> check_readable(const std::filesystem::path& file);

/// Reads the whole file. What begins like a zstd frame, or is named .zst, is decompressed.
/// Errors of check_readable(), and corrupt when it is cut off or damaged.
[[nodiscard]] result<std::string> read_bytes(const std::filesystem::path& file);

}  // namespace lodestar::bench::hit_ratio
