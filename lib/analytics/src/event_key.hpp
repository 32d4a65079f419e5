// The key of an event, by which dependencies hear of it: events/{aggregate type}/{aggregate
// id}/{version}.
#pragma once

#include <string>

#include <lodestar/log/event.hpp>

namespace lodestar::analytics {

[[nodiscard]] std::string event_key(const log::event& event);

}  // namespace lodestar::analytics
