#include <lodestar/cache/detail/epoch.hpp>

namespace lodestar::cache::detail {

namespace {

thread_local constinit bool thread_is_ending = false;

struct departure {
  ~departure() {
    thread_is_ending = true;
    if (this_participant == nullptr) return;
    process_epochs.value.leave(*this_participant);
    this_participant = nullptr;
  }
};

}  // namespace

epoch_domain<>::participant& join_process_epochs() {
  auto& joined = process_epochs.value.join();
  if (thread_is_ending) {
    // Another thread_local's destructor uses a cache: nobody would leave for us.
    joined.once = true;
    return joined;
  }
  this_participant = &joined;
  static thread_local const departure at_the_end;
  static_cast<void>(at_the_end);
  return joined;
}

}  // namespace lodestar::cache::detail
