// Trace files: binary, ARC text, and one key per line; each also compressed with zstd.
//
//   *.u64  64-bit keys, little-endian; also any file that holds a zero byte
//   *.lis  ARC text: `start count ignored number` stands for the keys start … start + count - 1;
//   also
//          any text whose first line is of this form
//   else   one key per line: a decimal number is the key, other text is hashed; blank lines and
//   lines
//          that hold only a `*` (marks of the LIRS traces) are skipped
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <lodestar/base/error.hpp>

#include "hit_ratio/trace.hpp"

namespace lodestar::bench::hit_ratio {

/// Errors name the file, and the line where there is one.
[[nodiscard]] result<trace> read_trace(const std::filesystem::path& file);

/// "/data/OLTP.lis.zst" → "OLTP": the base name without the extensions of a trace.
[[nodiscard]] std::string trace_name(const std::filesystem::path& file);

}  // namespace lodestar::bench::hit_ratio
