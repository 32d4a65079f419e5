#include <lodestar/web/assets.hpp>

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/hash.hpp>

namespace lodestar::web {
namespace {

constexpr std::string_view prefix = "/static/";

enum class coding : std::uint8_t { identity, gzip, brotli };

std::string_view trimmed(std::string_view text) noexcept {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// Calls `take` with each member of a comma-separated list until it returns true.
template <class Take>
bool any_member(std::string_view list, Take take) {
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    if (take(trimmed(list.substr(begin, end - begin)))) return true;
    begin = end + 1;
  }
  return false;
}

bool has_zero_weight(std::string_view parameters) noexcept {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return false;
  const auto weight = trimmed(parameters.substr(at + 2));
  return weight.starts_with('0') && weight.find_first_of("123456789") == std::string_view::npos;
}

/// Whether Accept-Encoding names the coding (or `*`) without a weight of zero.
bool accepts(std::string_view accept_encoding, std::string_view name) {
  bool named = false, named_wanted = false, any_wanted = false;
  (void)any_member(accept_encoding, [&](std::string_view member) {
    const std::size_t semicolon = std::min(member.find(';'), member.size());
    const auto token = trimmed(member.substr(0, semicolon));
    const bool wanted = !has_zero_weight(member.substr(semicolon));
    if (token == name) {
      named = true;
      named_wanted = wanted;
    } else if (token == "*") {
      any_wanted = wanted;
    }
    return false;
  });
  return named ? named_wanted : any_wanted;
}

bool matches(std::string_view if_none_match, std::string_view etag) {
  return any_member(if_none_match, [&](std::string_view member) {
    if (member.starts_with("W/")) member.remove_prefix(2);
    return member == etag || member == "*";
  });
}

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
  if (!brotli.body.empty() && accepts(accept_encoding, "br")) return brotli;
  if (!gzip.body.empty() && accepts(accept_encoding, "gzip")) return gzip;
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
  const auto if_none_match = incoming.header("if-none-match");
  if (!if_none_match.empty() && matches(if_none_match, best.etag))
    return {best.not_modified, {}, {}};
  return {best.found, {}, best.body};
}

}  // namespace lodestar::web
