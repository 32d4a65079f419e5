#include "cache_throughput/key_file.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>

namespace lodestar::bench {
namespace {

constexpr std::size_t key_bytes = sizeof(std::uint64_t);

void append_little_endian(std::string& out, std::uint64_t key) {
  for (std::size_t byte = 0; byte < key_bytes; ++byte)
    out += static_cast<char>(static_cast<unsigned char>(key >> (8 * byte)));
}

std::uint64_t little_endian_at(const std::string& bytes, std::size_t offset) {
  std::uint64_t key = 0;
  for (std::size_t byte = 0; byte < key_bytes; ++byte) {
    const auto value = static_cast<unsigned char>(bytes[offset + byte]);
    key |= static_cast<std::uint64_t>(value) << (8 * byte);
  }
  return key;
}

}  // namespace

result<void> write_keys(const std::filesystem::path& file, std::span<const std::uint64_t> keys) {
  std::string bytes;
  bytes.reserve(keys.size() * key_bytes);
  for (const auto key : keys) append_little_endian(bytes, key);
  std::ofstream stream(file, std::ios::binary);
  stream << bytes;
  if (!stream.flush())
    return fail(error_code::unavailable, "the keys cannot be written", file.string(),
                "is there room, and may this process write there?");
  return {};
}

result<std::vector<std::uint64_t>> read_keys(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream)
    return fail(error_code::not_found, "the keys cannot be read", file.string(),
                "write_keys() makes the file");
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (bytes.size() % key_bytes != 0)
    return fail(error_code::corrupt,
                fmt::format("{} bytes are no whole number of keys", bytes.size()), file.string(),
                "the file was cut short: write it again");
  std::vector<std::uint64_t> keys(bytes.size() / key_bytes);
  for (std::size_t index = 0; index < keys.size(); ++index)
    keys[index] = little_endian_at(bytes, index * key_bytes);
  return keys;
}

}  // namespace lodestar::bench
