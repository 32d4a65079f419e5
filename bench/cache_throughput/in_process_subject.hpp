// Any cache of this process behind the same loops, so that none is favoured. A Store has
//   using key_type;
//   explicit Store(std::size_t entries_max);
//   std::optional<std::uint64_t> get(const key_type&);   thread-safe, as are all
//   void put(const key_type&, std::uint64_t);
//   void remove(const key_type&);
//   std::size_t entries();
//   static constexpr bool evicts;   whether it keeps to its capacity
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cache_throughput/key_sequence.hpp"
#include "cache_throughput/subject.hpp"
#include "support/thread_run.hpp"
#include "support/tick_clock.hpp"

namespace lodestar::bench {

template <class Store>
class in_process_subject final : public subject {
 public:
  in_process_subject(std::string name, std::string version, const key_numbers& numbers)
      : subject(std::move(name), std::move(version)), sequence_(numbers), store_(capacity_entries) {
    warm_up();
  }

  result<cell_result> run(const cell& wanted) override;
  std::optional<result<eviction_result>> run_eviction(unsigned threads,
                                                      std::chrono::milliseconds duration) override;

 private:
  using key_type = typename Store::key_type;

  /// What a thread did; its own, until it ends.
  struct counts {
    std::uint64_t operations = 0, hits = 0, sum = 0;
  };
  /// Keys that no thread and no filling has used before.
  class new_keys {
   public:
    explicit new_keys(unsigned owner) : next_(static_cast<std::uint64_t>(owner + 1) << 40) {}
    [[nodiscard]] std::uint64_t next() noexcept { return next_++; }

   private:
    std::uint64_t next_;
  };

  void warm_up();
  [[nodiscard]] counts read(std::size_t begin, const std::atomic<bool>& stop);
  [[nodiscard]] counts write(std::size_t begin, const std::atomic<bool>& stop);
  [[nodiscard]] bool is_right(const counts& done, std::size_t begin) const;
  static void fill(Store& store, const key_sequence<key_type>& sequence);
  void insert_and_get(Store& store, unsigned thread, std::size_t begin,
                      const std::atomic<bool>& stop, eviction_result& out) const;

  key_sequence<key_type> sequence_;
  Store store_;
};

// ---------------------------------------------------------------------------------------------------------------------

// As in Caffeine's benchmark: full once, so that whatever grows or is made on demand is there, then
// empty, then only the keys that are used.
template <class Store>
void in_process_subject<Store>::warm_up() {
  for (std::uint64_t number = 0; number < capacity_entries; ++number)
    store_.put(make_key<key_type>(number), number);
  for (std::uint64_t number = 0; number < capacity_entries; ++number)
    store_.remove(make_key<key_type>(number));
  for (std::size_t index = 0; index < sequence_.size(); ++index)
    store_.put(sequence_.keys()[index], sequence_.values()[index]);
}

template <class Store>
auto in_process_subject<Store>::read(std::size_t begin, const std::atomic<bool>& stop) -> counts {
  const key_type* const keys = sequence_.keys();
  counts done;
  done.operations = repeat_until(stop, begin, sequence_.size(), [&](std::size_t index) {
    if (const std::optional<std::uint64_t> value = store_.get(keys[index])) {
      ++done.hits;
      done.sum += *value;
    }
  });
  return done;
}

template <class Store>
auto in_process_subject<Store>::write(std::size_t begin, const std::atomic<bool>& stop) -> counts {
  const key_type* const keys = sequence_.keys();
  const std::uint64_t* const values = sequence_.values();
  counts done;
  done.operations = repeat_until(stop, begin, sequence_.size(), [&](std::size_t index) {
    store_.put(keys[index], values[index]);
  });
  return done;
}

// A miss is the caller's to report.
template <class Store>
bool in_process_subject<Store>::is_right(const counts& done, std::size_t begin) const {
  return done.hits != done.operations || done.sum == sequence_.sums().of(begin, done.operations);
}

template <class Store>
result<cell_result> in_process_subject<Store>::run(const cell& wanted) {
  const unsigned threads = wanted.group.threads();
  std::vector<counts> done(threads);
  cell_result sum;
  sum.seconds = run_threads(threads, wanted.duration, [&](unsigned thread, const auto& stop) {
    const std::size_t begin = sequence_.begin_of(thread, threads);
    done[thread] = thread < wanted.group.readers ? read(begin, stop) : write(begin, stop);
  });
  for (unsigned thread = 0; thread < threads; ++thread) {
    const bool is_reader = thread < wanted.group.readers;
    (is_reader ? sum.reads : sum.writes) += done[thread].operations;
    sum.hits += done[thread].hits;
    if (is_reader && !is_right(done[thread], sequence_.begin_of(thread, threads)))
      return fail(error_code::internal, "a read gave a value that was never written",
                  fmt::format("{}, {}", name(), wanted.group.name()),
                  "the cache is broken: run its tests");
  }
  return sum;
}

template <class Store>
void in_process_subject<Store>::fill(Store& store, const key_sequence<key_type>& sequence) {
  new_keys fillers(0);
  for (std::size_t entry = 0; entry < capacity_entries; ++entry) {
    const std::uint64_t number = fillers.next();
    store.put(make_key<key_type>(number), number);
  }
  for (std::size_t index = 0; index < sequence.size(); ++index)
    store.put(sequence.keys()[index], sequence.values()[index]);
}

// The drawn keys are read often enough to stay, and each insertion must evict something else.
template <class Store>
void in_process_subject<Store>::insert_and_get(Store& store, unsigned thread, std::size_t begin,
                                               const std::atomic<bool>& stop,
                                               eviction_result& out) const {
  const key_type* const keys = sequence_.keys();
  new_keys fresh(thread + 1);
  repeat_until(stop, begin, sequence_.size(), [&](std::size_t index) {
    const std::uint64_t number = fresh.next();
    const auto key = make_key<key_type>(number);
    const std::uint64_t before = ticks();
    store.put(key, number);
    const std::uint64_t between = ticks();
    const std::optional<std::uint64_t> value = store.get(keys[index]);
    const std::uint64_t after = ticks();
    out.inserts.record(between - before);
    out.gets.record(after - between);
    if (value) ++out.hits;
  });
}

template <class Store>
std::optional<result<eviction_result>> in_process_subject<Store>::run_eviction(
    unsigned threads, std::chrono::milliseconds duration) {
  if (!Store::evicts) return std::nullopt;
  Store store(capacity_entries);
  fill(store, sequence_);
  std::vector<eviction_result> done(threads);
  eviction_result sum;
  sum.seconds = run_threads(threads, duration, [&](unsigned thread, const auto& stop) {
    // On the stack of the thread that counts, not beside the counts of another one.
    eviction_result own;
    insert_and_get(store, thread, sequence_.begin_of(thread, threads), stop, own);
    done[thread] = own;
  });
  for (const auto& each : done) {
    sum.inserts.add(each.inserts);
    sum.gets.add(each.gets);
    sum.hits += each.hits;
  }
  // A sixteenth more is what a cache may not have evicted yet.
  if (const std::size_t entries = store.entries(); entries > capacity_entries / 16 * 17)
    return fail(error_code::internal,
                fmt::format("{} entries where {} are the bound", entries, capacity_entries), name(),
                "it does not evict: there is nothing to measure");
  return sum;
}

}  // namespace lodestar::bench
