// Puts the parts together: log → analytics → pages → HTTP. The only place that knows all of them.
//
// Start and stop are ordered. stop(): no new connections, streams aborted (clients come back),
// answers under way finished, queries cancelled, log flushed and closed; bounded in time.
#pragma once

#include <cstdint>
#include <memory>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>

#include "config/project.hpp"

namespace lodestar::app {

class application {
 public:
  /// Errors name the setting or file and the fix. The project must outlive the application.
  [[nodiscard]] static result<std::unique_ptr<application>> start(const project& configuration,
                                                                  clock& time);
  virtual ~application() = default;

  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
  /// "http://127.0.0.1:8080"
  [[nodiscard]] virtual std::string url() const = 0;
  virtual void stop() = 0;
};

/// The file of the event log in a data folder.
[[nodiscard]] std::filesystem::path log_file(const settings& values);

}  // namespace lodestar::app
