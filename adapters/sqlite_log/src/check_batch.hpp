// What can be said about a batch without the store: sizes, empty names, UTF-8.
#pragma once

#include <cstddef>
#include <span>

#include <lodestar/base/error.hpp>
#include <lodestar/log/event.hpp>

namespace lodestar::sqlite_log {

/// Errors: too_large, invalid_argument; the place is "events[i]".
[[nodiscard]] result<void> check_batch(std::span<const log::new_event> batch);

/// Bytes of text in the batch.
[[nodiscard]] std::size_t text_bytes(std::span<const log::new_event> batch) noexcept;

}  // namespace lodestar::sqlite_log
