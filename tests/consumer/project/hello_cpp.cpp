// The same from C++: start, a shared text, stop.
#include <cstdio>
#include <cstring>
#include <grove.h>

int main()
{
  grove *g = nullptr;
  grove_shared text = {};
  if (grove_start(nullptr, &g)) {
    return 1;
  }
  int bad = grove_share_copy(g, "42", 2, &text) || std::strcmp(static_cast<const char *>(text.ptr), "42");
  std::puts(bad ? "not shared" : static_cast<const char *>(text.ptr));
  grove_release(text);
  return grove_stop(g, 10000, nullptr) || bad;
}
