// What a client accepts and what it has already (RFC 9110, 8.8 and 12.5). Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace lodestar::web {

/// Whether If-None-Match lists the (strong) ETag or is `*`. The comparison is weak, as the header
/// demands.
[[nodiscard]] bool etag_matches(std::string_view if_none_match, std::string_view etag);

/// Whether Accept-Encoding takes the coding. One that is not listed is not taken.
[[nodiscard]] bool accepts_coding(std::string_view accept_encoding, std::string_view coding);

/// The index of the media type ("text/csv", in lower case) that Accept weighs highest. Of equal
/// weights the one it names more closely wins, then the one it names first, then the one that is
/// offered first. Nothing when it takes none of them, or does not say.
[[nodiscard]] std::optional<std::size_t> preferred_media_type(
    std::string_view accept, std::span<const std::string_view> offered);

}  // namespace lodestar::web
