#include "tier.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::swr::detail {
namespace {

constexpr std::string_view cleared_name = "@cleared";
constexpr std::string_view tags_name = "@tags";

// A store that is full or refuses one value works.
bool is_failure_of_store(const error& problem) noexcept {
  return problem.code != error_code::too_large && problem.code != error_code::storage_full &&
         problem.code != error_code::cancelled;
}

}  // namespace

tier::tier(tier_options options, const clock& time, scheduler& timer,
           std::shared_ptr<lifeline<event_sink>> events)
    : below_(std::exchange(options.below, nullptr)),
      options_(std::move(options)),
      name_(below_->name()),
      time_(time),
      timer_(timer),
      events_(std::move(events)),
      breaker_(options_.breaker),
      pending_({options_.pending_writes_max, options_.pending_bytes_max}) {}

tier::~tier() {
  release(std::move(below_), timer_);
}

void tier::read(std::string_view key, read_handler done) {
  if (has_pending() && answer_from_pending(key, done)) return;
  const steady_time now = time_.now();
  if (!breaker_.admit(now)) {
    refused_reads_.add();
    return done({});
  }
  auto came = [self = shared_from_this(), now, done = std::move(done)](const auto& bytes) mutable {
    self->answered(bytes, now, done);
  };
  below_->get(key, later(now, options_.read_timeout_ms), in_scope(std::move(came)));
}

void tier::answered(const result<std::optional<std::string_view>>& bytes, steady_time began,
                    read_handler& done) {
  const nanoseconds latency = events_ != nullptr ? time_.now() - began : nanoseconds::zero();
  note(bytes.has_value(), bytes ? std::nullopt : std::optional(bytes.error()));
  if (!bytes) {
    read_errors_.add();
  } else {
    (bytes->has_value() ? hits_ : misses_).add();
  }
  done({.bytes = bytes ? *bytes : std::nullopt,
        .from_store = true,
        .failed = !bytes,
        .is_certain = bytes.has_value(),
        .latency = latency});
}

bool tier::answer_from_pending(std::string_view key, read_handler& done) {
  std::optional<shared_bytes> bytes;
  {
    const std::lock_guard held(mutex_);
    const tier_write* const write = pending_.find(key);
    if (write == nullptr) return false;
    if (write->keep_until > time_.now()) bytes = write->bytes;
  }
  done({.bytes = bytes ? std::optional(bytes->view()) : std::nullopt, .is_certain = true});
  return true;
}

void tier::note(bool success, const std::optional<error>& problem) {
  if (success || !is_failure_of_store(*problem)) {
    if (breaker_.note_success()) {
      retry();
      send();
    }
    return;
  }
  static_cast<void>(breaker_.note_failure(time_.now()));
}

void tier::enqueue(tier_write write, write_report_pointer report) {
  write_stamp lost{};
  {
    const std::lock_guard held(mutex_);
    const steady_time then = not_before(write);
    auto given_up = pending_.add(std::move(write), std::move(report), then);
    if (given_up) {
      lost = given_up->newest;
      give_up(lost);
      std::ranges::move(given_up->waiting, std::back_inserter(lost_));
    }
    pending_count_.store(pending_.size());
  }
  if (lost == write_stamp{}) return;
  given_up_.add();
  if (handlers_.gave_up) handlers_.gave_up(lost);
}

void tier::drop_older(std::string_view key, const write_stamp& stamp) {
  if (!has_pending()) return;
  pending_writes::reports told;
  {
    const std::lock_guard held(mutex_);
    told = pending_.drop_older(key, stamp);
    pending_count_.store(pending_.size());
  }
  tell(std::move(told), std::nullopt);
}

// Removals, and marks, which are removals of many, do not wait, nor does anything when much waits
// already.
steady_time tier::not_before(const tier_write& write) const {
  const bool delays = options_.write_delay_ms > 0 && write.bytes && !write.key.starts_with('@') &&
                      pending_.size() < options_.pending_writes_max / 4 &&
                      pending_.bytes() < options_.pending_bytes_max / 4;
  return delays ? later(time_.now(), options_.write_delay_ms) : steady_time::min();
}

void tier::send() {
  while (has_pending()) {
    std::optional<tier_write> next;
    std::optional<steady_time> due;
    pending_writes::reports lost;
    {
      const std::lock_guard held(mutex_);
      if (options_.write_delay_ms > 0) due = pending_.release(time_.now());
      next = pending_.take();
      lost.swap(lost_);
    }
    if (!lost.empty()) tell_lost(std::move(lost));
    if (!next) return arm(due);
    start(*std::move(next));
  }
}

void tier::flush() {
  {
    const std::lock_guard held(mutex_);
    static_cast<void>(pending_.release(steady_time::max()));
  }
  send();
}

// When the timer takes no more tasks, the next write tries again.
void tier::arm(std::optional<steady_time> next) {
  if (!next) return;
  const std::lock_guard held(mutex_);
  if (armed_) return;
  armed_ = timer_.post_at(*next, [self = weak_from_this()] {
    const auto here = self.lock();
    if (!here) return;
    {
      const std::lock_guard inside(here->mutex_);
      here->armed_ = false;
    }
    here->send();
  });
}

void tier::tell_lost(pending_writes::reports told) const {
  tell(std::move(told),
       fail(error_code::unavailable, "too many writes wait for the tier", name_,
            "it is down or too slow; what it holds is not used until it is written anew")
           .error());
}

// So many at a time, and the next when these have succeeded.
void tier::retry() {
  const std::lock_guard held(mutex_);
  retrying_ = pending_.retry(retries_at_once, options_.shared);
}

void tier::start(tier_write write) {
  const steady_time now = time_.now();
  if (!breaker_.admit(now)) {
    return ended(write, fail(error_code::unavailable, "the tier does not answer at present", name_),
                 now);
  }
  if (write.verify) return verify(std::move(write));
  apply(write);
}

// Whether others have written something newer meanwhile. Between this and the write there is a
// gap: who writes in it hears of ours, and sends his own again.
void tier::verify(tier_write write) {
  const steady_time began = time_.now();
  const std::string key = write.key;
  auto came = [self = shared_from_this(), write = std::move(write), began](const auto& bytes) {
    self->note(bytes.has_value(), bytes ? std::nullopt : std::optional(bytes.error()));
    if (!bytes) return self->ended(write, std::unexpected(bytes.error()), began);
    self->verified(write, *bytes, began);
  };
  below_->get(key, later(began, options_.read_timeout_ms), in_scope(std::move(came)));
}

void tier::verified(const tier_write& write, std::optional<std::string_view> there,
                    steady_time began) {
  const auto stamp = there ? stamp_of_envelope(*there) : std::nullopt;
  const bool nothing_to_remove = !write.bytes && !there;
  if (!nothing_to_remove && (!stamp || *stamp < write.stamp)) return apply(write);
  if (stamp && *stamp > write.stamp && handlers_.newer) handlers_.newer(write.key, *stamp);
  ended(write, {}, began);
}

void tier::apply(const tier_write& write) {
  const steady_time began = time_.now();
  const steady_time due = later(began, options_.write_timeout_ms);
  auto done = in_scope([self = shared_from_this(), write, began](const result<void>& outcome) {
    self->note(outcome.has_value(), outcome ? std::nullopt : std::optional(outcome.error()));
    self->ended(write, outcome, began);
    if (outcome && write.verify && self->is_shared() && self->handlers_.written_late)
      self->handlers_.written_late(write.key, write.stamp);
  });
  if (write.bytes && write.keep_until > began) {
    const nanoseconds keep_for =
        write.keep_until == steady_time::max() ? nanoseconds::max() : write.keep_until - began;
    return below_->set(write.key, *write.bytes, keep_for, due, std::move(done));
  }
  const std::array<std::string_view, 1> keys{write.key};
  below_->remove(keys, due, std::move(done));
}

void tier::ended(const tier_write& write, const result<void>& outcome, steady_time began) {
  writes_.add();
  if (!outcome) write_errors_.add();
  report_event(write, !outcome, began);
  const bool unwanted = !outcome && (outcome.error().code == error_code::too_large ||
                                     outcome.error().code == error_code::storage_full);
  pending_writes::end what;
  {
    const std::lock_guard held(mutex_);
    what = pending_.ended(write, outcome.has_value());
    if (unwanted) what.ready |= pending_.turn_into_removal(write);
    what.ready |= retry_more(write, outcome.has_value());
    pending_count_.store(pending_.size());
  }
  tell(std::move(what.waiting), outcome ? std::nullopt : std::optional(outcome.error()));
  if (what.ready) send();
  if (!outcome && handlers_.failed) handlers_.failed();
}

bool tier::retry_more(const tier_write& ended, bool success) {
  if (!ended.again || retrying_ == 0 || --retrying_ > 0 || !success) return false;
  retrying_ = pending_.retry(retries_at_once, options_.shared);
  return retrying_ > 0;
}

void tier::tell(pending_writes::reports told, const std::optional<error>& problem) {
  for (const write_report_pointer& each : told) each->ended(problem);
}

void tier::report_event(const tier_write& write, bool failed, steady_time began) const {
  if (!events_) return;
  const auto listens = events_->tie().hold();
  if (!listens) return;
  const split_key names = split_stored_key(write.key);
  const nanoseconds latency = time_.now() - began;
  if (write.bytes) {
    return listens->written({.tier = name_,
                             .cache = names.name,
                             .key = names.key,
                             .failed = failed,
                             .latency = latency});
  }
  listens->removed({.tier = name_,
                    .cache = names.name,
                    .keys = 1,
                    .first_key = names.key,
                    .failed = failed,
                    .latency = latency});
}

// One write takes the place of all, so that other nodes, and this one after a restart, know, too.
void tier::give_up(const write_stamp& up_to) {
  distrusted_->raise(up_to.time);
  const std::string key = distrust_mark_key();
  const auto more = pending_.add(
      {.key = key, .stamp = up_to, .bytes = mark_bytes(key, up_to, time_.wall_us() / 1'000)},
      nullptr);
  LODESTAR_ASSERT(!more, "there is room for one write at least");
}

bool tier::has_failed() const {
  const std::lock_guard held(mutex_);
  return pending_.failed() > 0;
}

tier_statistics tier::stats() const {
  const std::lock_guard held(mutex_);
  return {.name = name_,
          .hits = hits_.value(),
          .misses = misses_.value(),
          .read_errors = read_errors_.value(),
          .faults = faults_.value(),
          .refused_reads = refused_reads_.value(),
          .writes = writes_.value(),
          .write_errors = write_errors_.value(),
          .given_up = given_up_.value(),
          .pending_writes = pending_.size(),
          .pending_bytes = pending_.bytes(),
          .breaker_is_open = breaker_.is_open()};
}

shared_bytes mark_bytes(std::string_view key, const write_stamp& stamp, std::int64_t written_ms) {
  std::string bytes;
  append_envelope({.key = identity_of(key),
                   .kind = envelope_kind::absent,
                   .written_ms = written_ms,
                   .fresh_until_ms = std::numeric_limits<std::int64_t>::max(),
                   .stale_until_ms = std::numeric_limits<std::int64_t>::max(),
                   .stamp = stamp,
                   .format = mark_format()},
                  bytes);
  return shared_bytes(std::move(bytes));
}

std::uint64_t mark_format() noexcept {
  static const std::uint64_t format = hash_bytes_64("mark/1");
  return format;
}

std::string distrust_mark_key() {
  return stored_key("@distrusted", "");
}

std::string clear_mark_key(std::string_view name) {
  return stored_key(cleared_name, name);
}

std::string tag_mark_key(std::string_view name, std::string_view tag) {
  return stored_key(tags_name, stored_key(name, tag));
}

mark_subject subject_of_mark(std::string_view stored) {
  const split_key mark = split_stored_key(stored);
  if (mark.name == cleared_name) return {.name = std::string(mark.key), .tag = std::nullopt};
  if (mark.name != tags_name) return {};
  split_key names = split_stored_key(mark.key);
  return {.name = std::move(names.name), .tag = names.key};
}

split_key split_stored_key(std::string_view stored) {
  const std::size_t end = std::min(stored.find(':'), stored.size());
  split_key parts{.name = {}, .key = stored.substr(std::min(end + 1, stored.size()))};
  for (std::size_t at = 0; at < end; ++at) {
    const std::string_view three = stored.substr(at, 3);
    const bool escaped = three == "%3A" || three == "%25";
    parts.name += escaped ? (three == "%3A" ? ':' : '%') : stored[at];
    if (escaped) at += 2;
  }
  return parts;
}

}  // namespace lodestar::swr::detail
