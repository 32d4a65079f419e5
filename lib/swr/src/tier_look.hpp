// One look through the tiers for one key: the first fresh entry, or the newest of those that are
// not. Before an entry is believed, the marks of its tags and of its cache must be known; those
// that are not are read from the tiers themselves. Where a tier does not say, the entry is judged
// by what is known, and the next look asks again.
//
// It keeps itself alive until it has answered. Its steps run one after the other, on whichever
// threads the stores answer.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tiers_inside.hpp"

namespace lodestar::swr::detail {

class tier_look : public std::enable_shared_from_this<tier_look> {
 public:
  struct request {
    std::string name;
    std::string key;  ///< As the stores know it.
    std::uint64_t format;
    tier_set skip;
  };
  tier_look(std::shared_ptr<tiers_inside> owner, request what, tiers::candidate judge,
            tiers::looked done);

  void begin() { next(0); }

 private:
  void next(std::size_t from);
  void came(std::size_t from, const tier::read_answer& what);
  void judge(std::size_t from, std::string_view bytes);
  void judge_known(std::size_t from, std::string_view bytes);
  void pass_over(std::size_t from);
  void offer(std::size_t from, const envelope& entry, std::string_view bytes);
  void keep_best(std::size_t from, const envelope& entry, std::string_view bytes);
  void offer_best();
  void drop_damaged(std::size_t from);
  void report(std::size_t from, freshness state, bool failed) const;
  [[nodiscard]] bool is_removed(const envelope& entry);
  /// Those that have to be asked for; with the keys that they have in the stores.
  struct unknown_mark {
    tag_mark_pointer mark;
    std::string key;
    std::optional<std::size_t> only_in = {};  ///< That tier; every one otherwise.
  };
  /// Goes through marks and tiers; its steps may end on another thread.
  struct learning {
    std::vector<unknown_mark> marks;
    std::size_t resume_at = 0;
    std::size_t mark = 0;
    std::size_t tier = 0;
    steady_time began = {};  // with this mark
    bool is_certain = true;  // all tiers have said what they have of it
    // Of who has begun a read and who is told what it gave, the second goes on.
    std::atomic<bool> other_has_come = false;
  };
  [[nodiscard]] std::vector<unknown_mark> unknown_marks(std::size_t from, const envelope& entry);
  void learn();
  [[nodiscard]] bool goes_on() { return learning_.other_has_come.exchange(true); }
  void ask();
  void learnt(const tier::read_answer& what);
  void finish_mark();

  const std::shared_ptr<tiers_inside> owner_;
  const request what_;
  const envelope_expected expected_;
  tiers::candidate judge_;
  tiers::looked done_;
  std::shared_ptr<tiers_user> user_;
  bool is_reported_ = false;  // whether somebody hears of the read that is being judged
  nanoseconds latency_{};
  std::string held_;  // while marks are learnt
  learning learning_;
  std::string best_;  // the newest that is not fresh
  std::size_t best_from_ = 0;
};

}  // namespace lodestar::swr::detail
