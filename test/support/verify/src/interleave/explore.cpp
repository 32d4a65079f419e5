#include <verify/interleave/explore.hpp>

#include <fmt/format.h>

#include "choices.hpp"
#include "execution.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace lodestar::interleave {
namespace {

/// An execution that is given up is not unwound: what its threads own is lost on purpose.
class allow_leaks {
 public:
  allow_leaks() {
#if defined(__SANITIZE_ADDRESS__)
    __lsan_disable();
#endif
  }
  ~allow_leaks() {
#if defined(__SANITIZE_ADDRESS__)
    __lsan_enable();
#endif
  }
  allow_leaks(const allow_leaks&) = delete;
  allow_leaks& operator=(const allow_leaks&) = delete;
};

std::uint64_t executions_max(const search& how) {
  const auto* bounded = std::get_if<context_bound>(&how);
  return bounded != nullptr ? bounded->executions_max : UINT64_MAX;
}

violation not_repeatable(const detail::chooser& choices) {
  return {.what = fault::not_repeatable,
          .text =
              "the scenario does not repeat what it did: it depends on more than the schedule, or "
              "the schedule is not one of it",
          .schedule = choices.schedule(),
          .seed = choices.seed(),
          .trace = {}};
}

}  // namespace

const char* to_string(fault what) noexcept {
  switch (what) {
    case fault::failed_check: return "failed check";
    case fault::data_race: return "data race";
    case fault::use_after_free: return "use after free";
    case fault::double_free: return "double free";
    case fault::leak: return "leak";
    case fault::deadlock: return "deadlock";
    case fault::livelock: return "livelock";
    case fault::misuse: return "misuse";
    case fault::exception: return "exception";
    case fault::not_repeatable: return "not repeatable";
  }
  return "?";
}

std::string outcome::report() const {
  if (!found.has_value()) {
    return fmt::format("nothing found in {} executions{}", executions,
                       exhausted ? ", which are all within the bounds" : "");
  }
  auto text = fmt::format("{}: {}\nfound in execution {}; again with replay{{\"{}\"}}",
                          to_string(found->what), found->text, executions, found->schedule);
  if (found->seed != 0) {
    text += fmt::format(" or random_walk{{.executions = 1, .seed = {}}}", found->seed);
  }
  return fmt::format("{}\n{}", text, found->trace);
}

outcome detail::explore(const program& what, const search& how, const limits& within) {
  const allow_leaks while_exploring;
  const auto choices = make_chooser(how);
  execution running(what, *choices, within);
  outcome result;
  bool more = true;
  while (!result.found.has_value() && result.executions < executions_max(how)) {
    more = choices->begin();
    if (more && !choices->diverged()) {
      ++result.executions;
      result.found = running.run();
    }
    if (choices->diverged()) result.found = not_repeatable(*choices);
    if (!more) break;
  }
  result.exhausted = !more && !result.found && std::holds_alternative<context_bound>(how);
  return result;
}

}  // namespace lodestar::interleave
