#include "event_key.hpp"

#include <fmt/format.h>

#include <lodestar/keyexpr/key_expression.hpp>

namespace lodestar::analytics {

std::string event_key(const log::event& event) {
  return fmt::format("events/{}/{}/{}", keyexpr::escape_chunk(event.aggregate_type),
                     keyexpr::escape_chunk(event.aggregate_id), event.stream_version);
}

}  // namespace lodestar::analytics
