// The byte stores below the memory of caches, in the order in which they are asked: a file, a
// server. Any number of caches with different names share them.
//
//   const auto below = tiers::make({.tiers = {{.below = file}, {.below = redis, .shared = true}},
//                                   .announcements = plane});
//   cache<std::string, user> users({.name = "users", .below = below, …});
//
// Reading. One tier after the other, until one has an entry that is fresh; of those that are stale
// the newest counts. What a tier cannot say in its time is a miss, and is counted. What it gives
// back that is no entry of that key (envelope.hpp), or has a value that cannot be decoded, is a
// miss, is counted, and is deleted.
//
// Writing. All tiers at once. Of each key one write is on its way to a tier, and the newest waits
// behind it. What a tier does not take waits for it, newest of each key, and is sent again after
// `recovery_delay_ms` and when the tier answers again; until then that tier is not asked for that
// key, so that nothing that was removed or replaced comes back from it. When too many wait, the
// tier is no longer believed about anything older than that moment, which needs no list.
//
// Where a tier has a write_delay_ms, what is set waits for so long for something newer. flush()
// sends it at once.
//
// Nothing is kept in a tier for more than 30 days.
//
// A breaker keeps callers from a tier that fails again and again.
//
// Several nodes. A tier that others write to as well is `shared`. Each write has a stamp
// (write_clock.hpp), taken when its computation began, and is announced on the backplane; whoever
// has something older drops it, and accepts nothing older from a tier for a while. Of two writes
// that cross, the greater stamp wins everywhere: what is sent again after a failure first looks
// whether the tier has something newer, and a node that hears of an older write than its own sends
// its own again. Until the backplane is connected, and after each interruption of it, a node has
// not heard what others wrote: from then on it believes nothing older that it holds, in memory or
// in tiers of its own, without asking the shared tiers. Without a backplane other nodes' writes are
// seen when an entry in memory is no longer fresh.
//
// A removal leaves nothing in a tier. For a minute it is known to the node that made it and to
// those that heard of it; when all of these have ended, a write that is older and that a tier could
// not take before comes into it.
//
// Thread-safety: all members from any thread. Lifetimes: clocks, timer and randomness must
// outlive it and all calls of its stores, events until stop_events(); caches hold a reference. Its
// destruction waits until the backplane calls nobody any more; writes that are not on their way are
// lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/base/bytes.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/backplane.hpp>
#include <lodestar/swr/circuit_breaker.hpp>
#include <lodestar/swr/envelope.hpp>
#include <lodestar/swr/events.hpp>
#include <lodestar/swr/store.hpp>
#include <lodestar/swr/tag_marks.hpp>
#include <lodestar/swr/types.hpp>
#include <lodestar/swr/write_clock.hpp>
#include <lodestar/swr/write_report.hpp>

namespace lodestar::swr {

struct tier_options {
  std::shared_ptr<store> below;
  bool shared = false;  ///< Other nodes write to it, too.
  std::int64_t read_timeout_ms = 40;
  std::int64_t write_timeout_ms = 2'000;
  /// How long what is set may wait for a newer value of its key, which then is sent instead: for
  /// values that change all the time. Reads of this node find it meanwhile, and what is removed
  /// does not wait. 0 when it is shared.
  std::int64_t write_delay_ms = 0;
  std::size_t pending_writes_max = 10'000;
  std::size_t pending_bytes_max = 64U << 20;
  circuit_breaker_options breaker = {};
};

struct tiers_options {
  std::vector<tier_options> tiers;  ///< At most tier_set::tiers_max.
  std::shared_ptr<backplane> announcements = nullptr;
  std::int64_t recovery_delay_ms = 2'000;
  /// How long, without a backplane, what is known about tags is good when a tier is shared.
  std::int64_t tags_trusted_ms = 1'000;
  /// Of this process, among all that share a tier; 0: drawn at random.
  std::uint64_t node = 0;
  clock* time = &system_clock();
  scheduler* timer = &system_timer();
  random_source* random = &system_random();
  event_sink* events = nullptr;
};

struct tier_statistics {
  std::string_view name;
  std::uint64_t hits = 0, misses = 0, read_errors = 0, faults = 0, refused_reads = 0;
  std::uint64_t writes = 0, write_errors = 0, given_up = 0;
  std::size_t pending_writes = 0, pending_bytes = 0;
  bool breaker_is_open = false;
};

/// An entry as it goes into the tiers; made by tiers::encode().
struct encoded_entry {
  struct in_tier {
    std::optional<shared_bytes> bytes;  ///< Nothing: removed there.
    steady_time keep_until = steady_time::max();
  };
  std::string key;  ///< With the name of its cache.
  write_stamp stamp;
  std::vector<in_tier> tiers;
};

/// Who uses the tiers under one name: a cache. Called on any thread, without a lock.
class tiers_user {
 public:
  virtual ~tiers_user() = default;
  [[nodiscard]] virtual tag_marks& marks() noexcept = 0;
  /// When everything was removed last.
  [[nodiscard]] virtual tag_mark& cleared() noexcept = 0;
  /// The key was written or removed at that time. `repaired`: and something of that time or older
  /// may be missing in a shared tier.
  virtual void changed_elsewhere(std::string_view key, const write_stamp& when, bool repaired) = 0;
  virtual void cleared_elsewhere(const write_stamp& when) = 0;
  /// What is in memory may be out of date, nobody knows which.
  virtual void distrust() = 0;
  /// What this node wrote lately may have been overwritten by something older.
  virtual void write_again() = 0;
};

namespace detail {
class tiers_inside;
}

class tiers {
 public:
  [[nodiscard]] static std::shared_ptr<tiers> make(tiers_options options);
  ~tiers();
  tiers(const tiers&) = delete;
  tiers& operator=(const tiers&) = delete;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::vector<tier_statistics> stats() const;
  /// Whether nothing waits for a tier or the backplane.
  [[nodiscard]] bool is_settled() const;
  /// Hands what waits for newer writes to the stores now.
  void flush();
  /// No event is told from now on, and none is being told any more: what listens may go, though
  /// stores have yet to answer. Once.
  void stop_events();

  // For caches.

  [[nodiscard]] write_clock& stamps() noexcept;
  /// From now on it hears what concerns the name; one at a time has a name. False when it is taken.
  [[nodiscard]] bool attach(const std::string& name, std::weak_ptr<tiers_user> user);
  /// Another may have the name. What is under way for the one that had it still ends.
  void detach(const std::string& name);

  /// Good during the call.
  struct found {
    const envelope& entry;
    std::string_view bytes;  ///< Of the whole envelope.
    std::size_t tier;
    bool is_last = false;  ///< Nothing better comes.
  };
  /// What the user makes of an entry.
  enum class verdict : std::uint8_t {
    taken,
    outdated,  ///< Its dependencies have moved: only when no tier has anything better.
    useless,   ///< Of another log, or something newer is known.
    damaged,   ///< Its value cannot be decoded: counted and deleted.
  };
  /// Called for one entry after the other until one is taken.
  using candidate = std::move_only_function<verdict(const found&)>;
  /// Whether one was taken.
  using looked = std::move_only_function<void(bool taken)>;
  /// `format`: what the value must be encoded as. `skip`: tiers that are not asked.
  void look(std::string_view name, std::string_view key, std::uint64_t format, tier_set skip,
            candidate judge, looked done);
  /// Whether nothing newer than this is known to have been written under that key lately.
  [[nodiscard]] bool is_newest_known(std::string_view name, std::string_view key,
                                     const write_stamp& stamp) const;

  /// The bytes for each tier: `entry` without its identity and its times, which are made of
  /// `written`, and of `keep[tier]`. Nothing for those in `skip`.
  struct times {
    std::int64_t written_ms;  ///< By the wall clock.
    steady_time written;      ///< The same moment.
    std::vector<lifetimes> keep;
    std::int64_t jitter_ms = 0;
  };
  [[nodiscard]] encoded_entry encode(std::string_view name, std::string_view key, envelope entry,
                                     const times& when, tier_set skip) const;

  /// Whether other nodes are to hear of a write.
  enum class announced : std::uint8_t {
    always,
    where_shared,  ///< A value that anybody can compute: only where they could find it in a tier.
    again,  ///< Something older was heard of: and tiers are looked at before they are written.
  };

  // Registers what send() sends then, and announces it. Takes a lock for a moment and calls nobody:
  // for a caller who decides under a lock of his own what is the newest.
  void enqueue(encoded_entry entry, write_report_pointer report, announced to_others);
  void enqueue_remove(std::string_view name, std::string_view key, const write_stamp& stamp,
                      write_report_pointer report);
  /// Into the tiers above the one it was found in, with the times that it has there.
  void enqueue_promotion(std::string_view name, std::string_view key, const found& what,
                         std::int64_t fail_safe_ms, tier_set skip);
  void enqueue_mark(std::string_view name, std::optional<std::string_view> tag,
                    const write_stamp& stamp, write_report_pointer report);
  /// Sends what is registered; outside of any lock.
  void send();

 private:
  explicit tiers(std::shared_ptr<detail::tiers_inside> made);
  const std::shared_ptr<detail::tiers_inside> inside_;
};

}  // namespace lodestar::swr
