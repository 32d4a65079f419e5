// Where encoded entries (envelope.hpp) are kept below the typed ones in a process's memory: a map,
// a file, a server. The port that an adapter implements; lodestar/swr/testing/store_conformance.hpp
// is the suite that says whether it does so rightly.
//
//   store.get("users:42", deadline, [](result<std::optional<std::string_view>> bytes) { … });
//
// A store keeps bytes and does not look into them. It may forget any of them at any time (it is a
// cache), and gives back for a key only bytes that were once set for that key, or nothing. It takes
// what it is given: whoever uses it looks at the envelope.
//
// Order. Calls of one thread for one key take effect in the order in which they were made. A call
// whose answer is an error may have taken effect, or may still.
//
// Answers. Each call's handler is called exactly once, without a lock, on any thread or inside the
// call, and at the latest soon after the deadline (with deadline_exceeded). Handlers must not throw
// and should be short. Errors are of the store: unavailable (down, closed, not reached, full
// queue), deadline_exceeded, too_large, storage_full, cancelled (it is being destroyed), internal.
// A key that is not there is no error.
//
// Thread-safety: all members from any thread. Lifetimes: keys and bytes that are given are copied
// or used up before the call returns, unless they are shared_bytes; the view that get() hands over
// is good during the handler. A store may be destroyed at any time: what is open is answered
// before the destructor returns, with cancelled when it was not done.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <lodestar/base/bytes.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>

namespace lodestar::swr {

class store {
 public:
  using got = std::move_only_function<void(result<std::optional<std::string_view>>)>;
  using ended = std::move_only_function<void(result<void>)>;

  virtual ~store() = default;

  /// Short, and constant: "map", "lmdb", "redis". For metrics and messages.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  virtual void get(std::string_view key, steady_time deadline, got done) = 0;
  /// `keep_for`: when that has passed the store may forget the entry, and gives it back no more
  /// where it can tell; more than nothing.
  virtual void set(std::string_view key, shared_bytes bytes, nanoseconds keep_for,
                   steady_time deadline, ended done) = 0;
  virtual void remove(std::span<const std::string_view> keys, steady_time deadline, ended done) = 0;
  /// Removes everything that this store holds, and nothing that others keep in the same place.
  virtual void clear(steady_time deadline, ended done) = 0;
};

/// The key of an entry in every store: "namespace:key". The namespace's ':' and '%' are escaped
/// (%3A, %25), so that no two pairs have the same one.
[[nodiscard]] std::string stored_key(std::string_view name_space, std::string_view key);

}  // namespace lodestar::swr
