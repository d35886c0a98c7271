// What libraries do that were not compiled under the sanitizer is theirs: it would hear of a copy
// that one makes, but not of what orders it. A service ends at the first report, so that no test
// can overlook it.
extern "C" const char* __tsan_default_options() {
  return "ignore_noninstrumented_modules=1:halt_on_error=1";
}
