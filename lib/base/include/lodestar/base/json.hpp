// Writing JSON texts.
#pragma once

#include <string>
#include <string_view>

namespace lodestar {

/// Appends `text` as a JSON string with its quotes. Bytes that are not valid UTF-8 become U+FFFD;
/// '<', '>' and '&' stay.
void append_json_string(std::string& out, std::string_view text);

}  // namespace lodestar
