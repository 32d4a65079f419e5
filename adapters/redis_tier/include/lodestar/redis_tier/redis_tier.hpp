// A store of the cache (lodestar/swr/store.hpp) in a Redis server, or in a cluster of them: what it
// holds is shared by processes.
//
//   auto opened = redis_tier::open({.url = "redis://:secret@cache.example:6379/0"});
//   if (!opened) return opened.error();
//   const std::unique_ptr<swr::store> store = *std::move(opened);
//
// open() does not wait for the server. While it cannot be reached calls are answered at once with
// unavailable, and the store connects by itself: at most a second after the server is back. Calls
// made during the very first attempt wait until that has ended.
//
// Calls of all threads are written together and their replies are matched in order. A call that
// is not answered by its deadline ends with deadline_exceeded; its reply, when it comes, is thrown
// away in its place. A connection that owes a reply for too long is closed and used no more.
//
// Threads: one of the store's own ("redis tier"); all handlers run on it or inside the call. A host
// that is a name is looked up on a thread that Asio starts. Lifetimes: the store may be destroyed
// at any time, but not by one of its own handlers; while a name is being looked up the destructor
// waits for the system's resolver.
//
// Errors beside those of the port: permission_denied (password or rights), storage_full (the
// server's memory), corrupt (what came is not Redis' protocol).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::redis_tier {

struct options {
  /// redis://[[user]:password@]host[:port][/database], or rediss:// for TLS. User and password are
  /// percent-decoded, an IPv6 address is in brackets. Several hosts, "redis://n1:6379,n2:6379", are
  /// nodes of one cluster; the others are found by the addresses that CLUSTER SLOTS gives.
  std::string url = "redis://127.0.0.1:6379";
  /// Of every key; not empty. clear() removes the keys that begin with it.
  std::string key_prefix = "lodestar:";
  /// For rediss: the certificates to trust, in one PEM file. Empty: those of the system.
  std::filesystem::path ca_file = {};
  std::size_t connections = 1;  ///< To each server; at most 64.
  /// Until the server has answered for the first time on a new connection.
  milliseconds connect_timeout{500};
  /// A connection is closed when a reply is missing for so long after its deadline.
  milliseconds reply_timeout{1'000};
  /// A connection that is unused for so long is asked whether it still lives.
  milliseconds idle_max{1'000};
  std::size_t value_bytes_max = 64U << 20;   ///< Larger ones are refused: too_large.
  std::size_t queue_bytes_max = 128U << 20;  ///< Of calls that are open; more: unavailable.
  /// Entries are set without a time to live; the server evicts them when it is full.
  bool disable_expiration = false;
  clock* time = &system_clock();             ///< Must outlive the store.
  random_source* random = &system_random();  ///< The same; used by one thread.
};

/// Errors: invalid_argument (place: the option, or "url:POSITION"), not_found and corrupt
/// (ca_file).
[[nodiscard]] result<std::unique_ptr<swr::store>> open(const options& settings);

}  // namespace lodestar::redis_tier
