#include <lodestar/web/assets.hpp>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/hash.hpp>
#include <lodestar/web/negotiation.hpp>

namespace lodestar::web {
namespace {

constexpr std::string_view prefix = "/static/";

enum class coding : std::uint8_t { identity, gzip, brotli };

/// Names that hold a hash of the content never change their content.
bool is_hashed(const asset& file) noexcept {
  return file.name != file.logical_name;
}

}  // namespace

struct asset_store::entry {
  struct variant {
    std::string etag;
    response_head found;
    response_head not_modified;
    shared_bytes body;
  };

  std::string name;
  std::string logical_name;
  std::string url;
  variant identity;
  variant gzip;  // Without a body when there is none.
  variant brotli;

  [[nodiscard]] const variant& best_for(std::string_view accept_encoding) const;
};

namespace {

using headers = std::vector<name_value>;

std::string_view name_of(coding kind) noexcept {
  return kind == coding::brotli ? "br" : kind == coding::gzip ? "gzip" : "";
}

headers common_headers(const asset& file, const std::string& etag) {
  return {{"ETag", etag},
          {"Cache-Control", is_hashed(file) ? "public, max-age=31536000, immutable" : "no-cache"},
          {"Vary", "Accept-Encoding"}};
}

template <class Variant>
Variant make_variant(const asset& file, std::string_view bytes, coding kind) {
  if (bytes.empty() && kind != coding::identity) return {};
  const auto encoding = name_of(kind);
  // A strong ETag names these very bytes, so each coding has its own.
  const std::string etag = fmt::format("\"{}{}{}\"", hash_bytes_128(file.bytes).hex(),
                                       encoding.empty() ? "" : "-", encoding);
  headers found = common_headers(file, etag);
  found.emplace_back("Content-Type", file.content_type);
  if (!encoding.empty()) found.emplace_back("Content-Encoding", encoding);
  return {etag, response_head(200, std::move(found)),
          response_head(304, common_headers(file, etag)), shared_bytes(std::string(bytes))};
}

}  // namespace

const asset_store::entry::variant& asset_store::entry::best_for(
    std::string_view accept_encoding) const {
  if (!brotli.body.empty() && accepts_coding(accept_encoding, "br")) return brotli;
  if (!gzip.body.empty() && accepts_coding(accept_encoding, "gzip")) return gzip;
  return identity;
}

asset_store::asset_store(std::span<const asset> assets) {
  using variant = entry::variant;
  for (const asset& file : assets) {
    entries_.push_back({std::string(file.name), std::string(file.logical_name),
                        std::string(prefix).append(file.name),
                        make_variant<variant>(file, file.bytes, coding::identity),
                        make_variant<variant>(file, file.gzip, coding::gzip),
                        make_variant<variant>(file, file.brotli, coding::brotli)});
  }
  std::ranges::sort(entries_, {}, &entry::name);
}

asset_store::~asset_store() = default;

const std::string& asset_store::url(std::string_view logical_name) const {
  const auto found = std::ranges::find(entries_, logical_name, &entry::logical_name);
  LODESTAR_ASSERT(found != entries_.end(), "pages ask for assets that exist");
  return found->url;
}

response asset_store::serve(const request& incoming) const {
  const std::string_view path = incoming.path;
  const auto name = path.substr(path.starts_with(prefix) ? prefix.size() : path.size());
  const auto found = std::ranges::lower_bound(entries_, name, {}, &entry::name);
  if (found == entries_.end() || found->name != name) {
    return problem({error_code::not_found, "there is no such asset", {}, {}});
  }
  const auto& best = found->best_for(incoming.header("accept-encoding"));
  if (etag_matches(incoming.header("if-none-match"), best.etag)) return {best.not_modified, {}, {}};
  return {best.found, {}, best.body};
}

}  // namespace lodestar::web
