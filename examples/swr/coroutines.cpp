// Coroutines that share one load.
#include <coroutine>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/swr/awaitable.hpp>

namespace swr = lodestar::swr;
using texts = swr::cache<std::string, std::string>;

/// Stands for the coroutines of your program: runs at once, and nobody awaits it.
struct detached {
  struct promise_type {
    static detached get_return_object() noexcept { return {}; }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_never final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }
  };
};

// snippet: network
/// Stands for an event loop, in which requests wait for their replies.
struct network {
  struct reply {
    network& from;
    std::string path;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> request) { from.waiting.push_back(request); }
    [[nodiscard]] std::string await_resume() const { return "the page of " + path; }
  };
  reply fetch(const std::string& path) { return {*this, path}; }
  void run() {
    for (const auto request : std::exchange(waiting, {})) request.resume();
  }
  std::vector<std::coroutine_handle<>> waiting;
};
// end of snippet

// snippet: visit
detached visit(swr::awaitable<texts> pages, network& from, std::string visitor) {
  const auto load = [&from](const std::string& path) { return from.fetch(path); };
  const auto page = co_await pages.get_or_load("/", load);
  std::cout << visitor << ": " << (page ? page->value : page.error().message) << '\n';
}
// end of snippet

int main() {
  // snippet: visitors
  network web;
  texts cache({.keep = {.fresh_ms = 60'000}});
  const swr::awaitable pages(cache);
  for (const char* visitor : {"anna", "ben", "carla"}) visit(pages, web, visitor);
  std::cout << web.waiting.size() << " request\n";
  web.run();
  // end of snippet
}
