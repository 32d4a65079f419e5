#include "tiers_inside.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::swr::detail {
namespace {

std::uint64_t node_of(const tiers_options& options) {
  return options.node != 0 ? options.node : options.random->next() | 1U;
}

// A mark, of a cache and a tag with long names.
constexpr std::size_t pending_bytes_least = 4'096;

std::int64_t ns_of(steady_time when) {
  return std::max<std::int64_t>(when.time_since_epoch().count(), 1);
}

}  // namespace

tiers_inside::tiers_inside(tiers_options given)
    : time(*given.time), stamps(time, node_of(given)), options_(std::move(given)) {
  LODESTAR_ASSERT(options_.tiers.size() <= tier_set::tiers_max, "there are at most eight tiers");
  if (options_.events != nullptr) events_ = std::make_shared<lifeline<event_sink>>(options_.events);
  for (tier_options& each : std::exchange(options_.tiers, {})) {
    LODESTAR_ASSERT(each.below != nullptr, "a tier has a store");
    LODESTAR_ASSERT(!each.shared || each.write_delay_ms == 0,
                    "other nodes would not see what a shared tier has yet to be told");
    LODESTAR_ASSERT(each.pending_writes_max > 0 && each.pending_bytes_max >= pending_bytes_least,
                    "what a tier does not take has room to wait");
    has_shared_ = has_shared_ || each.shared;
    all.push_back(std::make_shared<tier>(std::move(each), time, *options_.timer, events_));
  }
  announcements_ = std::move(options_.announcements);
}

tiers_inside::~tiers_inside() {
  release(std::move(announcements_), *options_.timer);
}

void tiers_inside::begin() {
  const std::weak_ptr<tiers_inside> self = weak_from_this();
  const auto failed = [self] {
    if (const auto here = self.lock()) here->plan_recovery();
  };
  const auto newer = [self](std::string_view stored, const write_stamp& stamp) {
    if (const auto here = self.lock()) here->found_newer(stored, stamp);
  };
  const auto written_late = [self](std::string_view stored, const write_stamp& stamp) {
    if (const auto here = self.lock()) here->announce_repair(stored, stamp);
  };
  const auto gave_up = [self](const write_stamp& up_to) {
    const auto here = self.lock();
    if (!here || !here->announces()) return;
    here->announce({.what = announcement::distrust, .stamp = up_to, .name = {}, .key = {}});
  };
  for (const auto& each : all) {
    tier::handlers to{.newer = newer, .written_late = written_late, .failed = failed};
    if (each->is_shared()) to.gave_up = gave_up;
    each->set_handlers(std::move(to));
  }
  if (!announcements_) return;
  announcer_ = std::make_shared<announcer>(announcements_, time, *options_.timer, failed);
  announcements_->listen({.received =
                              [self](std::string_view bytes) {
                                const handler_scope inside;
                                if (const auto here = self.lock()) here->receive(bytes);
                              },
                          .connected =
                              [self] {
                                const handler_scope inside;
                                if (const auto here = self.lock()) here->connected();
                              }});
}

void tiers_inside::end() {
  if (announcements_) announcements_->stop();
}

std::shared_ptr<tiers_user> tiers_inside::user_of(const std::string& name) {
  const std::lock_guard held(mutex_);
  const auto place = users_.find(name);
  return place == users_.end() ? nullptr : place->second.lock();
}

bool tiers_inside::attach(const std::string& name, std::weak_ptr<tiers_user> user) {
  const std::lock_guard held(mutex_);
  std::weak_ptr<tiers_user>& place = users_[name];
  if (!place.expired()) return false;
  place = std::move(user);
  return true;
}

void tiers_inside::detach(const std::string& name) {
  const std::lock_guard held(mutex_);
  users_.erase(name);
}

bool tiers_inside::believes(const tier& from, const envelope& entry) const {
  return from.believes(entry.stamp) && stamps.is_believable(entry.stamp) &&
         recent.is_newest_known(entry.key, entry.stamp, time.now());
}

bool tiers_inside::knows(const tag_mark& mark) const {
  const std::int64_t checked_ns = mark.checked_ns();
  if (checked_ns == 0) return false;
  if (!has_shared_) return true;
  const std::int64_t connected_ns = connected_at_ns_.load(std::memory_order_acquire);
  if (connected_ns != 0) return checked_ns >= connected_ns;
  return ns_of(time.now()) - checked_ns < options_.tags_trusted_ms * 1'000'000;
}

void tiers_inside::announce(const backplane_message& message) {
  if (announcer_) announcer_->enqueue(message);
}

void tiers_inside::send() {
  for (const auto& each : all) each->send();
  if (announcer_) announcer_->send();
}

// An open breaker lets one call through at a time: as soon as that may be.
void tiers_inside::plan_recovery() {
  if (recovery_planned_.exchange(true)) return;
  std::int64_t delay_ms = options_.recovery_delay_ms;
  for (const auto& each : all) {
    if (each->is_refused()) delay_ms = std::min(delay_ms, each->probe_every_ms());
  }
  const bool planned =
      options_.timer->post_at(time.now() + milliseconds(delay_ms), [self = weak_from_this()] {
        if (const auto here = self.lock()) here->recover();
      });
  // The next failure tries again.
  if (!planned) recovery_planned_ = false;
}

// What fails again plans the next one.
void tiers_inside::recover() {
  recovery_planned_ = false;
  for (const auto& each : all) each->retry();
  if (announcer_) announcer_->retry();
  send();
  const bool more = std::ranges::any_of(all, [](const auto& each) { return each->has_failed(); });
  if (more || (announcer_ && announcer_->has_failed())) plan_recovery();
}

bool tiers_inside::is_settled() const {
  return std::ranges::none_of(all, [](const auto& each) { return each->has_pending(); }) &&
         !(announcer_ && announcer_->has_pending());
}

// What is not a message of ours is somebody else's.
void tiers_inside::receive(std::string_view bytes) {
  const auto message = decode_message(bytes);
  if (!message) return;
  // What comes back to the one who sent it says nothing new.
  const bool is_ours = message->stamp.node == stamps.node();
  if (is_ours && message->what != announcement::repaired) return;
  if (!stamps.is_believable(message->stamp)) return;
  stamps.observe(message->stamp);
  apply(*message);
  send();
}

void tiers_inside::apply(const backplane_message& message) {
  if (message.what == announcement::distrust) {
    for (const auto& each : all) each->distrusted()->raise(message.stamp.time);
    return distrust(message.stamp.time);
  }
  const auto user = user_of(std::string(message.name));
  switch (message.what) {
    case announcement::tag_removed:
      if (user) user->marks().find(message.key)->raise(message.stamp.time);
      return;
    case announcement::cleared:
      if (user) user->cleared_elsewhere(message.stamp);
      return;
    default: return apply_change(message, user.get());
  }
}

// Tiers of this node alone learn of it here. Shared ones the writer has changed, but what this node
// wrote may cross that: where ours is older, it may arrive after theirs and is to be removed; where
// ours is newer, theirs may arrive after ours, and the writer has not heard of ours.
void tiers_inside::apply_change(const backplane_message& message, tiers_user* user) {
  const std::string key = stored_key(message.name, message.key);
  const auto before = recent.note(key, message.stamp, time.now());
  const bool wrote = before && before->node == stamps.node();
  const bool wrote_newer = wrote && *before > message.stamp;
  const write_stamp newest = wrote_newer ? *before : message.stamp;
  for (const auto& each : all) {
    each->drop_older(key, newest);
    if (each->is_shared() && !wrote) continue;
    each->enqueue({.key = key, .stamp = newest, .bytes = std::nullopt, .verify = true}, nullptr);
  }
  if (wrote_newer) {
    announce(
        {.what = announcement::set, .stamp = newest, .name = message.name, .key = message.key});
  }
  if (user == nullptr) return;
  user->changed_elsewhere(message.key, message.stamp, message.what == announcement::repaired);
}

void tiers_inside::found_newer(std::string_view stored, const write_stamp& stamp) {
  stamps.observe(stamp);
  if (stored.starts_with('@')) return found_newer_mark(stored, stamp);
  recent.note(stored, stamp, time.now());
  const split_key names = split_stored_key(stored);
  if (const auto user = user_of(names.name)) user->changed_elsewhere(names.key, stamp, false);
  send();
}

void tiers_inside::found_newer_mark(std::string_view stored, const write_stamp& stamp) {
  const mark_subject about = subject_of_mark(stored);
  const auto user = user_of(about.name);
  if (!user) return;
  if (about.tag) {
    user->marks().find(*about.tag)->raise(stamp.time);
  } else {
    user->cleared_elsewhere(stamp);
  }
}

void tiers_inside::announce_repair(std::string_view stored, const write_stamp& stamp) {
  if (!announcer_ || stored.starts_with('@')) return;
  const split_key names = split_stored_key(stored);
  announce({.what = announcement::repaired, .stamp = stamp, .name = names.name, .key = names.key});
  announcer_->send();
}

void tiers_inside::connected() {
  const bool again = connected_at_ns_.exchange(ns_of(time.now())) != 0;
  // The first time, too: what others wrote before was not heard either.
  distrust(stamps.next().time);
  if (again) assert_again();
  plan_recovery();
}

// What others wrote before ours and what arrived after it goes; caches then write again what they
// have of ours.
void tiers_inside::assert_again() {
  for (const auto& mine : recent.newest_of(stamps.node(), asserted_again_max, time.now())) {
    for (const auto& each : all) {
      if (!each->is_shared()) continue;
      each->enqueue({.key = mine.key, .stamp = mine.stamp, .bytes = std::nullopt, .verify = true},
                    nullptr);
    }
  }
  for (const auto& each : users()) each->write_again();
  send();
}

std::vector<std::shared_ptr<tiers_user>> tiers_inside::users() {
  std::vector<std::shared_ptr<tiers_user>> found;
  const std::lock_guard held(mutex_);
  for (const auto& [name, user] : users_) {
    if (auto here = user.lock()) found.push_back(std::move(here));
  }
  return found;
}

void tiers_inside::distrust(std::uint64_t up_to) {
  for (const auto& each : all) {
    if (!each->is_shared()) each->distrusted()->raise(up_to);
  }
  for (const auto& each : users()) each->distrust();
}

}  // namespace lodestar::swr::detail
