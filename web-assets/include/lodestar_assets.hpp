// The files of web-assets/, compiled into the binary. Made by cmake/LodestarAssets.cmake.
#pragma once

#include <span>

#include <lodestar/web/assets.hpp>

namespace lodestar {

/// Every file once, sorted by logical name. The texts live as long as the program.
[[nodiscard]] std::span<const web::asset> embedded_assets();

}  // namespace lodestar
