// A store of the cache (lodestar/swr/store.hpp) in one LMDB file: what it holds survives the
// process, and a look-up takes about a microsecond.
//
//   auto opened = lmdb_tier::open({.file = "data/cache.lmdb", .bytes_max = 1U << 30});
//   if (!opened) return opened.error();
//   if (opened->set_aside) warn(opened->set_aside->describe());
//   const std::unique_ptr<swr::store> store = std::move(opened->store);
//
// The file is disposable. One that is damaged, or that LMDB did not write, is renamed to
// FILE.damaged when it is opened, and a new one is begun; so is one of which nothing can be made at
// all. It is not synced: a crash of the machine, not of the process, may lose or damage it.
//
// When it is full, entries go: those that have expired before others, and of a few that are drawn
// at random the one that was written first.
//
// Reading happens inside get(), on the caller's thread. Writing happens on a thread of the store,
// many calls in one transaction; until then they are answered from memory, so that everybody reads
// what was written before.
//
// One process at a time: the file is locked (FILE.lock; LMDB has its FILE-lock beside it), and the
// system must keep others from changing it, because it is mapped into memory. The bytes that get()
// hands to its handler lie in that map.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::lmdb_tier {

struct options {
  std::filesystem::path file;               ///< Created with its folder when missing.
  std::size_t bytes_max = 1U << 30;         ///< Of the file; at least 1 MiB.
  std::size_t queue_bytes_max = 64U << 20;  ///< Of writes that wait; more are refused: unavailable.
  clock* time = &system_clock();            ///< Must outlive the store.
  random_source* random = &system_random();  ///< The same; used by one thread.
};

struct opened {
  std::unique_ptr<swr::store> store;
  /// What was wrong with the file that was there; its place says where that is now.
  std::optional<error> set_aside;
};

/// Errors: invalid_argument (bytes_max), unavailable (another process has it open),
/// permission_denied, storage_full.
[[nodiscard]] result<opened> open(const options& settings);

}  // namespace lodestar::lmdb_tier
