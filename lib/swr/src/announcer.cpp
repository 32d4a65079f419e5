#include "announcer.hpp"

#include <string>
#include <utility>

namespace lodestar::swr::detail {
namespace {

/// Messages about the same thing have the same one.
std::string subject_of(const backplane_message& message) {
  const bool of_key = message.what == announcement::set || message.what == announcement::removed ||
                      message.what == announcement::repaired;
  std::string subject(1, of_key ? 'k' : static_cast<char>('0' + static_cast<int>(message.what)));
  subject += stored_key(message.name, message.key);
  return subject;
}

}  // namespace

void announcer::enqueue(const backplane_message& message) {
  const auto add = [this](const backplane_message& each) {
    return pending_.add(
        {.key = subject_of(each), .stamp = each.stamp, .bytes = shared_bytes(encode_message(each))},
        nullptr);
  };
  const std::lock_guard held(mutex_);
  const auto lost = add(message);
  if (!lost) return;
  // What was just given up is that and everything before.
  static_cast<void>(
      add({.what = announcement::distrust, .stamp = lost->newest, .name = {}, .key = {}}));
}

void announcer::send() {
  for (;;) {
    std::optional<tier_write> next;
    {
      const std::lock_guard held(mutex_);
      next = pending_.take();
    }
    if (!next) return;
    publish(*next);
  }
}

void announcer::publish(const tier_write& message) {
  to_->publish(std::string(message.bytes ? message.bytes->view() : std::string_view()),
               time_.now() + timeout,
               in_scope([self = shared_from_this(), message](const result<void>& outcome) {
                 self->ended(message, outcome.has_value());
               }));
}

void announcer::ended(const tier_write& message, bool success) {
  bool ready = false;
  {
    const std::lock_guard held(mutex_);
    ready = pending_.ended(message, success).ready;
  }
  if (ready) send();
  if (!success) tell_failed_();
}

void announcer::retry() {
  const std::lock_guard held(mutex_);
  static_cast<void>(pending_.retry(messages_max, false));
}

bool announcer::has_pending() const {
  const std::lock_guard held(mutex_);
  return pending_.size() > 0;
}

bool announcer::has_failed() const {
  const std::lock_guard held(mutex_);
  return pending_.failed() > 0;
}

}  // namespace lodestar::swr::detail
