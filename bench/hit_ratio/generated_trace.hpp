// Generated traces by name, usable wherever a trace file is: `gen:loop:1011:100000`.
//
// The arguments stand after the generator's name, separated by colons; a last one more is the seed
// (1 when it is missing).
#pragma once

#include <string>
#include <string_view>

#include <lodestar/base/error.hpp>

#include "hit_ratio/trace.hpp"

namespace lodestar::bench::hit_ratio {

[[nodiscard]] bool is_generated(std::string_view name);

/// Errors say which argument is wrong, and how the name is to be written.
[[nodiscard]] result<void> check_generated(std::string_view name);

/// Errors of check_generated().
[[nodiscard]] result<trace> make_generated(std::string_view name);

/// One line for each generator: how its name is written.
[[nodiscard]] std::string generator_help();

}  // namespace lodestar::bench::hit_ratio
