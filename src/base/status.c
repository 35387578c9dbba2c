#include "base/status.h"

const char *grove_status_text(grove_status s)
{
  switch (s) {
#define GROVE__TEXT(name, value, text)                                                             \
  case GROVE_##name: return text;
    GROVE_STATUS_MAP(GROVE__TEXT)
#undef GROVE__TEXT
  default: break;
  }
  return s < GROVE_EUSER ? "an error of the application" : "unknown status";
}

const char *grove__status_name(grove_status s)
{
  switch (s) {
#define GROVE__NAME(name, value, text)                                                             \
  case GROVE_##name: return "GROVE_" #name;
    GROVE_STATUS_MAP(GROVE__NAME)
#undef GROVE__NAME
  default: return "GROVE_EUSER";
  }
}

const char *grove_version(void)
{
  return GROVE_VERSION_TEXT;
}
