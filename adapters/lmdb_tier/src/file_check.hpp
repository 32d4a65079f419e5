// Whether a file is one that LMDB can be let loose on. LMDB trusts its file: a page that was
// damaged makes it read beyond its map. So the structure is walked beforehand, with every number
// checked before it is followed. Values are not looked at: they have checksums of their own.
//
// The layout is that of LMDB 0.9 on a 64-bit little-endian machine (mdb.c: MDB_page, MDB_meta,
// MDB_db, MDB_node).
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>

namespace lodestar::lmdb_tier {

/// Nothing when the file can be opened; else what is wrong with it, with the page. A file that is
/// not there or empty is right: LMDB begins a new one.
[[nodiscard]] std::expected<void, std::string> check_file(const std::filesystem::path& file);

}  // namespace lodestar::lmdb_tier
