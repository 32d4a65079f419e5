#include <lodestar/swr/tiers.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include <lodestar/base/assert.hpp>

#include "tier_look.hpp"
#include "tiers_inside.hpp"

namespace lodestar::swr {
namespace {

using detail::announcement;
using detail::later;
using detail::saturating_sum;

/// What lies in a tier is kept no longer, so that marks, which are kept longer, outlive it.
constexpr std::int64_t kept_ms_max = 30LL * 24 * 60 * 60 * 1'000;
constexpr std::int64_t marks_kept_ms = kept_ms_max + 24LL * 60 * 60 * 1'000;

}  // namespace

std::shared_ptr<tiers> tiers::make(tiers_options options) {
  auto made = std::make_shared<detail::tiers_inside>(std::move(options));
  made->begin();
  return std::shared_ptr<tiers>(new tiers(std::move(made)));
}

tiers::tiers(std::shared_ptr<detail::tiers_inside> made) : inside_(std::move(made)) {}
tiers::~tiers() {
  inside_->end();
}

std::size_t tiers::size() const noexcept {
  return inside_->all.size();
}

std::vector<tier_statistics> tiers::stats() const {
  std::vector<tier_statistics> of_each;
  for (const auto& each : inside_->all) of_each.push_back(each->stats());
  return of_each;
}

bool tiers::is_settled() const {
  return inside_->is_settled();
}
void tiers::stop_events() {
  if (const auto& events = inside_->events()) events->cut();
}
void tiers::flush() {
  for (const auto& each : inside_->all) each->flush();
}
write_clock& tiers::stamps() noexcept {
  return inside_->stamps;
}
bool tiers::attach(const std::string& name, std::weak_ptr<tiers_user> user) {
  return inside_->attach(name, std::move(user));
}
void tiers::detach(const std::string& name) {
  inside_->detach(name);
}

void tiers::look(std::string_view name, std::string_view key, std::uint64_t format, tier_set skip,
                 candidate judge, looked done) {
  detail::tier_look::request what{
      .name = std::string(name), .key = stored_key(name, key), .format = format, .skip = skip};
  std::make_shared<detail::tier_look>(inside_, std::move(what), std::move(judge), std::move(done))
      ->begin();
}

bool tiers::is_newest_known(std::string_view name, std::string_view key,
                            const write_stamp& stamp) const {
  return inside_->recent.is_newest_known(identity_of(stored_key(name, key)), stamp,
                                         inside_->time.now());
}

encoded_entry tiers::encode(std::string_view name, std::string_view key, envelope entry,
                            const times& when, tier_set skip) const {
  LODESTAR_ASSERT(when.keep.size() == size(), "each tier has its times");
  encoded_entry made{.key = stored_key(name, key), .stamp = entry.stamp, .tiers = {}};
  made.tiers.resize(size());
  entry.key = identity_of(made.key);
  entry.written_ms = when.written_ms;
  std::optional<std::size_t> like;  // the tier for which the last bytes were made
  for (std::size_t tier = 0; tier < size(); ++tier) {
    if (skip.has_tier(tier)) continue;
    const lifetimes& keep = when.keep[tier];
    encoded_entry::in_tier& here = made.tiers[tier];
    const std::int64_t fresh_ms = saturating_sum(keep.fresh_ms, when.jitter_ms);
    const std::int64_t stale_ms = saturating_sum(fresh_ms, keep.stale_ms);
    here.keep_until =
        later(when.written, std::min(saturating_sum(stale_ms, keep.fail_safe_ms), kept_ms_max));
    if (like && when.keep[*like] == keep) {
      here.bytes = made.tiers[*like].bytes;
      continue;
    }
    entry.fresh_until_ms = saturating_sum(when.written_ms, fresh_ms);
    entry.stale_until_ms = saturating_sum(when.written_ms, stale_ms);
    std::string bytes;
    append_envelope(entry, bytes);
    here.bytes = shared_bytes(std::move(bytes));
    like = tier;
  }
  return made;
}

void tiers::enqueue(encoded_entry entry, write_report_pointer report, announced to_others) {
  inside_->recent.note(entry.key, entry.stamp, inside_->time.now());
  if (inside_->announces() && (to_others != announced::where_shared || inside_->has_shared())) {
    const bool is_set =
        std::ranges::any_of(entry.tiers, [](const auto& each) { return each.bytes.has_value(); });
    const detail::split_key names = detail::split_stored_key(entry.key);
    inside_->announce({.what = is_set ? announcement::set : announcement::removed,
                       .stamp = entry.stamp,
                       .name = names.name,
                       .key = names.key});
  }
  for (std::size_t tier = 0; tier < size(); ++tier) {
    inside_->all[tier]->enqueue({.key = entry.key,
                                 .stamp = entry.stamp,
                                 .bytes = std::move(entry.tiers[tier].bytes),
                                 .keep_until = entry.tiers[tier].keep_until,
                                 .verify = to_others == announced::again},
                                report);
  }
}

void tiers::enqueue_remove(std::string_view name, std::string_view key, const write_stamp& stamp,
                           write_report_pointer report) {
  encoded_entry gone{.key = stored_key(name, key), .stamp = stamp, .tiers = {}};
  gone.tiers.resize(size());
  enqueue(std::move(gone), std::move(report), announced::always);
}

void tiers::enqueue_promotion(std::string_view name, std::string_view key, const found& what,
                              std::int64_t fail_safe_ms, tier_set skip) {
  const std::int64_t left_ms =
      saturating_sum(what.entry.stale_until_ms - inside_->time.wall_us() / 1'000, fail_safe_ms);
  if (left_ms <= 0) return;
  std::optional<shared_bytes> copied;
  for (std::size_t tier = 0; tier < what.tier; ++tier) {
    if (skip.has_tier(tier)) continue;
    if (!copied) copied.emplace(std::string(what.bytes));
    inside_->all[tier]->enqueue(
        {.key = stored_key(name, key),
         .stamp = what.entry.stamp,
         .bytes = copied,
         .keep_until = later(inside_->time.now(), std::min(left_ms, kept_ms_max))},
        nullptr);
  }
}

void tiers::enqueue_mark(std::string_view name, std::optional<std::string_view> tag,
                         const write_stamp& stamp, write_report_pointer report) {
  const std::string key = tag ? detail::tag_mark_key(name, *tag) : detail::clear_mark_key(name);
  const shared_bytes bytes = detail::mark_bytes(key, stamp, inside_->time.wall_us() / 1'000);
  inside_->announce({.what = tag ? announcement::tag_removed : announcement::cleared,
                     .stamp = stamp,
                     .name = name,
                     .key = tag.value_or(std::string_view())});
  for (const auto& each : inside_->all) {
    each->enqueue({.key = key,
                   .stamp = stamp,
                   .bytes = bytes,
                   .keep_until = later(inside_->time.now(), marks_kept_ms),
                   .verify = each->is_shared()},
                  report);
  }
}

void tiers::send() {
  inside_->send();
}

}  // namespace lodestar::swr
