#include "api/answers.hpp"

#include <utility>

namespace lodestar::app {

web::response json_answer(int status, std::string body) {
  return {web::response_head(status,
                             {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}),
          {},
          shared_bytes(std::move(body))};
}

}  // namespace lodestar::app
