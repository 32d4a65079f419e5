// Answers that every part of the HTTP interface gives.
#pragma once

#include <string_view>

#include <lodestar/base/error.hpp>
#include <lodestar/web/http.hpp>

namespace lodestar::app {

/// A problem document with a new error id; what is the server's fault is logged under the same id.
[[nodiscard]] web::response refuse(const error& what);
/// The same with a status that the error code alone does not tell (405, 406, 415).
[[nodiscard]] web::response refuse(int status, const error& what);

[[nodiscard]] web::response json_answer(int status, std::string body);

}  // namespace lodestar::app
