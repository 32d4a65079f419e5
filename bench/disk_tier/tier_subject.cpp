#include "disk_tier/tier_subject.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include <lodestar/lmdb_tier/lmdb_tier.hpp>
#include <lodestar/swr/envelope.hpp>

#include "disk_tier/threaded_gets.hpp"
#include "support/report.hpp"

namespace lodestar::bench {
namespace {

constexpr std::uint64_t value_format = 1;
// More writes at a time would be refused by the store when it is slow.
constexpr std::size_t answers_awaited_max = 16'384;

[[nodiscard]] std::unique_ptr<swr::store> open_store(const std::filesystem::path& file) {
  auto opened = lmdb_tier::open({.file = file});
  if (!opened) throw std::runtime_error(opened.error().describe());
  return std::move(opened->store);
}

[[nodiscard]] shared_bytes make_entry(std::string_view key, std::string_view value) {
  std::string stored;
  swr::append_envelope({.key = swr::identity_of(key), .format = value_format, .value = value},
                       stored);
  return shared_bytes(std::move(stored));
}

[[nodiscard]] steady_time deadline() {
  return system_clock().now() + std::chrono::minutes(1);
}

}  // namespace

tier_subject::tier_subject(const std::filesystem::path& file, const entries& all)
    : all_(all), store_(open_store(file)) {}

double tier_subject::time_puts() {
  const steady_time due = deadline();
  std::string value(all_.value_bytes, '\0');
  const stopwatch time;
  for (std::size_t number = 0; number < all_.keys.size(); ++number) {
    const std::string& key = all_.to_put(number);
    write_value(key, value);
    begin_answer();
    store_->set(key, make_entry(key, value), std::chrono::hours(1), due,
                [this](const auto& outcome) { take_answer(outcome.has_value()); });
  }
  wait_for_answers(0);
  if (failed_) throw std::runtime_error("the store has not taken an entry");
  return time.seconds();
}

void tier_subject::begin_answer() {
  if (awaited_.fetch_add(1, std::memory_order_relaxed) + 1 >= answers_awaited_max)
    wait_for_answers(answers_awaited_max / 2);
}

void tier_subject::take_answer(bool right) {
  if (!right) failed_ = true;
  const std::size_t left = awaited_.fetch_sub(1, std::memory_order_acq_rel) - 1;
  if (left == answers_awaited_max / 2 || left == 0) awaited_.notify_all();
}

void tier_subject::wait_for_answers(std::size_t left) {
  for (std::size_t count = awaited_; count > left; count = awaited_) awaited_.wait(count);
}

double tier_subject::time_gets(unsigned threads, std::size_t gets) {
  const steady_time due = deadline();
  return bench::time_gets(all_, threads, gets, [&] {
    return [&store = *store_, due](std::string_view key) {
      bool right = false;
      store.get(key, due, [&right, key](const auto& stored) {
        if (!stored || !*stored) return;
        right = swr::open_envelope(**stored, {.key = swr::identity_of(key), .format = value_format})
                    .has_value();
      });
      return right;
    };
  });
}

}  // namespace lodestar::bench
