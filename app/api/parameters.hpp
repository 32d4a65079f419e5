// What holds for the parameters of every request.
#pragma once

#include <lodestar/base/error.hpp>
#include <lodestar/web/http.hpp>

namespace lodestar::app {

/// Refuses a parameter that is given more than once: none of ours is a list, and whichever value
/// were taken, somebody would have meant the other one.
[[nodiscard]] result<void> refuse_repeated(const web::request& request);

}  // namespace lodestar::app
