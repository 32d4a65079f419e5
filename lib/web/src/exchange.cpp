#include <lodestar/base/assert.hpp>

#include "channel.hpp"

namespace lodestar::web {

exchange::exchange(std::shared_ptr<channel> wire) noexcept : wire_(std::move(wire)) {}

exchange::exchange(exchange&& other) noexcept = default;

exchange& exchange::operator=(exchange&& other) noexcept {
  if (this != &other) {
    if (const auto mine = std::exchange(wire_, std::move(other.wire_))) mine->abandon();
  }
  return *this;
}

exchange::~exchange() {
  if (wire_) wire_->abandon();
}

void exchange::send(response answer) {
  LODESTAR_ASSERT(wire_, "a request is answered once");
  std::exchange(wire_, nullptr)->send(std::move(answer));
}

void exchange::stream(std::shared_ptr<feed> source) {
  LODESTAR_ASSERT(wire_, "a request is answered once");
  LODESTAR_ASSERT(source, "there is a feed to show");
  std::exchange(wire_, nullptr)->stream(std::move(source));
}

}  // namespace lodestar::web
