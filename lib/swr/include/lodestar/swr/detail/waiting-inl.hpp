// Bodies of core.hpp: how long callers wait. Each flight is listed under the earliest time at which
// somebody who waits for it is to be answered, and one task of the timer waits for the earliest of
// all.
#pragma once

namespace lodestar::swr::detail {

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::set_dues(waiter& asking) const {
  const bool waits_for_ever = asking.allowed.soft_timeout_ms == duration_ms_unlimited &&
                              asking.allowed.hard_timeout_ms == duration_ms_unlimited;
  if (waits_for_ever) return;
  const steady_time at = time_.now();
  asking.soft_due = later(at, asking.allowed.soft_timeout_ms);
  asking.hard_due = later(at, asking.allowed.hard_timeout_ms);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::list_due(const flight_pointer& current) {
  steady_time due = current->overdue_at;
  for (const waiter& each : current->waiters) {
    if (each.reply) due = std::min({due, each.soft_due, each.hard_due});
  }
  if (due == current->listed_due) return;
  unlist_due(current);
  if (due == steady_time::max()) return;
  current->listed_due = due;
  due_.emplace(due, current);
  arm();
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::unlist_due(const flight_pointer& current) {
  if (current->listed_due == steady_time::max()) return;
  due_.erase({current->listed_due, current});
  current->listed_due = steady_time::max();
}

// When the timer takes no more tasks, the next flight that is listed tries again. A task that was
// posted for a later time stays there and is not posted again.
template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::arm() {
  if (due_.empty()) return;
  const steady_time due = due_.begin()->first;
  if (!armed_for_.empty() && due >= armed_for_.back()) return;
  const bool armed = settings_.timer->post_at(due, [self = this->weak_from_this(), due] {
    if (const auto here = self.lock()) here->time_out(due);
  });
  if (armed) armed_for_.push_back(due);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::time_out(steady_time armed_for) {
  std::vector<impatient> answered;
  std::vector<waiter> retired;  // destroyed without the lock
  {
    const section held(*this);
    const steady_time at = time_.now();
    std::erase(armed_for_, armed_for);
    while (!due_.empty() && due_.begin()->first <= at) {
      const flight_pointer current = due_.begin()->second;
      unlist_due(current);
      time_out(current, at, answered, retired);
    }
    arm();
  }
  for (impatient& each : answered) {
    timeouts_.add();
    answer_failed(each.allowed, each.wanted, std::move(each.reply), each.why, each.present);
  }
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::time_out(const flight_pointer& current, steady_time at,
                                                     std::vector<impatient>& answered,
                                                     std::vector<waiter>& retired) {
  const bool overdue = at >= current->overdue_at;
  const auto present = entries_.peek(current->key).value_or(nullptr);
  const moment here{.now = at, .trust = trust_.load()};
  const auto why = std::make_shared<const error>(
      fail(error_code::deadline_exceeded,
           "the computation takes longer than " +
               std::to_string(
                   std::chrono::duration_cast<milliseconds>(at - current->begun_at).count()) +
               " ms")
          .error());
  for (waiter& each : current->waiters) {
    if (!each.reply) continue;
    const bool gives_up = overdue || at >= each.hard_due;
    const bool may_fall_back =
        present && at >= each.soft_due && present->fallback_for(each.allowed, each.wanted, here);
    if (at >= each.soft_due) each.soft_due = steady_time::max();
    if (!gives_up && !may_fall_back) continue;
    answered.push_back({.allowed = each.allowed,
                        .wanted = each.wanted,
                        .reply = std::exchange(each.reply, nullptr),
                        .why = why,
                        .present = present});
  }
  if (!overdue) return list_due(current);
  // Whatever it brings comes too late, and must not hold up those who ask next.
  if (!current->superseded) flights_.erase(current->key);
  current->superseded = true;
  current->overdue_at = steady_time::max();
  for (waiter& each : current->waiters) retired.push_back(std::move(each));
  current->waiters.clear();
}

}  // namespace lodestar::swr::detail
