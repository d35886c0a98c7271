# Compiler settings of the whole tree. What every translation unit needs, BoringSSL and generated
# code included, is set globally; warnings reach our own targets only, through comity_warnings.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(COMITY_TEST_BIN_DIR ${PROJECT_BINARY_DIR}/test-bin)

option(COMITY_HARDEN "Build with the hardening flags of a release" OFF)
option(COMITY_FUZZ "Build the fuzz targets with libFuzzer (needs clang)" OFF)
option(COMITY_REQUIRE_REGISTERED_TESTS "Refuse to configure when a *_test.cc is in no test" ON)
# Most of a source's compile time goes into the same twenty headers. Read once for all targets they
# make a cold build a quarter shorter. Not for dev, where a source that forgot an include must fail
# and where the compiler cache does more.
option(COMITY_PRECOMPILE "Precompile the headers that nearly every source includes" OFF)
set(COMITY_SANITIZE "" CACHE STRING "Argument of -fsanitize, or empty")

find_package(Threads REQUIRED)

# One relocation model for libraries and executables: nothing here is a shared library, and equal
# flags make one cached object serve both.
add_compile_options(-fPIE)
add_link_options(-pie)

find_program(COMITY_CCACHE ccache)
if(COMITY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(sloppiness time_macros)
  if(COMITY_PRECOMPILE)
    string(APPEND sloppiness ",pch_defines")
  endif()
  # Paths relative to the source folder, so that every build folder shares one cache.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
               CCACHE_SLOPPINESS=${sloppiness}
               ${COMITY_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_ASM_COMPILER_LAUNCHER ${launcher})
endif()

find_program(COMITY_LLD ld.lld)
if(COMITY_LLD)
  add_link_options(-fuse-ld=lld)
endif()

if(COMITY_HARDEN)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
    add_compile_options(-fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    add_compile_options(-mbranch-protection=standard)
  endif()
  add_compile_definitions(_FORTIFY_SOURCE=3 $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_ASSERTIONS>)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()

if(COMITY_SANITIZE)
  add_compile_options(-fsanitize=${COMITY_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${COMITY_SANITIZE})
endif()
if(COMITY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# What every file of ours is compiled with. Threads everywhere, and the same for each target: a
# precompiled header fits only code that was compiled with the same options. GCC 12's flow analysis
# sees faults in std::string that are not there: those warnings stay, but fail nothing.
add_library(comity_warnings INTERFACE)
target_compile_options(
  comity_warnings
  INTERFACE -Wall
            -Wextra
            -Werror
            -Wshadow
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wimplicit-fallthrough
            -Wvla
            -Wno-missing-field-initializers
            -pthread
            $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
            $<$<CXX_COMPILER_ID:GNU>:-Wno-error=maybe-uninitialized>
            $<$<CXX_COMPILER_ID:GNU>:-Wno-error=array-bounds>)
