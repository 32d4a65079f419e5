#include "api/parameters.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lodestar::app {

result<void> refuse_repeated(const web::request& request) {
  const auto& query = request.query;
  for (auto at = query.begin(); at != query.end(); ++at) {
    const auto first = std::ranges::find(query.begin(), at, at->first, &web::name_value::first);
    if (first == at) continue;
    return fail(error_code::invalid_argument, fmt::format("{} is given twice", at->first),
                fmt::format("parameter {}", at->first), "keep one of them");
  }
  return {};
}

}  // namespace lodestar::app
