// One reply of the server. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lodestar::redis_tier {

struct reply {
  enum class kind : std::uint8_t { nil, status, error, integer, bulk, array };
  kind what = kind::nil;
  std::int64_t integer = 0;
  std::string text = {};  ///< Of a status, an error, a bulk.
  std::vector<reply> elements = {};

  [[nodiscard]] bool is_text() const noexcept { return what == kind::bulk || what == kind::status; }
  friend bool operator==(const reply&, const reply&) = default;
};

}  // namespace lodestar::redis_tier
