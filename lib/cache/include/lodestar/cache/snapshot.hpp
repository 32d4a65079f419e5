// The content of a cache in a file, so that the next process begins with a warm one.
//
//   if (const auto saved = save_snapshot(pages, "pages.snapshot"); !saved) log(saved.error());
//   …
//   cache<std::string, page> pages(settings);
//   if (const auto loaded = load_snapshot(pages, "pages.snapshot"); !loaded) log(loaded.error());
//
// Entries keep their remaining times, from which the time between saving and loading is taken by
// the wall clock (one that went back counts as no time); the shorter of theirs and of what the new
// options say counts. They come back in the order of their heat and with their uses, so that the
// eviction policy goes on where it was, with the shape that it had chosen; a smaller cache is given
// the hottest. Weights are taken anew, so pinned entries are pinned again. Statistics and errors of
// loaders are not saved.
//
// Saving. Others go on using the cache: the lock is taken for a few records at a time, an entry is
// encoded under a pin. Each entry is one that was there at some moment meanwhile; one that is
// removed and written again may be missed. A file is written under another name (PATH.saving-…),
// synced and renamed, so PATH is a whole snapshot or what it was before; only its owner may read
// it. Memory: 16 bytes an entry, and a block. Entries of more than 64 MiB are left out.
//
// Loading. Best before others use the cache: what is present stays, but what is being loaded
// meanwhile gives way to the snapshot. Entries that the bound refuses, or that have a time in a
// cache whose options know none, are left out. A snapshot that is damaged, cut off, foreign or of a
// newer version gives an error that names the byte; it has a checksum for each block, and entries
// of whole blocks before that byte stay, as they are right. Memory: a block, which no length in the
// file makes larger than what the file holds, at most 64 MiB.
//
// The format: docs/formats/cache_snapshot.md. Thread-safety: all functions from any thread.
// Exceptions of a codec pass through.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <utility>

#include <lodestar/base/hash.hpp>
#include <lodestar/cache/cache.hpp>
#include <lodestar/cache/detail/snapshot_access.hpp>
#include <lodestar/cache/detail/snapshot_file.hpp>
#include <lodestar/cache/detail/snapshot_format.hpp>
#include <lodestar/cache/snapshot_codec.hpp>

namespace lodestar::cache {

struct snapshot_saved {
  std::uint64_t entries = 0;
  std::uint64_t too_large = 0;  ///< Left out.
  std::uint64_t bytes = 0;
};

struct snapshot_loaded {
  std::uint64_t entries = 0;
  std::uint64_t expired = 0;
  std::uint64_t present = 0;  ///< Their keys were there already.
  std::uint64_t colder = 0;   ///< Left out in favour of hotter ones, for which there is room.
  std::uint64_t refused = 0;  ///< Too heavy, or with a time where nothing expires.
};

template <class Cache, snapshot_codecs_for<Cache> Codecs = ready_codecs<Cache>>
[[nodiscard]] result<snapshot_saved> save_snapshot(const Cache& from, byte_sink sink,
                                                   const Codecs& codecs = {});
template <class Cache, snapshot_codecs_for<Cache> Codecs = ready_codecs<Cache>>
[[nodiscard]] result<snapshot_saved> save_snapshot(const Cache& from, std::ostream& stream,
                                                   const Codecs& codecs = {});
template <class Cache, snapshot_codecs_for<Cache> Codecs = ready_codecs<Cache>>
[[nodiscard]] result<snapshot_saved> save_snapshot(const Cache& from,
                                                   const std::filesystem::path& path,
                                                   const Codecs& codecs = {});

/// Reads as far as the snapshot goes.
template <class Cache, snapshot_codecs_for<Cache> Codecs = ready_codecs<Cache>>
[[nodiscard]] result<snapshot_loaded> load_snapshot(Cache& into, byte_source source,
                                                    const Codecs& codecs = {});
template <class Cache, snapshot_codecs_for<Cache> Codecs = ready_codecs<Cache>>
[[nodiscard]] result<snapshot_loaded> load_snapshot(Cache& into, std::istream& stream,
                                                    const Codecs& codecs = {});
/// The file holds nothing else.
template <class Cache, snapshot_codecs_for<Cache> Codecs = ready_codecs<Cache>>
[[nodiscard]] result<snapshot_loaded> load_snapshot(Cache& into, const std::filesystem::path& path,
                                                    const Codecs& codecs = {});

// ---------------------------------------------------------------------------------------------------------------------

namespace detail {

template <class Codec>
[[nodiscard]] std::uint64_t format_of(const Codec& codec) {
  if constexpr (requires { codec.format(); }) {
    return hash_bytes_64(codec.format());
  } else {
    return hash_bytes_64("");
  }
}

/// Loads from one reader into one cache.
template <class Cache, class Codecs>
class snapshot_loading {
 public:
  snapshot_loading(Cache& into, snapshot_reader& reader, const Codecs& codecs)
      : into_(into), reader_(reader), codecs_(codecs) {}

  [[nodiscard]] result<snapshot_loaded> run() {
    if (auto begun = begin(); !begun) return std::unexpected(begun.error());
    for (;;) {
      const auto found = reader_.next();
      if (!found) return std::unexpected(found.error());
      if (!*found) return count_;
      if (auto taken = take(**found); !taken) return std::unexpected(taken.error());
    }
  }

 private:
  using access = snapshot_access<Cache>;

  [[nodiscard]] result<void> begin() {
    const auto header = reader_.read_header();
    if (!header) return std::unexpected(header.error());
    if (header->key_format != format_of(codecs_.key))
      return reader_.fail_at(24, error_code::unsupported, "the keys are encoded in another way",
                             "load it with the codec that it was saved with, or delete it");
    if (header->value_format != format_of(codecs_.value))
      return reader_.fail_at(32, error_code::unsupported, "the values are encoded in another way",
                             "load it with the codec that it was saved with, or delete it");
    began_ = access::moment_of(into_, header->saved_wall_us);
    access::adopt_shape(into_, header->shape);
    // Where weights are others, the policy alone decides.
    if (header->weighed == access::weighs(into_)) weight_to_come_ = header->weight;
    return {};
  }

  [[nodiscard]] result<void> take(const snapshot_reader::found& found) {
    const snapshot_entry& entry = found.entry;
    const bool fits = weight_to_come_ <= access::bound(into_);
    weight_to_come_ -= std::min(weight_to_come_, entry.weight);
    if (entry.left_us <= began_.elapsed_us && entry.left_us != snapshot_entry::never_us) {
      ++count_.expired;
      return {};
    }
    if (!fits && entry.weight != 0) {
      ++count_.colder;
      return {};
    }
    auto key = codecs_.key.decode(found.key);
    if (!key) return reader_.fail_at_entry(key.error());
    auto value = codecs_.value.decode(found.value);
    if (!value) return reader_.fail_at_entry(value.error());
    switch (access::restore(into_, *key, *std::move(value), entry, began_)) {
      case access::restored::stored: ++count_.entries; break;
      case access::restored::present: ++count_.present; break;
      case access::restored::refused: ++count_.refused; break;
    }
    return {};
  }

  Cache& into_;
  snapshot_reader& reader_;
  const Codecs& codecs_;
  typename access::moment began_{};
  std::uint64_t weight_to_come_ = 0;
  snapshot_loaded count_;
};

}  // namespace detail

template <class Cache, snapshot_codecs_for<Cache> Codecs>
result<snapshot_saved> save_snapshot(const Cache& from, byte_sink sink, const Codecs& codecs) {
  using access = detail::snapshot_access<Cache>;
  detail::snapshot_writer writer(std::move(sink));
  // First: what passes while the cache is listed counts as passed.
  const std::int64_t saved_wall_us = access::wall_us(from);
  const auto listed = access::list(from);
  auto written = writer.write_header({.saved_wall_us = saved_wall_us,
                                      .key_format = detail::format_of(codecs.key),
                                      .value_format = detail::format_of(codecs.value),
                                      .weight = listed.weight,
                                      .weighed = access::weighs(from),
                                      .shape = listed.shape});
  if (!written) return std::unexpected(written.error());
  snapshot_saved count;
  for (const auto& place : listed.places) {
    bool encoded = false;
    access::open(from, listed, place,
                 [&](const auto& key, const auto& value, const detail::snapshot_entry& entry) {
                   writer.begin_entry(entry);
                   codecs.key.encode(key, writer.bytes());
                   writer.end_key();
                   codecs.value.encode(value, writer.bytes());
                   encoded = true;
                 });
    if (!encoded) continue;
    const auto fits = writer.end_entry();
    if (!fits) return std::unexpected(fits.error());
    if (!*fits) ++count.too_large;
  }
  if (written = writer.write_end(); !written) return std::unexpected(written.error());
  count.entries = writer.entries();
  count.bytes = writer.bytes_written();
  return count;
}

template <class Cache, snapshot_codecs_for<Cache> Codecs>
result<snapshot_saved> save_snapshot(const Cache& from, std::ostream& stream,
                                     const Codecs& codecs) {
  return save_snapshot(from, detail::sink_of(stream), codecs);
}

template <class Cache, snapshot_codecs_for<Cache> Codecs>
result<snapshot_saved> save_snapshot(const Cache& from, const std::filesystem::path& path,
                                     const Codecs& codecs) {
  auto file = detail::replaced_file::begin(path);
  if (!file) return std::unexpected(file.error());
  auto saved = save_snapshot(
      from, byte_sink([&file](std::string_view bytes) { return file->write(bytes); }), codecs);
  if (!saved) return saved;
  if (auto committed = file->commit(); !committed) return std::unexpected(committed.error());
  return saved;
}

template <class Cache, snapshot_codecs_for<Cache> Codecs>
result<snapshot_loaded> load_snapshot(Cache& into, byte_source source, const Codecs& codecs) {
  detail::snapshot_reader reader(std::move(source), "snapshot");
  return detail::snapshot_loading<Cache, Codecs>(into, reader, codecs).run();
}

template <class Cache, snapshot_codecs_for<Cache> Codecs>
result<snapshot_loaded> load_snapshot(Cache& into, std::istream& stream, const Codecs& codecs) {
  return load_snapshot(into, detail::source_of(stream, "snapshot"), codecs);
}

template <class Cache, snapshot_codecs_for<Cache> Codecs>
result<snapshot_loaded> load_snapshot(Cache& into, const std::filesystem::path& path,
                                      const Codecs& codecs) {
  auto source = detail::open_source(path);
  if (!source) return std::unexpected(source.error());
  detail::snapshot_reader reader(*std::move(source), path.string());
  auto loaded = detail::snapshot_loading<Cache, Codecs>(into, reader, codecs).run();
  if (!loaded) return loaded;
  if (auto ended = reader.expect_no_more(); !ended) return std::unexpected(ended.error());
  return loaded;
}

}  // namespace lodestar::cache
