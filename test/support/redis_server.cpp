#include "redis_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include <lodestar/base/assert.hpp>

#include "descriptor.hpp"

namespace lodestar::test {
namespace {

constexpr const char* program = "/usr/bin/redis-server";

// A client that waits for its answers.
class plain_client {
 public:
  explicit plain_client(std::uint16_t port) {
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    const sockaddr_in where = local_address(port);
    const int code =
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where));
    LODESTAR_ASSERT(code == 0, "the server of the test can be reached");
  }

  std::string ask(const std::vector<std::string_view>& words) {
    std::string wire("*");
    wire.append(std::to_string(words.size())).append("\r\n");
    for (const std::string_view word : words) {
      wire.append("$").append(std::to_string(word.size())).append("\r\n");
      wire.append(word).append("\r\n");
    }
    const auto sent = ::send(socket_.get(), wire.data(), wire.size(), MSG_NOSIGNAL);
    LODESTAR_ASSERT(sent == static_cast<ssize_t>(wire.size()), "the server of the test reads");
    return reply();
  }

 private:
  std::string reply() {
    const std::string head = line();
    const std::string rest = head.substr(1);
    if (head[0] != '$' && head[0] != '*') return rest;
    const long count = std::atol(rest.c_str());
    if (count < 0) return "(nil)";
    std::string made;
    if (head[0] == '*') {
      for (long index = 0; index < count; ++index) made.append(reply()).append("\n");
      return made;
    }
    while (unread_.size() < static_cast<std::size_t>(count) + 2) more();
    made = unread_.substr(0, static_cast<std::size_t>(count));
    unread_.erase(0, static_cast<std::size_t>(count) + 2);
    return made;
  }
  std::string line() {
    auto end = unread_.find("\r\n");
    for (; end == std::string::npos; end = unread_.find("\r\n")) more();
    std::string made = unread_.substr(0, end);
    unread_.erase(0, end + 2);
    return made;
  }
  void more() {
    std::array<char, 4096> bytes{};
    const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    LODESTAR_ASSERT(got > 0, "the server of the test answers within ten seconds");
    unread_.append(bytes.data(), static_cast<std::size_t>(got));
  }

  descriptor socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string unread_;
};

// Nothing but what may be done between fork and exec.
[[noreturn]] void become_server(const std::vector<char*>& arguments, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execv(program, arguments.data());
  ::_exit(127);
}

[[nodiscard]] bool says_that_it_is_ready(int output) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string said;
  while (std::chrono::steady_clock::now() < until) {
    pollfd wanted{.fd = output, .events = POLLIN, .revents = 0};
    if (::poll(&wanted, 1, 1'000) <= 0) continue;
    std::array<char, 4096> bytes{};
    const auto got = ::read(output, bytes.data(), bytes.size());
    if (got <= 0) return false;
    said.append(bytes.data(), static_cast<std::size_t>(got));
    if (said.contains("Ready to accept connections")) return true;
  }
  return false;
}

}  // namespace

std::uint16_t free_port() {
  const descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where = local_address(0);
  socklen_t size = sizeof(where);
  auto* const any = reinterpret_cast<sockaddr*>(&where);
  const bool found =
      ::bind(probe.get(), any, size) == 0 && ::getsockname(probe.get(), any, &size) == 0;
  LODESTAR_ASSERT(found, "there is a free port");
  return ntohs(where.sin_port);
}

void make_certificate(const temp_folder& folder, const std::string& names) {
  std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
      " -subj /CN=test -addext subjectAltName=";
  command.append(names).append(" -keyout '").append((folder / "key.pem").string());
  command.append("' -out '").append((folder / "certificate.pem").string());
  command.append("' 2>/dev/null");
  LODESTAR_ASSERT(std::system(command.c_str()) == 0, "openssl makes a certificate");
}

std::optional<std::string> redis_server::missing() {
  if (std::filesystem::exists(program)) return std::nullopt;
  return std::string(program) + " is not there (apt-get install redis-server)";
}

redis_server::redis_server(std::vector<std::string> arguments, kind is)
    : arguments_(std::move(arguments)), kind_(is) {
  if (kind_ == kind::tls) make_certificate(folder_, "DNS:localhost,IP:127.0.0.1");
  // Somebody else may take a port between the moment it was found free and its use.
  for (int attempt = 0; attempt < 5 && process_ == 0; ++attempt) {
    port_ = free_port();
    second_port_ = free_port();
    static_cast<void>(try_to_start());
  }
  LODESTAR_ASSERT(process_ != 0, "redis-server starts with these arguments");
}

redis_server::~redis_server() {
  kill();
}

void redis_server::start() {
  LODESTAR_ASSERT(process_ == 0, "it is not running");
  LODESTAR_ASSERT(try_to_start(), "redis-server starts again");
}

std::vector<std::string> redis_server::command_line() const {
  std::vector<std::string> words{program,
                                 "--port",
                                 std::to_string(port_),
                                 "--bind",
                                 "127.0.0.1",
                                 "--dir",
                                 folder_.path().string(),
                                 "--save",
                                 "",
                                 "--enable-debug-command",
                                 "yes"};
  const auto add = [&](std::initializer_list<std::string> more) {
    words.insert(words.end(), more);
  };
  const std::string second_port = std::to_string(second_port_);
  if (kind_ == kind::tls)
    add({"--tls-port", second_port, "--tls-auth-clients", "no", "--tls-cert-file",
         ca_file().string(), "--tls-key-file", (folder_ / "key.pem").string(), "--tls-ca-cert-file",
         ca_file().string()});
  if (kind_ == kind::cluster)
    add({"--cluster-enabled", "yes", "--cluster-port", second_port, "--cluster-node-timeout",
         "1000"});
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  return words;
}

bool redis_server::try_to_start() {
  std::vector<std::string> words = command_line();
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::array<int, 2> ends{};
  LODESTAR_ASSERT(::pipe2(ends.data(), O_CLOEXEC) == 0, "the system gives a pipe");
  const descriptor output(ends[0]);
  const pid_t child = ::fork();
  if (child == 0) become_server(pointers, ends[1]);
  ::close(ends[1]);
  process_ = child;
  if (says_that_it_is_ready(output.get())) return true;
  kill();
  return false;
}

void redis_server::kill() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

void redis_server::pause() {
  ::kill(process_, SIGSTOP);
  int status = 0;
  ::waitpid(process_, &status, WUNTRACED);
}

void redis_server::resume() {
  ::kill(process_, SIGCONT);
}

std::string redis_server::ask(const std::vector<std::string_view>& words) const {
  plain_client connected(port_);
  if (!password_.empty()) connected.ask({"AUTH", password_});
  return connected.ask(words);
}

// --- clusters

namespace {

constexpr std::size_t slots = 16'384;

void wait_until(const redis_server& node, std::string_view info) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!node.ask({"CLUSTER", "INFO"}).contains(info)) {
    LODESTAR_ASSERT(std::chrono::steady_clock::now() < until, "the cluster works in time");
    // It waits for us, so that it is not asked more often than it can change.
    node.ask({"DEBUG", "SLEEP", "0.01"});
  }
}

}  // namespace

redis_cluster::redis_cluster(std::size_t nodes) {
  for (std::size_t index = 0; index < nodes; ++index)
    nodes_.push_back(
        std::make_unique<redis_server>(std::vector<std::string>{}, redis_server::kind::cluster));
  for (std::size_t index = 0; index < nodes; ++index) {
    const auto first = std::to_string(slots * index / nodes);
    const auto last = std::to_string(slots * (index + 1) / nodes - 1);
    nodes_[index]->ask({"CLUSTER", "ADDSLOTSRANGE", first, last});
    const auto epoch = std::to_string(index + 1);
    nodes_[index]->ask({"CLUSTER", "SET-CONFIG-EPOCH", epoch});
  }
  for (const auto& each : nodes_)
    for (const auto& other : nodes_)
      each->ask({"CLUSTER", "MEET", "127.0.0.1", std::to_string(other->port()),
                 std::to_string(other->bus_port())});
  const std::string known = "cluster_known_nodes:" + std::to_string(nodes);
  for (const auto& each : nodes_) {
    wait_until(*each, "cluster_state:ok");
    wait_until(*each, known);
  }
}

std::string redis_cluster::url() const {
  std::string text;
  for (const auto& each : nodes_) {
    text += text.empty() ? "redis://" : ",";
    text.append("127.0.0.1:").append(std::to_string(each->port()));
  }
  return text;
}

std::size_t redis_cluster::owner_of(std::size_t slot) const {
  std::size_t index = 0;
  while (slot >= slots * (index + 1) / nodes_.size()) ++index;
  return index;
}

}  // namespace lodestar::test
