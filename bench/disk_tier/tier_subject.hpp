// Lodestar's store of one LMDB file, with envelopes around the values, as a cache of several tiers
// uses it.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>

#include <lodestar/swr/store.hpp>

#include "disk_tier/entries.hpp"

namespace lodestar::bench {

class tier_subject {
 public:
  tier_subject(const std::filesystem::path& file, const entries& all);

  /// Puts every entry, as fast as they are taken, and waits for all answers. Seconds.
  [[nodiscard]] double time_puts();
  /// Looks keys up, and opens and checks the envelope. Seconds of the slowest thread.
  [[nodiscard]] double time_gets(unsigned threads, std::size_t gets);

 private:
  void begin_answer();
  void take_answer(bool right);
  void wait_for_answers(std::size_t left);

  const entries& all_;
  std::atomic<std::size_t> awaited_ = 0;
  std::atomic<bool> failed_ = false;
  std::unique_ptr<swr::store> store_;  // the last: its answers come until it is gone
};

}  // namespace lodestar::bench
