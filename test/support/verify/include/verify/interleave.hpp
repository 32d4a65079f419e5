// A model checker for small pieces of lock-free code. It runs a scenario many times, each time with
// another order of its threads' operations and other values that the C++20 memory model lets loads
// return, and reports the first execution that goes wrong: what happened, every operation of it,
// and what repeats it.
//
// The code under test takes its atomics from a policy (lodestar/base/atomics.hpp); the checker's is
// interleave::atomics:
//
//   template <class Atomics = std_atomics>
//   class mailbox {
//    public:
//     void put(int letter) {
//       Atomics::write(letter_) = letter;
//       full_.store(true, std::memory_order_release);
//     }
//     std::optional<int> take() {
//       if (!full_.load(std::memory_order_acquire)) return std::nullopt;
//       return Atomics::read(letter_);
//     }
//    private:
//     typename Atomics::template var<int> letter_{0};
//     typename Atomics::template atomic<bool> full_{false};
//   };
//
//   struct putting_and_taking {                       // One object for each execution.
//     mailbox<interleave::atomics> box;
//     void sender() { box.put(7); }
//     void receiver() {
//       if (auto letter = box.take()) interleave::check(*letter == 7, "the letter is whole");
//     }
//     void finally() { interleave::check(box.take() == 7, "it has arrived"); }   // May be left
//     out.
//   };
//
//   TEST(mailbox_test, every_interleaving) {
//     using scenario = putting_and_taking;
//     const auto all = interleave::explore<scenario>(interleave::context_bound{},
//                                                    {&scenario::sender, &scenario::receiver});
//     EXPECT_FALSE(all.found) << all.report();
//     EXPECT_TRUE(all.exhausted) << all.report();
//   }
//
// Give each such test a canary: the same scenario with one order weakened must be found.
//
// What is found: failed checks, data races on var, use of an object before it is made for the
// thread or after its life has ended, double destroy and leaks of what make() made, deadlocks of
// mutexes, livelocks, exceptions. How a search is bounded: see context_bound and random_walk; a
// report that found nothing holds within those bounds only.
//
// Rules for a scenario: a loop that waits calls yield() or pause(); nothing depends on time, real
// threads, addresses or what an earlier execution left; threads do not switch inside of a catch
// block. What is simulated, and where it is stronger than the standard: the header comment of
// src/interleave/memory.hpp. Worth knowing: a store may go before one that was executed earlier; a
// try_lock that fails orders nothing; a heavy fence reaches another thread only at light fences.
//
// Thread-safety: an exploration uses the calling thread alone; several may run on several threads.
#pragma once

#include <verify/interleave/explore.hpp>
#include <verify/interleave/objects.hpp>
