#include "teller.h"

GROVE_CLASS(BANK, bank)
GROVE_CLASS(TELLER, teller)

static grove_status bank_start(grove *self, struct bank *b, const grove_none *none)
{
  (void)self, (void)none;
  b->paid = 0;
  return GROVE_OK;
}

static grove_status bank_pay(grove *self, struct bank *b, const payment *p, long *total)
{
  if (p->amount < 0) {
    return grove_fail(self, GROVE_EUSER, "account %ld: can't pay %ld", p->account, p->amount);
  }
  *total = b->paid += p->amount;
  return GROVE_OK;
}

static grove_status bank_note(grove *self, struct bank *b, const grove_string *text, grove_none *r)
{
  (void)b, (void)r;
  grove_log(self, GROVE_LOG_INFO, "noted: %s", grove_text(*text));
  return GROVE_OK;
}

static grove_status teller_start(grove *self, struct teller *t, const teller_plan *plan)
{
  (void)self;
  t->plan = *plan;
  return GROVE_OK;
}

static grove_status teller_take(grove *self, struct teller *t, const long *amount, long *total)
{
  grove_status s = bank_note_send(self, t->plan.bank, grove_string_of("a payment"));
  payment p = {t->plan.account, *amount};
  return s ? s : bank_pay_ask(self, t->plan.bank, p, 1000, total, NULL);
}

uint64_t teller_seed(void)
{
  return grove_test_seed();
}
