#include "api/answers.hpp"

#include <utility>

#include <fmt/format.h>
#include <lodestar/base/logging.hpp>
#include <lodestar/base/random.hpp>

namespace lodestar::app {

web::response refuse(const error& what) { return refuse(web::status_of(what.code), what); }

web::response refuse(int status, const error& what) {
  const std::string error_id = fmt::format("{:016x}", system_random().next());
  if (status >= 500) {
    log_warning("http", what.message, {{"status", status}, {"code", to_string(what.code)}, {"place", what.place}, {"errorId", error_id}});
  }
  return web::problem(status, what, error_id);
}

web::response json_answer(int status, std::string body) {
  return {web::response_head(status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}), {},
          shared_bytes(std::move(body))};
}

}  // namespace lodestar::app
