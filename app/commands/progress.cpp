#include "commands/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

namespace lodestar::app {
namespace {

constexpr milliseconds draw_interval{100};
constexpr milliseconds line_interval{5'000};
constexpr std::size_t bar_cells = 28;

double seconds(nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string left(double done, double elapsed_s) {
  if (done <= 0.001) return "";
  const auto left_s = static_cast<std::int64_t>(elapsed_s / done * (1 - done) + 0.5);
  return left_s >= 60 ? fmt::format("{} min {} s left", left_s / 60, left_s % 60)
                      : fmt::format("{} s left", left_s);
}

}  // namespace

progress_display::progress_display(std::string what, clock& time)
    : what_(std::move(what)),
      time_(time),
      terminal_(isatty(STDERR_FILENO) == 1),
      began_at_(time.now()) {}

void progress_display::update(double done, std::uint64_t events) {
  const auto now = time_.now();
  if (drawn_at_ != steady_time{} && now - drawn_at_ < (terminal_ ? draw_interval : line_interval))
    return;
  drawn_at_ = now;
  const double elapsed_s = seconds(now - began_at_);
  const auto rate =
      static_cast<std::uint64_t>(elapsed_s > 0 ? static_cast<double>(events) / elapsed_s : 0);
  const auto filled =
      std::min(bar_cells, static_cast<std::size_t>(done * static_cast<double>(bar_cells)));
  const std::string bar = std::string(filled, '#') + std::string(bar_cells - filled, '.');
  fmt::print(stderr, "{}{} [{}] {:3.0f} %  {} events  {} events/s  {}{}",
             terminal_ ? "\r\033[K" : "", what_, bar, done * 100, grouped(events), grouped(rate),
             left(done, elapsed_s), terminal_ ? "" : "\n");
}

void progress_display::finish() {
  if (terminal_) fmt::print(stderr, "\r\033[K");
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

}  // namespace lodestar::app
