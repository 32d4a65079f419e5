# lodestar_module(NAME [DEPS …] [PRIVATE_DEPS …] [TEST_DEPS …])
#
# Makes a module from the files of the current folder; the suffix says which target a file joins:
#   src/x.cpp         library        lodestar::NAME (header-only when there is none)
#   src/x_test.cpp    unit tests     NAME_test, label "unit", one process per test
#   src/x_bench.cpp   benchmark      bench/x, one program each
#   src/x_fuzz.cpp    fuzzer         built in every build, replays fuzz/corpus/x as a test
function(lodestar_module name)
  cmake_parse_arguments(arg "" "" "DEPS;PRIVATE_DEPS;TEST_DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(benches ${sources})
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  set(fuzzers ${sources})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")

  set(target lodestar_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC include PRIVATE src)
    target_link_libraries(${target} PUBLIC ${arg_DEPS} PRIVATE lodestar::flags ${arg_PRIVATE_DEPS})
    target_compile_features(${target} PUBLIC cxx_std_23)
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE include)
    target_link_libraries(${target} INTERFACE ${arg_DEPS})
    target_compile_features(${target} INTERFACE cxx_std_23)
  endif()
  add_library(lodestar::${name} ALIAS ${target})

  if(LODESTAR_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_include_directories(${name}_test PRIVATE src)
    target_link_libraries(${name}_test PRIVATE ${target} lodestar::flags lodestar::test_main
      ${arg_PRIVATE_DEPS} ${arg_TEST_DEPS})
    gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}/" WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
      PROPERTIES LABELS unit TIMEOUT 120)
  endif()
  if(LODESTAR_BENCHMARKS)
    foreach(source ${benches})
      cmake_path(GET source STEM stem)
      string(REGEX REPLACE "_bench$" "" bench "${stem}")
      add_executable(${name}_${bench}_bench ${source})
      set_target_properties(${name}_${bench}_bench PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bench" OUTPUT_NAME ${bench})
      target_include_directories(${name}_${bench}_bench PRIVATE src)
      target_link_libraries(${name}_${bench}_bench PRIVATE ${target} lodestar::flags benchmark::benchmark
        ${arg_PRIVATE_DEPS})
    endforeach()
  endif()
  if(LODESTAR_TESTS)
    foreach(source ${fuzzers})
      lodestar_fuzzer(${source} ${target} ${arg_PRIVATE_DEPS})
    endforeach()
  endif()
endfunction()

# A fuzz target is an ordinary program here: fuzz/replay_main.cpp feeds it its corpus. With clang and
# -DLODESTAR_FUZZ=ON it is linked with libFuzzer instead.
function(lodestar_fuzzer source)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "_fuzz$" "" corpus "${name}")
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN} lodestar::flags)
  if(LODESTAR_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/fuzz/replay_main.cpp")
    add_test(NAME fuzz/${corpus} COMMAND ${name} "${PROJECT_SOURCE_DIR}/fuzz/corpus/${corpus}")
    set_tests_properties(fuzz/${corpus} PROPERTIES LABELS unit TIMEOUT 60)
  endif()
endfunction()
