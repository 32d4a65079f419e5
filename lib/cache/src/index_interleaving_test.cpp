// Goal: what is in the index is found, and no number that never was, while others are inserted and
// erased, in any order of operations that the memory model allows; with the order of the stores
// left out it would not be so.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <lodestar/cache/detail/index_table.hpp>
#include <verify/interleave/expect.hpp>

#include "sanitized.hpp"
#include "weakened_atomics.hpp"

namespace lodestar::cache::detail {
namespace {

using interleave::check;
using interleave::expect_found;
using interleave::expect_never;
using interleave::fault;

// Their parts, of 8 and of 16 bits, make other numbers when they are mixed.
inline constexpr std::uint32_t low = 0x00'ffff, high = 0x01'0000;
/// The number of the line that continues a bucket of two. Canaries put an entry of this number
/// where the link to that line comes: their readers mix the two, and would else leave the table.
inline constexpr std::uint32_t second_line = 2;
inline constexpr std::uint32_t first_other = 3;

/// Numbers are of one hash, so that a search meets all of them.
template <class Atomics, std::uint32_t Wanted, std::uint32_t Other>
class searching {
 public:
  static constexpr std::uint32_t wanted = Wanted, other = Other;

  void reader() { check(find(wanted) == wanted, "what is there is found"); }
  void searcher() { static_cast<void>(find(other)); }

 protected:
  using table = index_table<Atomics>;
  [[nodiscard]] static std::uint64_t hash_of(std::uint32_t) noexcept { return 1; }

  void insert(std::uint32_t number) {
    known_.push_back(number);
    index_.insert(hash_of(number), number, hash_of, [this](typename table::outgrown&& lines) {
      outgrown_.push_back(std::move(lines));
    });
  }
  void insert_others(std::uint32_t count) {
    for (std::uint32_t index = 0; index < count; ++index) insert(first_other + index);
  }
  void erase(std::uint32_t number) { index_.erase(hash_of(number), number); }
  /// Before threads run.
  void announce(std::uint32_t number) { known_.push_back(number); }

  [[nodiscard]] std::uint32_t find(std::uint32_t number) {
    return index_.find(hash_of(number), [&](std::uint32_t candidate) {
      check(std::ranges::find(known_, candidate) != known_.end(), "it was there once");
      return candidate == number;
    });
  }

 private:
  table index_{1};
  std::vector<typename table::outgrown> outgrown_;
  std::vector<std::uint32_t> known_;
};

/// A place goes from one entry to another of the same tag.
template <class Atomics>
struct while_its_place_is_reused : searching<Atomics, low, high> {
  while_its_place_is_reused() {
    this->insert(this->wanted);
    this->announce(this->other);
  }
  void writer() {
    this->erase(this->wanted);
    this->insert(this->other);
  }
  void finally() { check(this->find(this->other) == this->other, "what is there is found"); }
};

/// The segment doubles at its thirteenth entry.
template <class Atomics, std::uint32_t InLastSlot>
struct while_the_segment_grows : searching<Atomics, InLastSlot, high> {
  while_the_segment_grows() {
    this->insert_others(11);
    this->insert(this->wanted);
    this->announce(this->other);
  }
  void writer() { this->insert(this->other); }
};

/// A bucket gets a second line.
template <class Atomics, std::uint32_t InLastSlot>
struct while_a_chain_comes : searching<Atomics, InLastSlot, high> {
  while_a_chain_comes() {
    this->insert_others(14);
    this->insert(this->wanted);
    this->announce(this->other);
  }
  void writer() { this->insert(this->other); }
};
/// The second line goes, and the wanted entry moves from it into the hole in the first.
template <class Atomics, std::uint32_t InLastSlot>
struct while_a_chain_goes : searching<Atomics, high, InLastSlot> {
  while_a_chain_goes() {
    this->insert_others(14);
    this->insert(this->other);
    this->insert(this->wanted);
  }
  void writer() { this->erase(first_other); }
};
/// The second line goes, and the wanted entry moves from it to where the link was.
template <class Atomics, std::uint32_t InLastSlot>
struct while_it_takes_the_place_of_the_link : searching<Atomics, InLastSlot, high> {
  while_it_takes_the_place_of_the_link() {
    this->insert_others(14);
    this->insert(this->wanted);
    this->insert(this->other);
  }
  void writer() { this->erase(this->other); }
};

/// `mistake`: what the reader does when stores are not ordered.
template <template <class, std::uint32_t> class Scenario>
void expect_found_in_any_order(fault mistake = fault::failed_check) {
  using right = Scenario<simulated, low>;
  const interleave::context_bound narrow{.preemptions_max = 1, .stale_reads_max = 1};
  const auto bound = sanitized ? narrow : interleave::context_bound{};
  expect_never<right>({&right::reader, &right::writer}, bound);
  using wrong = Scenario<without<weakness::stores>, second_line>;
  expect_found<wrong>(mistake, {&wrong::reader, &wrong::writer});
}

TEST(index_interleaving, an_entry_is_found_while_the_segment_grows) {
  expect_found_in_any_order<while_the_segment_grows>(fault::data_race);
}
TEST(index_interleaving, an_entry_is_found_while_a_chain_comes) {
  expect_found_in_any_order<while_a_chain_comes>();
}
TEST(index_interleaving, an_entry_is_found_while_a_chain_goes) {
  expect_found_in_any_order<while_a_chain_goes>();
}
TEST(index_interleaving, an_entry_is_found_while_it_takes_the_place_of_the_link) {
  expect_found_in_any_order<while_it_takes_the_place_of_the_link>();
}
TEST(index_interleaving, no_number_is_found_that_was_never_there) {
  using right = while_its_place_is_reused<simulated>;
  expect_never<right>({&right::searcher, &right::writer});
  using wrong = while_its_place_is_reused<without<weakness::stores>>;
  expect_found<wrong>(fault::failed_check, {&wrong::searcher, &wrong::writer});
}

}  // namespace
}  // namespace lodestar::cache::detail
