// So that a map with keys of std::string is asked with a std::string_view.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace lodestar::swr::detail {

struct text_hash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace lodestar::swr::detail
