// Checks that what concurrent callers of an object saw can be explained by one order of their
// operations, each somewhere between its call and its return (linearizability).
//
//   using model = linearizability::map_register;              // What the object promises.
//   linearizability::recorder<model> record(3, 8);            // 3 threads, up to 8 operations
//   each.
//
//   // On thread `me`:
//   record.run(me, model::get(key), [&] { return model::found(cache.get(key)); });
//
//   // When all have ended:
//   const auto verdict = linearizability::check<model>(record.take());
//   EXPECT_TRUE(verdict.holds()) << verdict.explanation;
//
// A model says what an object does, as a class with
//
//   input, output, state         types; states can be compared
//   initial()                    the state before the first operation
//   step(state, input, output)   the states after the operation when it may answer so in this
//   state:
//                                std::optional<state>, or a range of states where several are
//                                possible
//   hash(state)                  std::size_t
//   key(input)                   the part of the object it is about, when parts do not touch each
//                                other: they are checked one by one, which saves nearly all the
//                                work. May be left out.
//   describe(input, output), describe(state)     for a person
//
// The search is that of Wing and Gong with the memory of Lowe: a set of operations that led to the
// same state once is not tried again. It is bounded; beyond the bound the verdict is "undecided".
//
// A violation is explained by the shortest part of the history that has no such order: up to the
// return where it becomes impossible, without what plays no role.
#pragma once

#include <verify/linearizability/check.hpp>
#include <verify/linearizability/history.hpp>
#include <verify/linearizability/map_register.hpp>
