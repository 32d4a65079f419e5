// What an exchange holds on to: the connection, seen from the handler's side. All members may be
// called from any thread, also after the connection has closed.
#pragma once

#include <memory>

#include <lodestar/web/server.hpp>

namespace lodestar::web {

class exchange::channel {
 public:
  virtual ~channel() = default;
  virtual void send(response answer) = 0;
  virtual void stream(std::shared_ptr<feed> source) = 0;
  /// The exchange was destroyed without an answer.
  virtual void abandon() = 0;
};

}  // namespace lodestar::web
