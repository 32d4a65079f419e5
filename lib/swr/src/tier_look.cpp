#include "tier_look.hpp"

#include <utility>

namespace lodestar::swr::detail {
namespace {

freshness state_at(std::int64_t now_ms, const envelope& entry) noexcept {
  if (now_ms < entry.fresh_until_ms) return freshness::fresh;
  return now_ms < entry.stale_until_ms ? freshness::stale : freshness::expired;
}

}  // namespace

tier_look::tier_look(std::shared_ptr<tiers_inside> owner, request what, tiers::candidate judge,
                     tiers::looked done)
    : owner_(std::move(owner)),
      what_(std::move(what)),
      expected_{.key = identity_of(what_.key), .format = what_.format},
      judge_(std::move(judge)),
      done_(std::move(done)),
      user_(owner_->user_of(what_.name)) {}

void tier_look::next(std::size_t from) {
  while (from < owner_->all.size() && what_.skip.has_tier(from)) ++from;
  if (from == owner_->all.size()) return offer_best();
  owner_->all[from]->read(what_.key, [self = shared_from_this(), from](const auto& answer) {
    self->came(from, answer);
  });
}

void tier_look::came(std::size_t from, const tier::read_answer& what) {
  is_reported_ = what.from_store && owner_->events() != nullptr;
  latency_ = what.latency;
  if (what.bytes) return judge(from, *what.bytes);
  report(from, freshness::expired, what.failed);
  next(from + 1);
}

void tier_look::judge(std::size_t from, std::string_view bytes) {
  const auto entry = open_envelope(bytes, expected_);
  if (!entry) {
    drop_damaged(from);
    return next(from + 1);
  }
  if (!owner_->believes(*owner_->all[from], *entry)) return pass_over(from);
  if (!user_) return offer(from, *entry, bytes);
  if (auto marks = unknown_marks(from, *entry); !marks.empty()) {
    held_.assign(bytes);
    learning_.marks = std::move(marks);
    learning_.resume_at = from;
    learning_.mark = learning_.tier = 0;
    return learn();
  }
  if (is_removed(*entry)) return pass_over(from);
  offer(from, *entry, bytes);
}

// It is not ours to keep. What waits to be written there is, and what is written from now on.
void tier_look::drop_damaged(std::size_t from) {
  tier& here = *owner_->all[from];
  report(from, freshness::expired, true);
  here.count_fault();
  here.enqueue({.key = what_.key, .stamp = {}}, nullptr);
  here.send();
}

void tier_look::pass_over(std::size_t from) {
  report(from, freshness::expired, false);
  next(from + 1);
}

// The clock of the writer may differ from ours by as much as clocks do.
void tier_look::offer(std::size_t from, const envelope& entry, std::string_view bytes) {
  using enum tiers::verdict;
  const std::int64_t now_ms = owner_->time.wall_us() / 1'000;
  const freshness state = state_at(now_ms, entry);
  auto as = outdated;
  if (state == freshness::fresh) as = judge_({.entry = entry, .bytes = bytes, .tier = from});
  if (as == useless) return pass_over(from);
  if (as == damaged) {
    drop_damaged(from);
    return next(from + 1);
  }
  report(from, state == freshness::fresh && as != taken ? freshness::stale : state, false);
  if (as == taken) return done_(true);
  keep_best(from, entry, bytes);
  next(from + 1);
}

void tier_look::keep_best(std::size_t from, const envelope& entry, std::string_view bytes) {
  const auto best_stamp = best_.empty() ? std::nullopt : stamp_of_envelope(best_);
  if (best_stamp && *best_stamp >= entry.stamp) return;
  best_.assign(bytes);
  best_from_ = from;
}

// Expired: not a hit.
void tier_look::report(std::size_t from, freshness state, bool failed) const {
  if (!is_reported_) return;
  const auto listens = owner_->events()->tie().hold();
  if (!listens) return;
  listens->read({.tier = owner_->all[from]->name(),
                 .cache = what_.name,
                 .key = split_stored_key(what_.key).key,
                 .hit = state != freshness::expired,
                 .state = state,
                 .failed = failed,
                 .latency = latency_});
}

void tier_look::offer_best() {
  if (best_.empty()) return done_(false);
  const auto entry = open_envelope(best_, expected_);
  const auto as = judge_({.entry = *entry, .bytes = best_, .tier = best_from_, .is_last = true});
  is_reported_ = false;  // it was, when it was kept
  if (as == tiers::verdict::damaged) drop_damaged(best_from_);
  done_(as == tiers::verdict::taken);
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

// Every tier is asked, as any of them may have missed it.
void tier_look::learn() {
  for (;;) {
    if (learning_.mark == learning_.marks.size()) break;
    if (learning_.tier == owner_->all.size()) {
      finish_mark();
      continue;
    }
    learning_.other_has_come.store(false);
    ask();
    if (!goes_on()) return;
  }
  const std::string bytes = std::exchange(held_, {});
  judge_known(learning_.resume_at, bytes);
}

void tier_look::ask() {
  const unknown_mark& asked = learning_.marks[learning_.mark];
  if (learning_.tier == 0) {
    learning_.began = owner_->time.now();
    learning_.is_certain = true;
  }
  if (asked.only_in.value_or(learning_.tier) != learning_.tier) {
    ++learning_.tier;
    static_cast<void>(goes_on());
    return;
  }
  owner_->all[learning_.tier]->read(asked.key, [self = shared_from_this()](const auto& answer) {
    self->learnt(answer);
    if (self->goes_on()) self->learn();
  });
}

void tier_look::learnt(const tier::read_answer& what) {
  const unknown_mark& asked = learning_.marks[learning_.mark];
  if (what.bytes) {
    const auto entry =
        open_envelope(*what.bytes, {.key = identity_of(asked.key), .format = mark_format()});
    if (entry) asked.mark->raise(entry->stamp.time);
  }
  learning_.is_certain = learning_.is_certain && what.is_certain;
  ++learning_.tier;
}

// What is known of it is that of the time when it was asked for.
void tier_look::finish_mark() {
  if (learning_.is_certain)
    learning_.marks[learning_.mark].mark->set_checked(learning_.began.time_since_epoch().count());
  ++learning_.mark;
  learning_.tier = 0;
}

void tier_look::judge_known(std::size_t from, std::string_view bytes) {
  const auto entry = open_envelope(bytes, expected_);
  const bool believed = entry && owner_->believes(*owner_->all[from], *entry);
  if (!believed || is_removed(*entry)) return pass_over(from);
  offer(from, *entry, bytes);
}

}  // namespace lodestar::swr::detail
