// An answer that several parts of the HTTP interface give.
#pragma once

#include <string>

#include <lodestar/web/http.hpp>

namespace lodestar::app {

[[nodiscard]] web::response json_answer(int status, std::string body);

}  // namespace lodestar::app
