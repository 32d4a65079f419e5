#include "disk_tier/entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <stdexcept>

namespace lodestar::bench {

entries draw_entries(std::size_t count, std::size_t value_bytes) {
  entries drawn{.keys = {}, .value_bytes = value_bytes};
  for (std::size_t number = 0; number < count; ++number)
    drawn.keys.push_back(fmt::format("bench:key:{:06}", number));
  std::mt19937_64 random(1);
  std::ranges::shuffle(drawn.keys, random);
  return drawn;
}

void write_value(std::string_view key, std::string& value) {
  for (std::size_t at = 0; at < value.size(); at += key.size())
    key.copy(value.data() + at, value.size() - at);
}

void write_keys(const std::filesystem::path& file, const entries& all) {
  std::ofstream stream(file, std::ios::binary);
  for (const std::string& key : all.keys) stream << key << '\n';
  if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace lodestar::bench
