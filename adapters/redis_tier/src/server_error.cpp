#include "server_error.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lodestar::redis_tier {
namespace {

constexpr std::size_t answer_bytes_max = 200;

struct meaning {
  std::string_view prefix;
  error_code code;
  std::string_view hint;
  bool reconnects = false;
};

constexpr std::string_view password_hint = "write redis://user:password@host into the URL";
constexpr std::array meanings{
    meaning{"NOAUTH", error_code::permission_denied, password_hint, true},
    meaning{"WRONGPASS", error_code::permission_denied, password_hint, true},
    meaning{"ERR AUTH", error_code::permission_denied, "the server has no password: leave it out"},
    meaning{"ERR invalid password", error_code::permission_denied, password_hint},
    meaning{"NOPERM", error_code::permission_denied,
            "allow GET, SET, UNLINK, SCAN, PING and PUBLISH to this user (ACL SETUSER)"},
    meaning{"OOM", error_code::storage_full,
            "raise maxmemory, or let the server evict: maxmemory-policy allkeys-lru"},
    meaning{"LOADING", error_code::unavailable, "wait until the server has loaded its data", true},
    meaning{"READONLY", error_code::unavailable, "name the primary, not a replica, in the URL",
            true},
    meaning{"MISCONF", error_code::unavailable,
            "mend the server's disk, or set stop-writes-on-bgsave-error no"},
    meaning{"MASTERDOWN", error_code::unavailable, "see why the replica has lost its primary"},
    meaning{"CLUSTERDOWN", error_code::unavailable, "see CLUSTER INFO: slots are not served"},
    meaning{"TRYAGAIN", error_code::unavailable, "wait until the slot has moved"},
    meaning{"BUSY", error_code::unavailable, "a script keeps the server busy: SCRIPT KILL"},
    meaning{"NOREPLICAS", error_code::unavailable, "see min-replicas-to-write"},
    meaning{"MOVED", error_code::unavailable,
            "the server is a node of a cluster: name several of its nodes in the URL"},
    meaning{"ASK", error_code::unavailable,
            "the server is a node of a cluster: name several of its nodes in the URL"},
    meaning{"ERR max number of clients", error_code::unavailable, "raise maxclients"},
    meaning{"ERR DB index", error_code::unavailable, "see the setting databases of the server"},
};

// One line of it: the text is the server's.
std::string line_of(std::string_view answer) {
  std::string line(answer.substr(0, answer_bytes_max));
  std::ranges::replace_if(line, [](char byte) { return byte < ' ' || byte > '~'; }, '?');
  return line;
}

}  // namespace

server_error server_error_of(std::string_view answer, std::string_view server) {
  static constexpr meaning other{"", error_code::internal, ""};
  const auto* found = std::ranges::find_if(
      meanings, [&](const meaning& each) { return answer.starts_with(each.prefix); });
  const meaning& means = found == meanings.end() ? other : *found;
  return {.what = {means.code, fmt::format("Redis answered: {}", line_of(answer)),
                   std::string(server), std::string(means.hint)},
          .reconnects = means.reconnects};
}

}  // namespace lodestar::redis_tier
