// A stale-while-revalidate cache for callers who may block: a thin view of it.
//
//   thread_pool background("pages", 4, 1'000);
//   swr::cache<std::string, std::string> pages(
//       {.keep = {.fresh_ms = 1'000, .stale_ms = 60'000}});
//   swr::blocking callers(pages, background);
//   const auto page =
//       callers.get_or_load("/", [](const std::string& path) { return render(path); });
//   if (page) send(page->value);
//
// A load is called with the key and brings a Value, a loaded<Value> (tags, lifetimes, a position),
// or a result of either. What it throws becomes error_code::internal. It is copied or moved into
// the cache and may run when the call has returned: it owns what it uses.
//
// Where loads run:
//   - on the thread of the caller who leads, while it waits, also when a tier answered elsewhere;
//   - on the executor: revalidations of stale entries and eager refreshes, loads whose caller has
//     left, and all loads of calls with a soft or hard timeout, so that their caller can leave.
// A load that the executor refuses or drops answers unavailable; the next caller begins anew. Who
// calls with a timeout from a thread of the executor may wait for a load that waits for that
// thread, until the timeout.
//
// How long callers wait: as long as their hard_timeout_ms, and load_ms_max of the cache, by its
// timer; should that not answer, timer_grace_ms longer. Never longer than wait_ms_max. Only a
// caller that runs its own load stays until that has ended: use a hard timeout for what may hang.
//
// A load that asks for its own key on its thread, also through loads of other keys inside of it,
// gets invalid_argument, unless memory can serve it. Loads on different threads that wait for each
// other's keys are answered by their timeouts.
//
// Thread-safety: all members from any thread. Lifetimes: cache and executor must outlive the view
// and its calls; the executor, the loads as well. Errors: those of cache.hpp, and deadline_exceeded
// when the cache has not answered in time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/detail/blocked_call.hpp>
#include <lodestar/swr/detail/brought.hpp>
#include <lodestar/swr/detail/finding.hpp>
#include <lodestar/swr/detail/loading_turn.hpp>
#include <lodestar/swr/detail/pending_load.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr {

template <class Cache>
class blocking {
 public:
  using key_type = typename Cache::key_type;
  using value_type = typename Cache::value_type;
  using answer_type = answer<value_type>;

  static constexpr std::int64_t timer_grace_ms = 1'000;
  static constexpr std::int64_t wait_ms_max = 24LL * 60 * 60 * 1'000;

  blocking(Cache& below, executor& background) noexcept : below_(below), background_(background) {}

  // Without options a call goes by the cache's defaults.

  /// What memory or a tier has; an empty optional when none has it. Never loads.
  [[nodiscard]] result<std::optional<answer_type>> get(const key_type& key) {
    return get(key, defaults());
  }
  [[nodiscard]] result<std::optional<answer_type>> get(const key_type& key,
                                                       const call_options& allowed,
                                                       const demand& wanted = {});

  /// What memory or a tier has, or what the load brings, once for all who ask.
  template <class Load>
  [[nodiscard]] result<answer_type> get_or_load(const key_type& key, Load&& load) {
    return get_or_load(key, std::forward<Load>(load), defaults());
  }
  template <class Load>
  [[nodiscard]] result<answer_type> get_or_load(const key_type& key, Load&& load,
                                                const call_options& allowed,
                                                const demand& wanted = {});

  // In memory when the call returns, and in all tiers when it returns without an error: with one, a
  // tier takes it later.

  /// Content: a Value or a loaded<Value>.
  template <class Content>
  result<void> set(const key_type& key, Content&& content) {
    return set(key, std::forward<Content>(content), defaults());
  }
  template <class Content>
  result<void> set(const key_type& key, Content&& content, const call_options& allowed);
  result<void> remove(const key_type& key);
  /// All entries that have the tag.
  result<void> remove_by_tag(const std::string& tag);
  result<void> clear();

 private:
  using outcome = result<answer_type>;
  using blocked = detail::blocked_call<outcome>;

  [[nodiscard]] const call_options& defaults() const noexcept { return below_.settings().defaults; }
  [[nodiscard]] std::int64_t wait_ms(const call_options& allowed) const noexcept {
    return std::clamp<std::int64_t>(
        std::min(allowed.hard_timeout_ms, below_.settings().load_ms_max), 0, wait_ms_max);
  }
  [[nodiscard]] static std::unexpected<error> not_answered() {
    return fail(error_code::deadline_exceeded, "the cache has not answered in time");
  }
  [[nodiscard]] outcome answer_own_load(const key_type& key, const call_options& allowed,
                                        const demand& wanted);
  [[nodiscard]] outcome wait_for(blocked& call, const call_options& allowed) const;
  template <class Load>
  [[nodiscard]] typename Cache::loader loader_of(const key_type& key, Load&& load,
                                                 const call_options& allowed,
                                                 std::shared_ptr<blocked> call);
  /// `begin` is given what is to be told the end of a change.
  template <class Begin>
  [[nodiscard]] result<void> change(std::int64_t at_most_ms, Begin&& begin);

  Cache& below_;
  executor& background_;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Cache>
auto blocking<Cache>::get(const key_type& key, const call_options& allowed, const demand& wanted)
    -> result<std::optional<answer_type>> {
  if (auto present = below_.peek_before_load(key, allowed, wanted)) return present;
  const auto call = std::make_shared<blocked>();
  below_.get(key, allowed, wanted, [call](outcome what) { call->answer(std::move(what)); });
  return detail::as_found(wait_for(*call, allowed));
}

template <class Cache>
template <class Load>
auto blocking<Cache>::get_or_load(const key_type& key, Load&& load, const call_options& allowed,
                                  const demand& wanted) -> result<answer_type> {
  if (auto present = detail::find_fresh(below_, key, allowed, wanted)) return *std::move(present);
  if (detail::loading_turn<Cache>::runs_here(&below_.settings(), key)) {
    return answer_own_load(key, allowed, wanted);
  }
  const auto call = std::make_shared<blocked>();
  below_.get_or_load(key, allowed, wanted, loader_of(key, std::forward<Load>(load), allowed, call),
                     [call](outcome what) { call->answer(std::move(what)); });
  return wait_for(*call, allowed);
}

template <class Cache>
auto blocking<Cache>::answer_own_load(const key_type& key, const call_options& allowed,
                                      const demand& wanted) -> outcome {
  if (auto present = below_.peek(key, allowed, wanted)) return *std::move(present);
  return fail(error_code::invalid_argument, "a load asked for the key that it is loading");
}

template <class Cache>
auto blocking<Cache>::wait_for(blocked& call, const call_options& allowed) const -> outcome {
  auto came = call.wait(milliseconds(wait_ms(allowed) + timer_grace_ms));
  if (came) return *std::move(came);
  return not_answered();
}

template <class Cache>
template <class Load>
auto blocking<Cache>::loader_of(const key_type& key, Load&& load, const call_options& allowed,
                                std::shared_ptr<blocked> call) -> typename Cache::loader {
  const bool may_leave = allowed.soft_timeout_ms != duration_ms_unlimited ||
                         allowed.hard_timeout_ms != duration_ms_unlimited;
  auto pending = std::make_unique<detail::pending_load<Cache, std::decay_t<Load>>>(
      &below_.settings(), key, std::forward<Load>(load));
  return [call = std::move(call), pending = std::move(pending), background = &background_,
          may_leave](typename Cache::done completed) mutable {
    pending->begins(std::move(completed));
    task work = [pending = std::move(pending)] { pending->run(); };
    if (!may_leave && call->hand_over(work)) return;
    // Refused, it is destroyed here, and says so.
    static_cast<void>(background->post(std::move(work)));
  };
}

template <class Cache>
template <class Content>
result<void> blocking<Cache>::set(const key_type& key, Content&& content,
                                  const call_options& allowed) {
  auto given = detail::as_loaded<value_type>(std::forward<Content>(content));
  if (!given) return std::unexpected(std::move(given.error()));
  return change(wait_ms(allowed), [&](store::ended told) {
    below_.set(key, *std::move(given), allowed, std::move(told));
  });
}

template <class Cache>
result<void> blocking<Cache>::remove(const key_type& key) {
  return change(wait_ms({}), [&](store::ended told) { below_.remove(key, std::move(told)); });
}

template <class Cache>
result<void> blocking<Cache>::remove_by_tag(const std::string& tag) {
  return change(wait_ms({}),
                [&](store::ended told) { below_.remove_by_tag(tag, std::move(told)); });
}

template <class Cache>
result<void> blocking<Cache>::clear() {
  return change(wait_ms({}), [&](store::ended told) { below_.clear(std::move(told)); });
}

template <class Cache>
template <class Begin>
result<void> blocking<Cache>::change(std::int64_t at_most_ms, Begin&& begin) {
  const auto call = std::make_shared<detail::blocked_call<result<void>>>();
  begin([call](result<void> told) { call->answer(std::move(told)); });
  const auto told = call->wait(milliseconds(at_most_ms));
  if (told) return *told;
  return not_answered();
}

}  // namespace lodestar::swr
