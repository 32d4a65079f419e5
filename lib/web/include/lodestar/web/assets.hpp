// Files that are compiled into the binary: hashed names, `immutable` only for names of the
// manifest, strong ETags, precompressed variants.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/web/http.hpp>

namespace lodestar::web {

struct asset {
  std::string_view name;          ///< "app-3f9c2a.js": the path below /static/.
  std::string_view logical_name;  ///< "app.js": what pages ask for.
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip;  ///< Empty when there is no such variant.
  std::string_view brotli;
};

class asset_store {
 public:
  explicit asset_store(std::span<const asset> assets);
  ~asset_store();
  asset_store(const asset_store&) = delete;
  asset_store& operator=(const asset_store&) = delete;
  /// "/static/app-3f9c2a.js" of "app.js"; asking for an unknown logical name is a programmer error.
  [[nodiscard]] const std::string& url(std::string_view logical_name) const;
  /// Answers a GET or HEAD of /static/…: 200, 304 (If-None-Match) or 404 (no-store).
  [[nodiscard]] response serve(const request& incoming) const;

 private:
  struct entry;
  std::vector<entry> entries_;
};

}  // namespace lodestar::web
