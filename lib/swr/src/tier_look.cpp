#include "tier_look.hpp"

#include <utility>

namespace lodestar::swr::detail {
namespace {

freshness state_at(std::int64_t now_ms, const envelope& entry) noexcept {
  if (now_ms < entry.fresh_until_ms) return freshness::fresh;
  return now_ms < entry.stale_until_ms ? freshness::stale : freshness::expired;
}

}  // namespace

tier_look::tier_look(std::shared_ptr<tiers_inside> owner, request what, tiers::looked done)
    : owner_(std::move(owner)),
      what_(std::move(what)),
      expected_{.key = identity_of(what_.key), .format = what_.format},
      done_(std::move(done)),
      user_(owner_->user_of(what_.name)) {}

void tier_look::next(std::size_t from) {
  while (from < owner_->all.size() && what_.skip.has_tier(from)) ++from;
  if (from == owner_->all.size()) return answer();
  owner_->all[from]->read(what_.key, [self = shared_from_this(), from](const auto& answer) {
    self->came(from, answer);
  });
}

void tier_look::came(std::size_t from, const tier::read_answer& what) {
  is_reported_ = what.from_store && owner_->options().events != nullptr;
  latency_ = what.latency;
  if (what.bytes) return judge(from, *what.bytes);
  report(from, freshness::expired, what.failed);
  next(from + 1);
}

void tier_look::judge(std::size_t from, std::string_view bytes) {
  tier& here = *owner_->all[from];
  const auto entry = open_envelope(bytes, expected_);
  if (!entry) {
    report(from, freshness::expired, true);
    // Whatever it is, it is not ours to keep; what is written meanwhile waits behind this.
    here.count_fault(entry.error());
    here.enqueue({.key = what_.key, .stamp = owner_->stamps.next()}, nullptr);
    here.send();
    return next(from + 1);
  }
  if (!owner_->believes(here, *entry)) return pass_over(from);
  if (!user_) return take(from, *entry, bytes);
  if (auto marks = unknown_marks(from, *entry); !marks.empty()) {
    held_.assign(bytes);
    return learn(std::move(marks), 0, 0, from);
  }
  if (is_removed(*entry)) return pass_over(from);
  take(from, *entry, bytes);
}

void tier_look::pass_over(std::size_t from) {
  report(from, freshness::expired, false);
  next(from + 1);
}

// The clock of the writer may differ from ours by as much as clocks do.
void tier_look::take(std::size_t from, const envelope& entry, std::string_view bytes) {
  const std::int64_t now_ms = owner_->time.wall_us() / 1'000;
  const freshness state = state_at(now_ms, entry);
  report(from, state, false);
  if (state == freshness::fresh) {
    const tiers::found what{.entry = entry, .bytes = bytes, .tier = from};
    return done_(&what);
  }
  const auto best_stamp = best_.empty() ? std::nullopt : stamp_of_envelope(best_);
  if (!best_stamp || *best_stamp < entry.stamp) {
    best_.assign(bytes);
    best_from_ = from;
  }
  next(from + 1);
}

// Expired: not a hit.
void tier_look::report(std::size_t from, freshness state, bool failed) const {
  if (!is_reported_) return;
  owner_->options().events->read({.tier = owner_->all[from]->name(),
                                  .cache = what_.name,
                                  .key = split_stored_key(what_.key).key,
                                  .hit = state != freshness::expired,
                                  .state = state,
                                  .failed = failed,
                                  .latency = latency_});
}

void tier_look::answer() {
  if (best_.empty()) return done_(nullptr);
  const auto entry = open_envelope(best_, expected_);
  const tiers::found what{.entry = *entry, .bytes = best_, .tier = best_from_};
  done_(&what);
}

bool tier_look::is_removed(const envelope& entry) {
  if (entry.stamp.time <= user_->cleared().removed_at()) return true;
  for (const std::string_view tag : entry.tags) {
    if (entry.stamp.time <= user_->marks().find(tag)->removed_at()) return true;
  }
  return false;
}

auto tier_look::unknown_marks(std::size_t from, const envelope& entry)
    -> std::vector<unknown_mark> {
  std::vector<unknown_mark> unknown;
  const tag_mark_pointer& distrusted = owner_->all[from]->distrusted();
  if (!owner_->knows(*distrusted)) unknown.push_back({distrusted, distrust_mark_key(), from});
  if (!owner_->knows(user_->cleared())) {
    // The mark is a part of the user: as long as that is there.
    unknown.push_back({tag_mark_pointer(user_, &user_->cleared()), clear_mark_key(what_.name)});
  }
  for (const std::string_view tag : entry.tags) {
    tag_mark_pointer mark = user_->marks().find(tag);
    if (!owner_->knows(*mark)) unknown.push_back({std::move(mark), tag_mark_key(what_.name, tag)});
  }
  return unknown;
}

// Every tier is asked, as any of them may have missed it. The time of the check is that of its
// beginning.
void tier_look::learn(std::vector<unknown_mark> marks, std::size_t mark, std::size_t from_tier,
                      std::size_t resume_at) {
  if (mark == marks.size()) {
    const std::string bytes = std::exchange(held_, {});
    return judge_known(resume_at, bytes);
  }
  if (from_tier == owner_->all.size()) {
    return learn(std::move(marks), mark + 1, 0, resume_at);
  }
  if (from_tier == 0) marks[mark].checked = owner_->time.now();
  if (marks[mark].only_in.value_or(from_tier) != from_tier)
    return learn(std::move(marks), mark, from_tier + 1, resume_at);
  const std::string key = marks[mark].key;
  owner_->all[from_tier]->read(key, [self = shared_from_this(), marks = std::move(marks), mark,
                                     from_tier, resume_at](const auto& answer) mutable {
    const unknown_mark& asked = marks[mark];
    if (answer.bytes) {
      const auto entry =
          open_envelope(*answer.bytes, {.key = identity_of(asked.key), .format = mark_format()});
      if (entry) asked.mark->raise(entry->stamp.time);
    }
    asked.mark->set_checked(asked.checked.time_since_epoch().count());
    self->learn(std::move(marks), mark, from_tier + 1, resume_at);
  });
}

void tier_look::judge_known(std::size_t from, std::string_view bytes) {
  const auto entry = open_envelope(bytes, expected_);
  const bool believed = entry && owner_->believes(*owner_->all[from], *entry);
  if (!believed || is_removed(*entry)) return pass_over(from);
  take(from, *entry, bytes);
}

std::string clear_mark_key(std::string_view name) {
  return stored_key("@cleared", name);
}

std::string tag_mark_key(std::string_view name, std::string_view tag) {
  return stored_key("@tags", stored_key(name, tag));
}

}  // namespace lodestar::swr::detail
