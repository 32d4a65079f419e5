// SIGINT and SIGTERM for a command that serves.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace lodestar::app {

/// One at a time, made before any other thread: while it lives, this and every later thread leave
/// SIGINT and SIGTERM to it, and SIGPIPE and SIGXFSZ, whose defaults would end the process at a
/// closed socket or a full file, are ignored.
class stop_signal {
 public:
  stop_signal();
  ~stop_signal();
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;

  /// Until this is called a signal ends the process at once, with exit code 128 + its number: a
  /// start may take long, and nothing was promised to anybody yet.
  void started();
  /// Returns when a signal has come.
  void wait();

 private:
  void watch();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false, received_ = false, ending_ = false;
  std::thread thread_;
};

}  // namespace lodestar::app
