// Sending and calling: stubs, types, order, lanes, who owns shared data, how failures are told.
#include "actors.h"

// ---- stubs and untyped calls -----------------------------------------------------------------------------
struct adder {
  long sum;
};
#define ADDER(START, METHOD)                                                                       \
  START(adder, long)                                                                               \
  METHOD(adder, add, long, long)                                                                   \
  METHOD(adder, fail, grove_string, long)
GROVE_ACTOR(ADDER, adder)
static grove_status adder_start(grove *self, struct adder *a, const long *from)
{
  (void)self;
  a->sum = *from;
  return GROVE_OK;
}
static grove_status adder_add(grove *self, struct adder *a, const long *n, long *sum)
{
  (void)self;
  *sum = a->sum += *n;
  return GROVE_OK;
}
static grove_status adder_fail(grove *self, struct adder *a, const grove_string *text, long *sum)
{
  (void)a;
  *sum = 1;
  return grove_fail(self, GROVE_EUSER - 7, "no %s", grove_text(*text));
}

static void test_typed_and_untyped(void **state)
{
  struct rig *r = *state;
  long sum = 0, two = 2;
  adder_ref a = adder_spawn(r->g, 40, NULL);
  check_ok(adder_add_ask(r->g, a, 1, 20000, &sum, NULL));
  assert_int_equal(sum, 41);
  check_ok(adder_add_send(r->g, a, 1));
  adder_add_future f = adder_add_call(r->g, a, 1);
  check_ok(adder_add_get(r->g, f, 20000, &sum, NULL));
  assert_int_equal(sum, 43);
  check_ok(grove_get(
      r->g, grove_call(r->g, a.ref, &adder_add_method, &two), 20000, &sum, sizeof sum, NULL));
  assert_int_equal(sum, 45);
  check_ok(grove_get(r->g, grove_call(r->g, a.ref, &adder_add_method, &two), 20000, NULL, 0, NULL));
}

static void test_bad_calls(void **state)
{
  struct rig *r = *state;
  grove_error err;
  long n = 1;
  int small;
  adder_ref a = adder_spawn(r->g, 0, NULL);
  grove_ref h = spawn_hand(r->g);
  check_status(grove_send(r->g, h, &adder_add_method, &n), GROVE_EINVAL);
  check_status(grove_get(r->g, grove_call(r->g, h, &adder_add_method, &n), 0, &n, sizeof n, &err),
      GROVE_EINVAL);
  check_contains(err.text, "another class");
  check_contains(err.text, "add to hand");
  check_status(grove_send(r->g, a.ref, &adder_add_method, NULL), GROVE_EINVAL);
  check_status(grove_send(r->g, a.ref, NULL, &n), GROVE_EINVAL);
  check_status(grove_send(r->g, GROVE_NOBODY, &adder_add_method, &n), GROVE_ENOACTOR);
  check_status(grove_send(NULL, a.ref, &adder_add_method, &n), GROVE_EINVAL);
  // a reply of another size is refused, and leaves the future as it was
  grove_future f = grove_call(r->g, a.ref, &adder_add_method, &n);
  check_status(grove_get(r->g, f, 20000, &small, sizeof small, &err), GROVE_EINVAL);
  check_contains(err.text, "long of 8 bytes, not of 4");
  check_status(grove_get(r->g, f, 20000, NULL, sizeof small, &err), GROVE_EINVAL);
  check_ok(grove_get(r->g, f, 20000, &n, sizeof n, &err));
  // an address that carries a failure gives it to every call
  grove_ref none = grove_find(r->g, "nobody of that name");
  check_status(grove_ref_status(none), GROVE_ENOENT);
  check_status(grove_send(r->g, none, &adder_add_method, &n), GROVE_ENOENT);
  check_status(grove_get(r->g, grove_call(r->g, none, &adder_add_method, &n), 0, NULL, 0, &err),
      GROVE_ENOENT);
}

// ---- order -------------------------------------------------------------------------------------------------
typedef struct sequence {
  _Atomic long last;
  atomic_int count, wrong;
} sequence;
typedef struct numbered {
  sequence *s;
  long n;
} numbered;
static grove_status job_in_order(grove *self, hand_state *s, void *user, long *reply)
{
  numbered *n = user;
  (void)self, (void)s, (void)reply;
  long last = atomic_exchange(&n->s->last, n->n);
  atomic_fetch_add(&n->s->wrong, last != n->n - 1);
  atomic_fetch_add(&n->s->count, 1);
  return GROVE_OK;
}

enum { SENDERS = 4, EACH = 500 };
typedef struct sender {
  grove *g;
  grove_ref to;
  rig_threads *threads;
  sequence order;
  numbered n[EACH];
  int failed;
} sender;

static void send_all(void *user)
{
  sender *s = user;
  for (long i = 0; i < EACH; i++) {
    s->n[i] = (numbered){&s->order, i + 1};
    s->failed += tell(s->g, s->to, job_in_order, &s->n[i]) != GROVE_OK;
  }
  atomic_fetch_add(&s->threads->ended, 1);
}

static void test_fifo_per_sender(void **state)
{
  struct rig *r = *state;
  static sender s[SENDERS];
  static rig_threads t;
  grove_ref h = spawn_hand(r->g);
  memset(s, 0, sizeof s);
  memset(&t, 0, sizeof t);
  t.n = SENDERS;
  for (int i = 0; i < SENDERS; i++) {
    s[i].g = r->g;
    s[i].to = h;
    s[i].threads = &t;
    if (r->kind == ON_SIMULATION) {
      send_all(&s[i]);
    } else {
      assert_int_equal(uv_thread_create(&t.id[i], send_all, &s[i]), 0);
    }
  }
  if (r->kind == ON_SIMULATION) {
    t.n = 0;
  }
  rig_join(r, &t);
  for (int i = 0; i < SENDERS; i++) {
    rig_until(r, &s[i].order.count, EACH);
    assert_int_equal(s[i].failed, 0);
    assert_int_equal(s[i].order.wrong, 0);
  }
}

static grove_status job_append(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self;
  s->number = s->number * 10 + (long)(intptr_t)user;
  *reply = s->number;
  return GROVE_OK;
}

// While it is busy, normal ones come first and high ones later; they are taken the other way round.
static void test_high_lane_first(void **state)
{
  struct rig *r = *state;
  static pause_point p;
  memset(&p, 0, sizeof p);
  long reply;
  grove_ref h = spawn_hand(r->g);
  grove_future busy = ask(r->g, h, job_pause, &p);
  rig_until(r, &p.begun, 1);
  check_ok(tell(r->g, h, job_append, (void *)1));
  check_ok(tell(r->g, h, job_append, (void *)2));
  check_ok(grove_send(r->g, h, &hand_high_method, &(hand_job){job_append, (void *)3}));
  check_ok(grove_send(r->g, h, &hand_high_method, &(hand_job){job_append, (void *)4}));
  grove_future last = ask(r->g, h, job_append, (void *)5);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, last, 20000, &reply, sizeof reply, NULL));
  assert_int_equal(reply, 34125);
  check_ok(grove_get(r->g, busy, 20000, &reply, sizeof reply, NULL));
}

// ---- shared data -------------------------------------------------------------------------------------------
typedef struct parcel {
  grove_shared a;
  long n;
  grove_shared b;
} parcel;
static const uint16_t parcel_holds[] = {offsetof(parcel, a), offsetof(parcel, b)};
static const grove_type grove_type_of_parcel = {
    sizeof(grove_type), sizeof(parcel), "parcel", 0, 2, parcel_holds, NULL, NULL};

struct depot {
  parcel first; // the start argument's, for life
};
#define DEPOT(START, METHOD)                                                                       \
  START(depot, parcel)                                                                             \
  METHOD(depot, length, parcel, long)                                                              \
  METHOD(depot, swap, parcel, parcel)                                                              \
  METHOD(depot, borrow, long, grove_string)                                                        \
  METHOD(depot, first, long, parcel)                                                               \
  METHOD(depot, refuse, parcel, parcel)
GROVE_ACTOR(DEPOT, depot)
static grove_status depot_start(grove *self, struct depot *d, const parcel *first)
{
  (void)self;
  d->first = *first;
  return GROVE_OK;
}
static grove_status depot_length(grove *self, struct depot *d, const parcel *p, long *n)
{
  (void)self, (void)d;
  *n = (long)(p->a.bytes + p->b.bytes);
  *n += memchr(p->a.ptr, 'x', p->a.bytes) ? 1000 : 0;
  return GROVE_OK;
}
static grove_status depot_swap(grove *self, struct depot *d, const parcel *p, parcel *out)
{
  (void)self, (void)d;
  *out = (parcel){grove_retain(p->b), p->n + 1, grove_retain(p->a)};
  return GROVE_OK;
}
static grove_status depot_borrow(grove *self, struct depot *d, const long *n, grove_string *out)
{
  (void)self, (void)d, (void)n;
  *out = grove_string_of("from my frame");
  return GROVE_OK;
}
static grove_status depot_first(grove *self, struct depot *d, const long *n, parcel *out)
{
  (void)self;
  *out = (parcel){grove_retain(d->first.a), *n, grove_retain(d->first.b)};
  return GROVE_OK;
}
static grove_status depot_refuse(grove *self, struct depot *d, const parcel *p, parcel *out)
{
  (void)d, (void)p, (void)out;
  return grove_fail(self, GROVE_EUSER, "not taken");
}

static uint64_t shared_bytes(grove *g)
{
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(g, &s));
  return s.shared_bytes;
}

static void count_destroy(void *ptr, void *user)
{
  free(ptr);
  atomic_fetch_add((atomic_int *)user, 1);
}

static void test_arguments_and_replies_hold_shared_data(void **state)
{
  struct rig *r = *state;
  grove_shared s;
  parcel out;
  long n;
  char *bytes = calloc(1, 100);
  atomic_int destroyed = 0;
  check_ok(grove_share(r->g, bytes, 100, count_destroy, &destroyed, &s));
  assert_int_equal(shared_bytes(r->g), 100);
  depot_ref d = depot_spawn(r->g, (parcel){s, 0, grove_borrow("life", 4)}, NULL);
  // a borrowed view in an argument is copied
  char own[8] = "xyz";
  depot_length_future f = depot_length_call(r->g, d, (parcel){grove_borrow(own, 3), 0, s});
  memset(own, 0, sizeof own);
  check_ok(depot_length_get(r->g, f, 20000, &n, NULL));
  assert_int_equal(n, 1103);
  // a reply's counts are the getter's; one that nobody gets is dropped with its future
  check_ok(depot_swap_ask(r->g, d, (parcel){s, 7, grove_borrow("abc", 3)}, 20000, &out, NULL));
  assert_int_equal(out.n, 8);
  assert_int_equal(out.a.bytes, 3);
  assert_memory_equal(out.a.ptr, "abc", 4);
  assert_ptr_equal(out.b.ptr, bytes);
  grove_release(out.a);
  grove_release(out.b);
  grove_drop(r->g, depot_swap_call(r->g, d, (parcel){s, 0, s}).future);
  depot_swap_future g = depot_swap_call(r->g, d, (parcel){s, 0, s});
  check_ok(grove_get(r->g, g.future, 20000, NULL, 0, NULL));
  check_ok(depot_swap_send(r->g, d, (parcel){s, 0, s}));
  check_status(depot_refuse_ask(r->g, d, (parcel){s, 0, s}, 20000, &out, NULL), GROVE_EUSER);
  assert_null(out.a.owner);
  assert_null(out.b.owner);
  grove_release(s);
  check_ok(depot_first_ask(r->g, d, 1, 20000, &out, NULL));
  assert_ptr_equal(out.a.ptr, bytes);
  assert_memory_equal(out.b.ptr, "life", 4);
  grove_release(out.a);
  grove_release(out.b);
  assert_int_equal(destroyed, 0);
  grove_error down;
  check_ok(grove_get(r->g, grove_exit(r->g, d.ref, 20000), 20000, &down, sizeof down, NULL));
  grove_future all = grove_monitor(r->g, d.ref);
  check_ok(grove_get(r->g, all, 20000, &down, sizeof down, NULL));
  for (int i = 0; i < 1000 && shared_bytes(r->g); i++) { // its memory goes just after DOWN
    check_ok(grove_sleep(r->g, 1));
  }
  assert_int_equal(shared_bytes(r->g), 0);
  assert_int_equal(destroyed, 1);
}

static void test_borrowed_replies_are_refused(void **state)
{
  struct rig *r = *state;
  grove_string out;
  grove_error err;
  depot_ref d = depot_spawn(r->g, (parcel){{NULL, 0, NULL}, 0, {NULL, 0, NULL}}, NULL);
  check_status(depot_borrow_ask(r->g, d, 1, 20000, &out, &err), GROVE_EINVAL);
  check_contains(err.text, "depot.borrow");
  check_contains(err.text, "borrowed");
  assert_null(out.shared.ptr);
}

static void test_shared_data_outlives_the_runtime_and_has_a_limit(void **state)
{
  struct rig *r = *state;
  grove_shared a, b;
  rig_restart(r, &(grove_options){.workers = 1, .memory_bytes = 1000});
  check_ok(grove_share_copy(r->g, "0123456789", 10, &a));
  b = a;
  char *large = calloc(1, 991);
  check_status(grove_share_copy(r->g, large, 991, &b), GROVE_ELIMIT);
  assert_null(b.ptr);
  b = grove_retain(a);
  check_ok(grove_share_copy(r->g, large, 990, &b));
  grove_release(a); // the one of b
  grove_release(b);
  check_ok(grove_share_copy(r->g, large, 990, &b));
  grove_release(b);
  free(large);
  check_ok(grove_stop(r->g, 20000, NULL));
  if (r->kind == ON_LOOP) {
    uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
  }
  assert_int_equal(atomic_load(&r->freed), 1);
  assert_memory_equal(a.ptr, "0123456789", 11);
  grove_release(a);
  assert_int_equal(atomic_load(&r->bytes), 0);
  r->g = NULL;
}

// ---- failures ------------------------------------------------------------------------------------------------
struct bank {
  char none;
};
#define BANK(START, METHOD) START(bank, grove_none) METHOD(bank, pay, long, long)
GROVE_ACTOR(BANK, bank)
static grove_status bank_start(grove *self, struct bank *b, const grove_none *none)
{
  (void)self, (void)b, (void)none;
  return GROVE_OK;
}
static grove_status bank_pay(grove *self, struct bank *b, const long *n, long *out)
{
  (void)b, (void)out;
  if (*n < 0) {
    return grove_crash(self, GROVE_EUSER - 2, "negative %ld", *n);
  }
  return *n == 0 ? GROVE_EUSER - 3 : grove_fail(self, GROVE_EUSER - 1, "no such account");
}
struct order {
  bank_ref bank;
};
#define ORDER(START, METHOD)                                                                       \
  START(order, bank_ref)                                                                           \
  METHOD(order, buy, long, long)                                                                   \
  METHOD(order, retell, long, long)
GROVE_ACTOR(ORDER, order)
static grove_status order_start(grove *self, struct order *o, const bank_ref *bank)
{
  (void)self;
  o->bank = *bank;
  return GROVE_OK;
}
static grove_status order_buy(grove *self, struct order *o, const long *n, long *out)
{
  return bank_pay_ask(self, o->bank, *n, 20000, out, NULL);
}
static grove_status order_retell(grove *self, struct order *o, const long *n, long *out)
{
  grove_error err;
  grove_status s = bank_pay_ask(self, o->bank, *n, 20000, out, &err);
  return s ? grove_fail_with(self, &err) : s;
}

static void test_words_of_nested_failures(void **state)
{
  struct rig *r = *state;
  grove_error err;
  long out = 5;
  bank_ref b = bank_spawn(r->g, GROVE_NONE, NULL);
  order_ref o = order_spawn(r->g, b, NULL);
  check_status(order_buy_ask(r->g, o, 5, 20000, &out, &err), GROVE_EUSER - 1);
  assert_string_equal(err.text, "order.buy: bank.pay: no such account");
  assert_string_equal(err.method, "order.buy");
  assert_true(grove_ref_equal(err.who, o.ref));
  assert_int_equal(err.status, GROVE_EUSER - 1);
  assert_int_equal(out, 0);
  check_status(order_retell_ask(r->g, o, 5, 20000, &out, &err), GROVE_EUSER - 1);
  assert_string_equal(err.text, "order.retell: bank.pay: no such account");
  check_status(order_buy_ask(r->g, o, 0, 20000, &out, &err), GROVE_EUSER - 3);
  check_contains(err.text, "order.buy: bank.pay: ");
  adder_ref a = adder_spawn(r->g, 0, NULL);
  check_status(
      adder_fail_ask(r->g, a, grove_string_of("bread"), 20000, &out, &err), GROVE_EUSER - 7);
  assert_string_equal(err.text, "adder.fail: no bread");
  check_status(
      adder_fail_ask(r->g, a, grove_string_of("bread"), 20000, &out, NULL), GROVE_EUSER - 7);
  check_ok(adder_add_ask(r->g, a, 2, 20000, &out, &err)); // the actor lives on
  assert_int_equal(out, 2);
}

static void test_a_crash_takes_the_actor_along(void **state)
{
  struct rig *r = *state;
  grove_error err, down;
  long out;
  bank_ref b = bank_spawn(r->g, GROVE_NONE, NULL);
  order_ref o = order_spawn(r->g, b, NULL);
  grove_future m = grove_monitor(r->g, b.ref);
  check_status(order_buy_ask(r->g, o, -4, 20000, &out, &err), GROVE_EDEAD);
  assert_string_equal(err.text, "order.buy: bank.pay: negative -4");
  check_ok(grove_get(r->g, m, 20000, &down, sizeof down, NULL));
  check_status(down.status, GROVE_EUSER - 2);
  assert_string_equal(down.text, "bank.pay: negative -4");
  assert_string_equal(down.method, "bank.pay");
  assert_true(grove_ref_equal(down.who, b.ref));
  // afterwards: nobody there, and it says why
  check_status(bank_pay_ask(r->g, b, 1, 20000, &out, &err), GROVE_ENOACTOR);
  check_contains(err.text, "negative -4");
  check_status(bank_pay_send(r->g, b, 1), GROVE_ENOACTOR);
  grove_stats s = {.struct_size = sizeof s};
  check_ok(grove_stats_get(r->g, &s));
  assert_int_equal(s.dead_letters, 2);
}

static const rig_test tests[] = {
    EVERYWHERE(test_typed_and_untyped),
    EVERYWHERE(test_bad_calls),
    EVERYWHERE(test_fifo_per_sender),
    EVERYWHERE(test_high_lane_first),
    EVERYWHERE(test_arguments_and_replies_hold_shared_data),
    EVERYWHERE(test_borrowed_replies_are_refused),
    EVERYWHERE(test_shared_data_outlives_the_runtime_and_has_a_limit),
    EVERYWHERE(test_words_of_nested_failures),
    EVERYWHERE(test_a_crash_takes_the_actor_along),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
