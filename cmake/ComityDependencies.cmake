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

if(BUILD_TESTING)
  find_package(GTest REQUIRED CONFIG)
  find_package(rapidcheck REQUIRED CONFIG)
endif()
