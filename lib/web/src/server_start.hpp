// server::start with the limits that are not options; for tests.
#pragma once

#include <lodestar/web/server.hpp>

#include "server_limits.hpp"

namespace lodestar::web {

[[nodiscard]] result<std::unique_ptr<server>> start_server(const server_options& settings,
                                                           const server_limits& limits,
                                                           handler on_request,
                                                           metrics_registry& metrics);

}  // namespace lodestar::web
