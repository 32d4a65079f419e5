// Other programs: started, waited for, ended by their process id. What is still running at the end
// is killed, also when the benchmark itself is.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lodestar::bench {

struct child_streams {
  bool errors_too = false;  ///< Errors go with the output; else where ours go.
  bool input = false;       ///< write() reaches its standard input; else it has ours.
};

class child_process {
 public:
  /// The first word is found in PATH. Standard output goes into a pipe.
  explicit child_process(const std::vector<std::string>& command, child_streams streams = {});
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// False when nobody reads it any more.
  [[nodiscard]] bool write(std::string_view text);
  /// The next line without its end; nothing when the process ends, or the time passes, before it.
  [[nodiscard]] std::optional<std::string> read_line(std::chrono::milliseconds timeout);
  /// The output up to and including the first line that contains the text; throws when the process
  /// ends before.
  std::string read_until(std::string_view text);
  /// The rest of the output.
  std::string read_to_end();
  /// Sends SIGTERM and waits for the end.
  void terminate();
  /// Waits for the end; the exit code.
  int wait();
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  bool fill();
  std::string take(std::size_t bytes);

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string buffer_;
};

struct finished_process {
  int exit_code = 0;
  std::string output;  ///< And errors.
  double seconds = 0;
};

[[nodiscard]] finished_process run_to_end(const std::vector<std::string>& command);
/// The same; throws with what the program said when it fails.
finished_process run_successfully(const std::vector<std::string>& command);

/// Looks in PATH and in /usr/sbin; nothing when the program is not installed.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name);

/// The binary beside the benchmarks: build/…/bin/lodestar.
[[nodiscard]] std::filesystem::path lodestar_binary();

/// What the kernel says of a process (/proc/PID/status), in bytes.
struct process_memory {
  double resident_bytes = 0;   ///< Everything, with mapped files: the program, its libraries.
  double anonymous_bytes = 0;  ///< Without mapped files.
};
[[nodiscard]] process_memory memory_of(pid_t process);

/// `lodestar serve`, or another command that serves, on a free port of 127.0.0.1; ready when the
/// constructor returns.
class lodestar_server {
 public:
  lodestar_server(const std::filesystem::path& project, const std::filesystem::path& data,
                  const std::vector<std::string>& more_arguments = {},
                  const std::string& command = "serve");

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const;
  [[nodiscard]] process_memory memory() const { return memory_of(process_.pid()); }
  /// The sum of a metric over its labels.
  [[nodiscard]] double metric(std::string_view name) const;
  void stop() { process_.terminate(); }

 private:
  child_process process_;
  std::uint16_t port_ = 0;
};

/// A setting as the project and the environment have it, by `lodestar check --print`.
[[nodiscard]] std::string effective_setting(const std::filesystem::path& project,
                                            std::string_view key);

}  // namespace lodestar::bench
