// One look through the tiers for one key: the first fresh entry, or the newest of those that are
// not. Before an entry is believed, the marks of its tags and of its cache must be known; those
// that are not are read from the tiers themselves.
//
// It keeps itself alive until it has answered. Its steps run one after the other, on whichever
// threads the stores answer.
#pragma once

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
  tier_look(std::shared_ptr<tiers_inside> owner, request what, tiers::looked done);

  void begin() { next(0); }

 private:
  void next(std::size_t from);
  void came(std::size_t from, const tier::read_answer& what);
  void judge(std::size_t from, std::string_view bytes);
  void judge_known(std::size_t from, std::string_view bytes);
  void pass_over(std::size_t from);
  void take(std::size_t from, const envelope& entry, std::string_view bytes);
  void answer();
  void report(std::size_t from, freshness state, bool failed) const;
  [[nodiscard]] bool is_removed(const envelope& entry);
  /// Those that have to be asked for; with the keys that they have in the stores.
  struct unknown_mark {
    tag_mark_pointer mark;
    std::string key;
    std::optional<std::size_t> only_in = {};  ///< That tier; every one otherwise.
    steady_time checked = {};
  };
  [[nodiscard]] std::vector<unknown_mark> unknown_marks(std::size_t from, const envelope& entry);
  void learn(std::vector<unknown_mark> marks, std::size_t mark, std::size_t from_tier,
             std::size_t resume_at);

  const std::shared_ptr<tiers_inside> owner_;
  const request what_;
  const envelope_expected expected_;
  tiers::looked done_;
  std::shared_ptr<tiers_user> user_;
  bool is_reported_ = false;  // whether somebody hears of the read that is being judged
  nanoseconds latency_{};
  std::string held_;  // while marks are learnt
  std::string best_;  // the newest that is not fresh
  std::size_t best_from_ = 0;
};

/// The keys of marks in the stores.
[[nodiscard]] std::string clear_mark_key(std::string_view name);
[[nodiscard]] std::string tag_mark_key(std::string_view name, std::string_view tag);

}  // namespace lodestar::swr::detail
