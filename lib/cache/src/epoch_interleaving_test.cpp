// Goal: what a reader may have is not destroyed, in any order of operations that the memory model
// allows; without one of the fences or the order of the stores it would be.
#include <gtest/gtest.h>

#include <lodestar/cache/detail/epoch.hpp>
#include <lodestar/cache/detail/limbo.hpp>
#include <verify/interleave/expect.hpp>

#include "weakened_atomics.hpp"

namespace lodestar::cache::detail {
namespace {

using interleave::acq_rel;
using interleave::acquire;
using interleave::check;
using interleave::expect_found;
using interleave::expect_never;
using interleave::fault;

template <class Atomics>
struct reading_and_reclaiming {
  struct node {
    interleave::var<int> value{7, "value"};
    node* next = nullptr;
  };
  epoch_domain<Atomics> epochs;
  limbo<node, Atomics> retired{epochs};
  typename Atomics::template atomic<node*> shared{interleave::make<node>(), "shared"};
  typename epoch_domain<Atomics>::participant& known = epochs.join();

  void read(typename epoch_domain<Atomics>::participant& self) {
    epochs.enter(self);
    if (const node* seen = shared.load(acquire)) check(seen->value == 7, "a node is whole");
    epochs.exit(self);
  }
  void reader() { read(known); }
  void reader_that_comes_back() {
    read(known);
    read(known);
  }
  void reader_that_joins() {
    auto& self = epochs.join();
    read(self);
    epochs.leave(self);
  }
  void reclaimer() {
    retired.add(shared.exchange(nullptr, acq_rel));
    static_cast<void>(retired.collect(1));
  }
  void patient_reclaimer() {
    reclaimer();
    static_cast<void>(retired.collect(1));
  }
  void finally() { check(retired.collect(1).empty() || retired.size() == 0, "all is collected"); }
};

TEST(epoch_interleaving, what_a_reader_may_have_is_not_destroyed) {
  using right = reading_and_reclaiming<simulated>;
  expect_never<right>({&right::reader, &right::patient_reclaimer});
  expect_never<right>({&right::reader_that_comes_back, &right::reclaimer});
  expect_never<right>({&right::reader_that_joins, &right::reclaimer});
}
TEST(epoch_interleaving, readers_and_reclaimers_need_their_fences) {
  using hasty_reader = reading_and_reclaiming<without<weakness::light_fence>>;
  expect_found<hasty_reader>(fault::data_race, {&hasty_reader::reader, &hasty_reader::reclaimer});
  using hasty_reclaimer = reading_and_reclaiming<without<weakness::heavy_fence>>;
  expect_found<hasty_reclaimer>(fault::data_race,
                                {&hasty_reclaimer::reader, &hasty_reclaimer::reclaimer});
  using careless = reading_and_reclaiming<without<weakness::stores>>;
  expect_found<careless>(fault::data_race, {&careless::reader, &careless::patient_reclaimer});
}

}  // namespace
}  // namespace lodestar::cache::detail
