#include "commands/stop_signal.hpp"

#include <unistd.h>

#include <csignal>

#include <lodestar/base/executor.hpp>

namespace lodestar::app {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

stop_signal::stop_signal() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  thread_ = std::thread([this] {
    set_thread_name("signals");
    watch();
  });
}

stop_signal::~stop_signal() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void stop_signal::started() {
  const std::lock_guard lock(mutex_);
  started_ = true;
}

void stop_signal::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return received_; });
}

void stop_signal::watch() {
  const sigset_t set = stop_signals();
  for (;;) {
    int number = 0;
    sigwait(&set, &number);
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    if (!started_) ::_exit(128 + number);
    received_ = true;
    changed_.notify_all();
  }
}

}  // namespace lodestar::app
