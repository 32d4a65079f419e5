// Opens connections to the log's file: the pragmas, the schema, and the checks that the file is
// ours and whole.
#pragma once

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/log/event.hpp>

#include "database.hpp"
#include "settings.hpp"

namespace lodestar::sqlite_log {

/// The connection that writes and checkpoints; creates the schema in a new file. What an earlier
/// process left in the WAL is made durable before this returns: it becomes visible here, so it may
/// be acknowledged as a duplicate.
[[nodiscard]] result<connection> open_writer(const settings& how, clock& time);

/// A connection that can only read.
[[nodiscard]] result<connection> open_reader(const settings& how);

/// The last position, after checking that the newest positions have no gap.
[[nodiscard]] result<log::position> verify_tail(connection& database);

}  // namespace lodestar::sqlite_log
