// What nodes tell each other, as bytes (docs/formats/backplane_message.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <lodestar/swr/envelope.hpp>

namespace lodestar::swr::detail {

enum class announcement : std::uint8_t {
  set = 1,
  removed = 2,
  tag_removed = 3,
  cleared = 4,
  distrust = 5,  ///< Too much was not announced: believe nothing that is older.
  repaired = 6,  ///< A shared tier was changed late: who wrote something newer, or what has this
                 ///< stamp, may have to write it again.
};

struct backplane_message {
  announcement what;
  write_stamp stamp;
  std::string_view name;  ///< Of the cache.
  std::string_view key;   ///< Or the tag.
};

[[nodiscard]] std::string encode_message(const backplane_message& message);
/// Nothing when it is not one. Texts point into the bytes.
[[nodiscard]] std::optional<backplane_message> decode_message(std::string_view bytes);

}  // namespace lodestar::swr::detail
