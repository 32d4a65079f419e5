// A file descriptor that is closed at the end, and the local addresses that tests use.
#pragma once

#include <netinet/in.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::test {

class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int owned) noexcept : owned_(owned) {
    LODESTAR_ASSERT(owned_ >= 0, "the system gives a descriptor");
  }
  ~descriptor() { reset(); }
  descriptor(descriptor&& from) noexcept : owned_(std::exchange(from.owned_, -1)) {}
  descriptor& operator=(descriptor&& from) noexcept {
    std::swap(owned_, from.owned_);
    return *this;
  }

  [[nodiscard]] int get() const noexcept { return owned_; }
  [[nodiscard]] bool is_open() const noexcept { return owned_ >= 0; }
  void reset() noexcept {
    if (owned_ >= 0) ::close(std::exchange(owned_, -1));
  }

 private:
  int owned_ = -1;
};

/// 127.0.0.1; port 0: a free one.
[[nodiscard]] inline sockaddr_in local_address(std::uint16_t port) noexcept {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  made.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return made;
}

}  // namespace lodestar::test
