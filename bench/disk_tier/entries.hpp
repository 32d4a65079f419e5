// The entries that every subject holds: keys such as bench:key:000123 in an order drawn once, in
// which they are looked up, and values that are the key again and again. They are put in another
// order: as multiples of put_stride.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lodestar::bench {

/// Has no divisor in common with a power of ten.
inline constexpr std::size_t put_stride = 61'803;

struct entries {
  std::vector<std::string> keys;
  std::size_t value_bytes;
  /// The key that is put as the `number`th.
  [[nodiscard]] const std::string& to_put(std::size_t number) const {
    return keys[number * put_stride % keys.size()];
  }
};

[[nodiscard]] entries draw_entries(std::size_t count, std::size_t value_bytes);
/// Fills `value`.
void write_value(std::string_view key, std::string& value);
/// A key a line.
void write_keys(const std::filesystem::path& file, const entries& all);

}  // namespace lodestar::bench
