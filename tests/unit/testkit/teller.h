// What the tests of grove/test.h test: a teller that asks a bank.
#ifndef GROVE_TESTS_TELLER_H
#define GROVE_TESTS_TELLER_H
#include "check.h"
#include <grove/test.h>

typedef struct payment {
  long account, amount;
} payment;
GROVE_TYPE(payment)

struct bank {
  long paid;
};
#define BANK(START, METHOD)                                                                        \
  START(bank, grove_none)                                                                          \
  METHOD(bank, pay, payment, long) METHOD(bank, note, grove_string, grove_none)
GROVE_INTERFACE(BANK, bank)

typedef struct teller_plan {
  bank_ref bank;
  long account;
} teller_plan;
GROVE_TYPE(teller_plan)
struct teller {
  teller_plan plan;
};
#define TELLER(START, METHOD) START(teller, teller_plan) METHOD(teller, take, long, long)
GROVE_INTERFACE(TELLER, teller)

/// A second file that includes the header: gives its seed at hand.
uint64_t teller_seed(void);
#endif
