# Everything Debian provides. deploy/install-deps installs it by name.

# Protobuf by CMake's module: Debian ships no config file for it. Before gRPC, whose own config
# would look for it otherwise.
find_package(Protobuf REQUIRED MODULE)
find_package(gRPC REQUIRED CONFIG)
find_package(RocksDB REQUIRED CONFIG)
find_package(absl REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(spdlog REQUIRED CONFIG)
find_package(PkgConfig REQUIRED)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET GLOBAL cpp-httplib)
add_library(httplib::httplib ALIAS PkgConfig::httplib)
# Only the header of PKCS#11: modules are loaded when custody is told of one.
pkg_check_modules(p11_kit REQUIRED p11-kit-1)
add_library(comity_pkcs11 INTERFACE)
target_include_directories(comity_pkcs11 SYSTEM INTERFACE ${p11_kit_INCLUDE_DIRS})
add_library(comity::pkcs11 ALIAS comity_pkcs11)

if(BUILD_TESTING)
  find_package(GTest REQUIRED CONFIG)
  find_package(rapidcheck REQUIRED CONFIG)
endif()
