// The keys that all subjects use, in one file: unsigned 64-bit integers, little endian.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include <lodestar/base/error.hpp>

namespace lodestar::bench {

[[nodiscard]] result<void> write_keys(const std::filesystem::path& file,
                                      std::span<const std::uint64_t> keys);
[[nodiscard]] result<std::vector<std::uint64_t>> read_keys(const std::filesystem::path& file);

}  // namespace lodestar::bench
