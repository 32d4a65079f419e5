// Names of request parameters that mean the same everywhere: nothing of a project may be called so,
// because its value could never be passed.
#pragma once

#include <array>
#include <string_view>

namespace lodestar::app::reserved {

inline constexpr std::string_view format = "format";
inline constexpr std::string_view min_position = "min_position";
inline constexpr std::string_view as_of = "as_of";
/// Of every query.
inline constexpr std::array query_parameters = {format, min_position, as_of};

/// The signals that Datastar appends to the address of a page's feed.
inline constexpr std::string_view signals = "datastar";

}  // namespace lodestar::app::reserved
