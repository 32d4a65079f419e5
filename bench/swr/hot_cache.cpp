// 10,000 users, all of them in memory, read by threads that share one cache: one after the other,
// as swr-cache's own benchmark does, and at random. Every subject runs in every round, in another
// order; the rows are medians over the rounds.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <lodestar/base/random.hpp>
#include <lodestar/cache/cache.hpp>

#include "support/latency_histogram.hpp"
#include "support/thread_run.hpp"
#include "support/tick_clock.hpp"
#include "swr/scenarios.hpp"

namespace lodestar::bench {
namespace {

constexpr std::size_t users = 10'000;
constexpr std::size_t draws = 1U << 15U;  // a power of two
enum class reading : std::uint8_t { in_order, at_random };
constexpr unsigned threads_max = 16;
constexpr std::size_t timed_of = 64;  // one operation of so many

struct tally {
  std::uint64_t operations = 0;
  std::uint64_t wrong = 0;
  latency_histogram times;
};

/// What the threads read, and how: each calls it for a while.
struct subject {
  std::string name;
  std::string call;
  std::function<tally(unsigned thread, const std::atomic<bool>& stop)> read_until;
  std::optional<std::size_t> beside = {};  ///< The bare cache that it is compared with.
};

class key_draws {
 public:
  key_draws() : keys_(make_user_keys(users)), ids_(draws) { draw(reading::at_random); }
  /// While nobody reads.
  void draw(reading how) {
    seeded_random random(1);
    for (std::size_t index = 0; index < draws; ++index) {
      const std::uint64_t number = how == reading::in_order ? index : random.next();
      ids_[index] = static_cast<std::uint32_t>(number % users);
    }
  }
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }

  /// read(key, id) → whether it was the right user.
  template <class Read>
  tally read_until(unsigned thread, const std::atomic<bool>& stop, const Read& read) const {
    tally made;
    const auto one = [&](std::size_t draw) {
      if (!read(keys_[ids_[draw]], ids_[draw])) ++made.wrong;
    };
    made.operations = repeat_until(stop, thread * 1'999, draws, [&](std::size_t draw) {
      if (draw % timed_of != 0) return one(draw);
      const std::uint64_t began = ticks();
      one(draw);
      made.times.record(ticks() - began);
    });
    return made;
  }

 private:
  std::vector<std::string> keys_;
  std::vector<std::uint32_t> ids_;
};

/// Filled just before what it is compared with, so that the memory of both lies as scattered.
subject bare_subject(const key_draws& drawn, const std::string& beside) {
  using bare = ::lodestar::cache::cache<std::string, user>;
  const auto cache = std::make_shared<bare>(bare::options_type{.entries_max = 2 * users});
  for (std::size_t id = 0; id < users; ++id) cache->insert(drawn.keys()[id], make_user(id));
  return {.name = "lodestar::cache beside " + beside,
          .call = "get",
          .read_until = [&drawn, cache](unsigned thread, const auto& stop) {
            return drawn.read_until(thread, stop, [&](const std::string& key, std::uint32_t id) {
              const auto found = cache->get(key);
              return found && found->id == id;
            });
          }};
}

subject peek_subject(const key_draws& drawn, const std::string& name,
                     const std::shared_ptr<user_cache>& cache) {
  return {.name = name,
          .call = "peek",
          .read_until = [&drawn, cache](unsigned thread, const auto& stop) {
            return drawn.read_until(thread, stop, [&](const std::string& key, std::uint32_t id) {
              const auto found = cache->peek(key);
              return found && found->value.id == id;
            });
          }};
}

subject load_subject(const key_draws& drawn, const std::string& name,
                     const std::shared_ptr<user_cache>& cache, const swr::call_options& how) {
  return {.name = name,
          .call = "get_or_load",
          .read_until = [&drawn, cache, how](unsigned thread, const auto& stop) {
            return drawn.read_until(thread, stop, [&](const std::string& key, std::uint32_t id) {
              bool right = false;
              cache->get_or_load(
                  key, how, {}, [](user_cache::done) {},
                  [&right, id](const auto& found) { right = found && found->value.id == id; });
              return right;
            });
          }};
}

/// For a cache whose answers may come later: from another thread's look, or after one at what was
/// removed in Redis.
subject waiting_subject(const key_draws& drawn, const std::string& name,
                        const std::shared_ptr<user_cache>& cache, const swr::call_options& how) {
  struct answer {
    std::atomic<bool> came{false};
    bool right = false;
  };
  // They outlive the threads: who answers may still be notifying when its caller goes on.
  const auto answers = std::make_shared<std::array<answer, threads_max>>();
  return {.name = name,
          .call = "get_or_load",
          .read_until = [&drawn, cache, how, answers](unsigned thread, const auto& stop) {
            answer& mine = (*answers)[thread];
            return drawn.read_until(thread, stop, [&](const std::string& key, std::uint32_t id) {
              mine.came = false;
              cache->get_or_load(
                  key, how, {}, [](user_cache::done) {},
                  [&mine, id](const auto& found) {
                    mine.right = found && found->value.id == id;
                    mine.came = true;
                    mine.came.notify_one();
                  });
              mine.came.wait(false);
              return mine.right;
            });
          }};
}

/// A cache that holds every user.
std::shared_ptr<user_cache> fill(stack& on, const key_draws& drawn) {
  std::shared_ptr<user_cache> cache = on.make_cache();
  user_database origin(0);
  for (std::size_t id = 0; id < users; ++id)
    read_user(*cache, drawn.keys()[id], id, on.how(), origin);
  on.settle();
  return cache;
}

struct cell {
  sample ns, throughput;
  latency_histogram times;
};

void run_cell(const subject& which, unsigned threads, milliseconds duration, cell& into) {
  std::vector<tally> tallies(threads);
  const double seconds =
      run_threads(threads, duration, [&](unsigned thread, const std::atomic<bool>& stop) {
        tallies[thread] = which.read_until(thread, stop);
      });
  std::uint64_t operations = 0;
  for (const tally& each : tallies) {
    if (each.wrong > 0) throw std::runtime_error("a read of " + which.name + " missed");
    operations += each.operations;
    into.times.add(each.times);
  }
  const double rate = static_cast<double>(operations) / seconds;
  into.throughput.add(rate);
  into.ns.add(1e9 * threads / rate);
}

void add_rows(report& out, const subject& which, const std::string& what, const cell& measured) {
  const auto row = [&](const char* metric, const char* unit, double value) {
    out.add(which.name, what, metric, unit, value);
  };
  row("time of a read, of each thread", "ns", measured.ns.median());
  row("throughput", "reads/s", measured.throughput.median());
  for (const auto& [name, share] : {std::pair("p50", 0.5), {"p99", 0.99}, {"p999", 0.999}}) {
    const auto found = static_cast<double>(measured.times.quantile(share));
    row(name, "ns", found / ticks_per_ns());
  }
}

void measure_subjects(report& out, const std::vector<subject>& subjects, const std::string& how,
                      unsigned threads, const scenario_settings& settings) {
  const std::size_t rounds = settings.quick ? 1 : std::max<std::size_t>(settings.samples / 10, 1);
  const milliseconds duration(settings.quick ? 2 : 100);
  seeded_random random(threads);
  std::vector<cell> cells(subjects.size());
  std::vector<std::size_t> order(subjects.size());
  for (std::size_t index = 0; index < order.size(); ++index) order[index] = index;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t left = order.size(); left > 1; --left)
      std::swap(order[left - 1], order[random.next() % left]);
    for (const std::size_t index : order)
      run_cell(subjects[index], threads, duration, cells[index]);
  }
  for (std::size_t index = 0; index < subjects.size(); ++index) {
    const auto what = fmt::format("hot_cache, {}, {}", subjects[index].call, how);
    add_rows(out, subjects[index], what, cells[index]);
    if (!subjects[index].beside) continue;
    out.add(subjects[index].name, what, "added to lodestar::cache", "ns",
            cells[index].ns.median() - cells[*subjects[index].beside].ns.median());
  }
}

}  // namespace

void measure_hot_cache(report& out, const scenario_settings& settings) {
  key_draws drawn;
  std::vector<subject> subjects;
  std::vector<std::unique_ptr<stack>> stacks;
  std::vector<std::shared_ptr<user_cache>> caches;
  for (const stack_plan& plan : settings.stacks) {
    stacks.push_back(std::make_unique<stack>(plan, settings.redis_url));
    const std::size_t bare = subjects.size();
    subjects.push_back(bare_subject(drawn, plan.name));
    caches.push_back(fill(*stacks.back(), drawn));
    const auto add = [&](subject made) {
      made.beside = bare;
      subjects.push_back(std::move(made));
    };
    if (plan.first != stack_plan::first_tier::none) {
      add(waiting_subject(drawn, plan.name, caches.back(), stacks.back()->how()));
      continue;
    }
    add(peek_subject(drawn, plan.name, caches.back()));
    add(load_subject(drawn, plan.name, caches.back(), stacks.back()->how()));
  }

  out.note("one read of 64 is timed; that costs " +
           fmt::format("{:.0f} ns, which are in p50, p99 and p999", tick_clock_cost_ns()));
  for (const auto& [how, name] :
       {std::pair(reading::in_order, "in order"), {reading::at_random, "at random"}}) {
    drawn.draw(how);
    for (const unsigned threads : {1U, 2U, 4U, 8U, threads_max})
      measure_subjects(out, subjects, fmt::format("{}, {} threads", name, threads), threads,
                       settings);
  }
  for (std::size_t index = 0; index < caches.size(); ++index) {
    const swr::statistics counted = caches[index]->stats();
    counts all;
    all.add(counted);
    all.report_rows(out, settings.stacks[index].name, "hot_cache", counted.loads);
    if (counted.loads != users) throw std::runtime_error("a hot cache loads each user once");
  }
}

}  // namespace lodestar::bench
