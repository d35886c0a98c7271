# The helpers with which every folder declares its targets.
#
#   comity_library(<name> SOURCES <...> HEADERS <...> DEPS <...> PRIVATE_DEPS <...>
#                  [PRECOMPILE <...>])
#       Static library comity_<name>, alias comity::<name>. DEPS are those whose headers our own
#       headers include; PRIVATE_DEPS are seen by our sources only. Without SOURCES it is
#       header-only, and DEPS travel with it. PRECOMPILE are heavy headers that most of its sources
#       include and few others do.
#   comity_binary(<name> SOURCES <...> DEPS <...>)
#       Program <name> in <build>/bin.
#   comity_test(<name> [WHOLE] SOURCES <...> DEPS <...> [TIMEOUT <s>] [LABELS <...>]
#               [ENVIRONMENT <NAME=value ...>])
#       GoogleTest program <name> in <build>/test-bin with gmock's main; every test is a ctest of
#       its own, or the program is one ctest when WHOLE (costly suite set-up).
#
# Includes of our code are written from the repository root.

include(GoogleTest)

if(COMITY_PRECOMPILE)
  set(COMITY_PRECOMPILED_HEADERS
      <absl/base/thread_annotations.h>
      <absl/status/status.h>
      <absl/status/statusor.h>
      <absl/synchronization/mutex.h>
      <algorithm>
      <array>
      <chrono>
      <cstdint>
      <filesystem>
      <functional>
      <map>
      <memory>
      <optional>
      <set>
      <span>
      <string>
      <string_view>
      <utility>
      <vector>)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cc CONTENT "\n")
  add_library(comity_precompiled OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/precompiled.cc)
  target_link_libraries(comity_precompiled PRIVATE comity_warnings)
  target_precompile_headers(comity_precompiled PRIVATE ${COMITY_PRECOMPILED_HEADERS})
  if(BUILD_TESTING)
    add_library(comity_precompiled_test OBJECT EXCLUDE_FROM_ALL
                ${PROJECT_BINARY_DIR}/precompiled.cc)
    target_link_libraries(comity_precompiled_test PRIVATE comity_warnings GTest::gmock)
    target_precompile_headers(comity_precompiled_test PRIVATE ${COMITY_PRECOMPILED_HEADERS} <gmock/gmock.h>)
  endif()
endif()

if(COMITY_SANITIZE STREQUAL "thread")
  # What orders things in libraries that are not compiled under it (tests/testing/tsan/behind.h).
  set(folder ${PROJECT_SOURCE_DIR}/tests/testing/tsan)
  add_library(comity_tsan OBJECT ${folder}/abseil.cc ${folder}/grpc.cc ${folder}/options.cc)
  target_include_directories(comity_tsan PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(comity_tsan PUBLIC absl::status absl::synchronization PRIVATE comity_warnings)
endif()

# ALONE: without the precompiled headers; TEST: with those of tests; PRECOMPILE: with these as well.
function(comity_configure target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "ALONE;TEST" "" "PRECOMPILE")
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:comity_warnings>)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE" AND TARGET comity_tsan)
    target_link_libraries(${target} PRIVATE comity_tsan)
  endif()
  if(COMITY_PRECOMPILE AND NOT ARG_ALONE)
    if(ARG_TEST)
      target_precompile_headers(${target} REUSE_FROM comity_precompiled_test)
    elseif(ARG_PRECOMPILE)
      target_precompile_headers(${target} PRIVATE ${COMITY_PRECOMPILED_HEADERS} ${ARG_PRECOMPILE})
    else()
      target_precompile_headers(${target} REUSE_FROM comity_precompiled)
    endif()
  endif()
endfunction()

function(comity_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS;PRECOMPILE")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "comity_library(${name}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  set(target comity_${name})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES} ${ARG_HEADERS})
    comity_configure(${target} PRECOMPILE ${ARG_PRECOMPILE})
    target_link_libraries(${target} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(${target} INTERFACE)
    target_sources(${target} PRIVATE ${ARG_HEADERS})
    target_link_libraries(${target} INTERFACE ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
  endif()
  add_library(comity::${name} ALIAS ${target})
endfunction()

function(comity_binary name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;DEPS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "comity_binary(${name}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  comity_configure(${name})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  comity_hide_archive_symbols(${name})
  set_property(GLOBAL APPEND PROPERTY COMITY_PROGRAMS ${name})
endfunction()

function(comity_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "WHOLE" "TIMEOUT" "SOURCES;DEPS;LABELS;ENVIRONMENT")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "comity_test(${name}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  comity_configure(${name} TEST)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock_main)
  comity_hide_archive_symbols(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${COMITY_TEST_BIN_DIR})
  set_property(GLOBAL APPEND PROPERTY COMITY_PROGRAMS ${name})

  foreach(source IN LISTS ARG_SOURCES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    set_property(GLOBAL APPEND PROPERTY COMITY_REGISTERED_TEST_SOURCES ${source})
  endforeach()

  set(properties TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  if(ARG_ENVIRONMENT)
    list(APPEND properties ENVIRONMENT "${ARG_ENVIRONMENT}")
  endif()
  if(ARG_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES ${properties})
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 30
                         PROPERTIES ${properties})
  endif()
endfunction()

# What we link statically stays inside: a symbol of an archive that a program exported could be
# taken by gRPC's OpenSSL, or the other way round.
function(comity_hide_archive_symbols target)
  # Clang's sanitizers are such an archive, and their malloc must be seen by the shared libraries.
  if(NOT (COMITY_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang"))
    target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL)
  endif()
endfunction()
