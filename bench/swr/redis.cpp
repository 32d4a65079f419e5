#include "swr/redis.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

namespace lodestar::bench {
namespace {

std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof where;
  auto* const any = reinterpret_cast<sockaddr*>(&where);
  const bool found = ::bind(probe, any, bytes) == 0 && ::getsockname(probe, any, &bytes) == 0;
  ::close(probe);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(where.sin_port);
}

bool is_ready(child_process& server) {
  for (;;) {
    const auto line = server.read_line(std::chrono::seconds(10));
    if (!line) return false;
    if (line->contains("Ready to accept connections")) return true;
  }
}

}  // namespace

std::unique_ptr<private_redis> private_redis::start() {
  const auto program = find_program("redis-server");
  if (!program) return nullptr;
  return std::unique_ptr<private_redis>(new private_redis(*program));
}

// Somebody else may take a port between the moment it was found free and its use.
private_redis::private_redis(const std::string& program) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    process_.emplace(std::vector<std::string>{program, "--port", std::to_string(port_), "--bind",
                                              "127.0.0.1", "--dir", folder_.path(), "--save", ""});
    if (is_ready(*process_)) return;
  }
  throw std::runtime_error("redis-server does not start");
}

std::string private_redis::url() const {
  return fmt::format("redis://127.0.0.1:{}", port_);
}

}  // namespace lodestar::bench
