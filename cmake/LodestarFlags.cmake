# Every target of ours links lodestar::flags privately: language level, warnings, hardening, sanitizers.
add_library(lodestar_flags INTERFACE)
add_library(lodestar::flags ALIAS lodestar_flags)

target_compile_features(lodestar_flags INTERFACE cxx_std_23)
target_compile_options(lodestar_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough
  -fstack-protector-strong -fcf-protection -fno-omit-frame-pointer)
# Not with sanitizers: what they add makes GCC warn of what cannot happen, and its manual advises against the combination.
if(PROJECT_IS_TOP_LEVEL AND NOT LODESTAR_SANITIZE)
  target_compile_options(lodestar_flags INTERFACE -Werror)
endif()
target_compile_definitions(lodestar_flags INTERFACE _GLIBCXX_ASSERTIONS
  $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
target_link_options(lodestar_flags INTERFACE -Wl,-z,relro,-z,now)

if(LODESTAR_SANITIZE)
  add_compile_options(-fsanitize=${LODESTAR_SANITIZE} -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${LODESTAR_SANITIZE})
  if(LODESTAR_SANITIZE MATCHES thread)
    # ThreadSanitizer does not know fences; Asio's queues are ordered by their mutexes anyway.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

if(LODESTAR_FUZZ)
  # Everywhere, not only in the fuzz targets: libFuzzer follows the branches that are instrumented.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -g)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(LODESTAR_MOLD mold)
if(LODESTAR_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(LODESTAR_CCACHE ccache)
if(LODESTAR_CCACHE)
  # Paths relative to the checkout, so that another clone finds what this one compiled.
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${LODESTAR_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${launcher}")
endif()
