#include "support/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "support/http.hpp"
#include "support/report.hpp"

namespace lodestar::bench {
namespace {

namespace fs = std::filesystem;

/// `input` is negative when ours is inherited.
[[noreturn]] void become(const std::vector<std::string>& command, int input, int output,
                         bool errors_too) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (input >= 0) ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  if (errors_too) ::dup2(output, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

std::vector<std::string> server_command(const std::string& command, const fs::path& project,
                                        const fs::path& data,
                                        const std::vector<std::string>& more_arguments) {
  std::vector<std::string> words = {lodestar_binary(), command,  "--project", project,
                                    "--data",          data,     "--listen",  "127.0.0.1:0",
                                    "--log-level",     "warning"};
  words.insert(words.end(), more_arguments.begin(), more_arguments.end());
  return words;
}

}  // namespace

child_process::child_process(const std::vector<std::string>& command, child_streams streams) {
  int outputs[2];
  // A socket, because writing to one that nobody reads is an error instead of a signal.
  int inputs[2] = {-1, -1};
  if (::pipe2(outputs, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  if (streams.input && ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, inputs) != 0) {
    ::close(outputs[0]);
    ::close(outputs[1]);
    throw std::runtime_error("no socket");
  }
  pid_ = ::fork();
  if (pid_ == 0) become(command, inputs[1], outputs[1], streams.errors_too);
  ::close(outputs[1]);
  if (inputs[1] >= 0) ::close(inputs[1]);
  output_ = outputs[0];
  input_ = inputs[0];
  if (pid_ < 0) throw std::runtime_error(fmt::format("cannot start {}", command.front()));
}

child_process::~child_process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
  }
  ::close(output_);
  if (input_ >= 0) ::close(input_);
}

bool child_process::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(input_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::optional<std::string> child_process::read_line(std::chrono::milliseconds timeout) {
  const stopwatch time;
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = take(end + 1);
      line.pop_back();
      return line;
    }
    const auto left_ms =
        static_cast<int>(timeout.count() - static_cast<std::int64_t>(time.seconds() * 1e3));
    pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
    const int ready = left_ms > 0 ? ::poll(&waiting, 1, left_ms) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || !fill()) return std::nullopt;
  }
}

std::string child_process::read_until(std::string_view text) {
  for (;;) {
    const auto at = buffer_.find(text);
    const auto end = at == std::string::npos ? at : buffer_.find('\n', at);
    if (end != std::string::npos) return take(end + 1);
    if (!fill())
      throw std::runtime_error(
          fmt::format("a process ended before it said \"{}\"; it said: {}", text, buffer_));
  }
}

std::string child_process::take(std::size_t bytes) {
  std::string taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

std::string child_process::read_to_end() {
  while (fill()) {
  }
  return std::move(buffer_);
}

bool child_process::fill() {
  char bytes[4'096];
  const ssize_t got = ::read(output_, bytes, sizeof bytes);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(got));
  return true;
}

void child_process::terminate() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  static_cast<void>(wait());
}

int child_process::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

finished_process run_to_end(const std::vector<std::string>& command) {
  const stopwatch time;
  child_process process(command, {.errors_too = true});
  finished_process done;
  done.output = process.read_to_end();
  done.exit_code = process.wait();
  done.seconds = time.seconds();
  return done;
}

finished_process run_successfully(const std::vector<std::string>& command) {
  auto done = run_to_end(command);
  if (done.exit_code != 0)
    throw std::runtime_error(
        fmt::format("{} failed with {}:\n{}", command.front(), done.exit_code, done.output));
  return done;
}

std::optional<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders = fmt::format("{}:/usr/sbin", path == nullptr ? "/usr/bin" : path);
  for (std::size_t begin = 0, end = 0; begin <= folders.size(); begin = end + 1) {
    end = std::min(folders.find(':', begin), folders.size());
    const std::string candidate = folders.substr(begin, end - begin) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

fs::path lodestar_binary() {
  const fs::path binary =
      fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin/lodestar";
  if (!fs::exists(binary))
    throw std::runtime_error(binary.string() + " is missing: build the target lodestar");
  return binary;
}

process_memory memory_of(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  process_memory found;
  for (std::string line; std::getline(status, line);) {
    const double bytes = std::atof(line.c_str() + line.find(':') + 1) * 1024;
    if (line.starts_with("VmRSS:")) found.resident_bytes = bytes;
    if (line.starts_with("RssAnon:")) found.anonymous_bytes = bytes;
  }
  if (found.resident_bytes == 0)
    throw std::runtime_error(fmt::format("process {} is not there any more", process));
  return found;
}

lodestar_server::lodestar_server(const fs::path& project, const fs::path& data,
                                 const std::vector<std::string>& more_arguments,
                                 const std::string& command)
    : process_(server_command(command, project, data, more_arguments)) {
  constexpr std::string_view mark = "http://127.0.0.1:";
  const std::string line = process_.read_until(mark);
  port_ = static_cast<std::uint16_t>(std::atoi(line.c_str() + line.find(mark) + mark.size()));
}

std::string lodestar_server::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

double lodestar_server::metric(std::string_view name) const {
  const auto answer = http_connection(port_).get("/metrics");
  double sum = 0;
  for (std::size_t begin = 0, end = 0; begin < answer.body.size(); begin = end + 1) {
    end = std::min(answer.body.find('\n', begin), answer.body.size());
    const std::string line = answer.body.substr(begin, end - begin);
    if (line.starts_with(name) && (line[name.size()] == ' ' || line[name.size()] == '{')) {
      sum += std::atof(line.c_str() + line.rfind(' '));
    }
  }
  return sum;
}

std::string effective_setting(const fs::path& project, std::string_view key) {
  const auto printed =
      run_successfully({lodestar_binary(), "check", "--print", "--project", project}).output;
  const auto line = printed.find(key);
  const auto begin = printed.find("= ", line);
  if (line == std::string::npos || begin == std::string::npos)
    throw std::runtime_error(fmt::format("no setting {}", key));
  return printed.substr(begin + 2, printed.find(' ', begin + 2) - begin - 2);
}

}  // namespace lodestar::bench
