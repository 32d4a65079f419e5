// A command as the server reads it.
//
//   format_command({"SET", key, value, "PX", "1000"})
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace lodestar::redis_tier {

/// Words of any bytes.
[[nodiscard]] std::string format_command(std::span<const std::string_view> words);
[[nodiscard]] std::string format_command(std::initializer_list<std::string_view> words);

}  // namespace lodestar::redis_tier
