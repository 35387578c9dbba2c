// Letters that their consumer puts back; counts that go round.
#include "mailbox_box.h"

// Letters that are put back stay in the count, the bytes and the limits, and one place is left for another.
static void test_what_is_put_back_counts(void **state)
{
  (void)state;
  numbered l[5], more = letter(9, GROVE__LANE_NORMAL, 1);
  uint64_t bytes = *state ? 1000 : 0; // accounted, or not
  open_box(7, 4, bytes);
  for (int i = 0; i < 4; i++) {
    l[i] = letter(i, i & 1 ? GROVE__LANE_HIGH : GROVE__LANE_NORMAL, 10);
    check_ok(push_box(7, &l[i].letter, false));
  }
  run();
  for (int i = 0; i < 3; i++) { // 1, 3, 0
    numbered *n = (numbered *)(void *)grove__mailbox_pop(&task.box);
    assert_int_equal(grove__mailbox_count(&task.box), 3);
    put_back(n);
    assert_int_equal(grove__mailbox_count(&task.box), 4);
    assert_int_equal(grove__mailbox_bytes(&task.box), 40);
    assert_int_equal(grove__mailbox_ready(&task.box), 3 - i);
    check_status(push_box(7, &more.letter, false), GROVE_EAGAIN);
  }
  int fires = 0;
  grove__room_waiter w = {.fire = count_fire, .user = &fires};
  assert_true(grove__mailbox_wait(&task.box, 7, 1, &w));
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 2);
  assert_int_equal(grove__mailbox_ready(&task.box), 0);
  grove__mailbox_settle(&task.box);
  assert_int_equal(fires, 1);
  check_status(grove__mailbox_keep_room(&task.box, &l[2].letter, false), GROVE_EAGAIN); // one place is not theirs
  assert_int_equal(grove__mailbox_count(&task.box), 3);
  check_ok(push_box(7, &more.letter, false));
  check_ok(grove__mailbox_keep_room(&task.box, &l[2].letter, true)); // but by force
  grove__mailbox_keep(&task.box, &l[2].letter);
  assert_int_equal(grove__mailbox_count(&task.box), 5);
  assert_true(grove__mailbox_is_over(&task.box));
  assert_int_equal(number(grove__mailbox_pop_lowest(&task.box)), 0); // the oldest of the normal ones
  assert_false(grove__mailbox_is_over(&task.box));
  check_status(push_box(7, &l[0].letter, false), GROVE_EAGAIN);
  grove__mailbox_unkeep(&task.box);
  static const long order[] = {1, 3, 2, 9};
  for (int i = 0; i < 4; i++) {
    assert_int_equal(number(grove__mailbox_pop(&task.box)), order[i]);
    assert_int_equal(grove__mailbox_count(&task.box), 3 - i);
  }
  // One that is put back, and then comes to its end after all.
  check_ok(grove__mailbox_keep_room(&task.box, &l[1].letter, false));
  assert_int_equal(grove__mailbox_count(&task.box), 1);
  grove__mailbox_forgo(&task.box, &l[1].letter);
  assert_int_equal(grove__mailbox_count(&task.box), 0);
  assert_int_equal(grove__mailbox_bytes(&task.box), 0);
  put_back(&l[1]);
  check_ok(push_box(7, &more.letter, false));
  assert_ptr_equal(grove__mailbox_pop_all(&task.box), &l[1].letter);
  assert_ptr_equal(l[1].letter.next, &more.letter);
  assert_int_equal(grove__mailbox_count(&task.box), 0);
  assert_int_equal(grove__mailbox_ready(&task.box), 0);
  assert_int_equal(grove__mailbox_bytes(&task.box), 0);
  while (grove__mailbox_pop(&task.box)) {
  }
  assert_true(rest());
}

// The place of one at hand may be taken: it is put back all the same, above the limit, and no other gets in.
static void test_a_place_that_was_taken(void **state)
{
  (void)state;
  numbered l[3];
  open_box(7, 2, 0);
  for (int i = 0; i < 3; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 1);
  }
  check_ok(push_box(7, &l[0].letter, false));
  check_ok(push_box(7, &l[1].letter, false));
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 0);
  check_ok(push_box(7, &l[2].letter, false));
  put_back(&l[0]);
  assert_int_equal(grove__mailbox_count(&task.box), 3);
  check_status(push_box(7, &l[0].letter, false), GROVE_EAGAIN);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1);
  check_status(push_box(7, &l[1].letter, false), GROVE_EAGAIN);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 2);
  check_ok(push_box(7, &l[1].letter, false));
  // All are taken by who gives the consumer up while one has kept its place and is not back yet.
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1);
  grove__mailbox_unkeep(&task.box);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 0);
  check_ok(push_box(7, &l[2].letter, false));
  check_ok(grove__mailbox_keep_room(&task.box, &l[0].letter, false));
  assert_int_equal(number(grove__mailbox_pop_all(&task.box)), 2);
  assert_int_equal(grove__mailbox_count(&task.box), 1);
  grove__mailbox_keep(&task.box, &l[0].letter);
  assert_int_equal(number(grove__mailbox_pop_all(&task.box)), 0);
  assert_int_equal(grove__mailbox_count(&task.box), 0);
  assert_int_equal(grove__mailbox_bytes(&task.box), 0);
}

// Bytes that are put back have a limit of their own, and never keep out the letter that makes them come again.
static void test_bytes_that_are_put_back(void **state)
{
  (void)state;
  numbered l[4];
  open_box(7, 10, 100);
  for (int i = 0; i < 4; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 45);
  }
  for (int i = 0; i < 2; i++) {
    check_ok(push_box(7, &l[i].letter, false));
    put_back((numbered *)(void *)grove__mailbox_pop(&task.box));
  }
  check_ok(push_box(7, &l[2].letter, false)); // over the limit, as nothing else would move
  check_status(push_box(7, &l[3].letter, false), GROVE_EAGAIN);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 2);
  check_status(grove__mailbox_keep_room(&task.box, &l[2].letter, false), GROVE_EAGAIN);
  assert_int_equal(grove__mailbox_bytes(&task.box), 90);
  assert_ptr_equal(grove__mailbox_pop_all(&task.box), &l[0].letter);
  assert_int_equal(grove__mailbox_bytes(&task.box), 0);
}

static void test_what_is_put_back_counts_on_account(void **state)
{
  int accounted = 1;
  *state = &accounted;
  test_what_is_put_back_counts(state);
  *state = NULL;
}

// The difference of two counts that go round and round: right after any number of letters.
static void test_counts_go_round(void **state)
{
  (void)state;
  numbered l[3], kept = letter(5, GROVE__LANE_NORMAL, 1);
  open_box(7, 3, 0);
  for (int i = 0; i < 3; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 1);
  }
  for (long i = 0; i < GROVE__WORD_COUNT_MOST; i++) {
    for (int k = 0; k < 3; k++) {
      assert_int_equal(grove__mailbox_count(&task.box), k);
      check_ok(push_box(7, &l[k].letter, false));
    }
    check_status(push_box(7, &kept.letter, false), GROVE_EAGAIN);
    for (int k = 0; k < 3; k++) {
      assert_int_equal(number(grove__mailbox_pop(&task.box)), k);
    }
    put_back(&l[2]);
    grove__mailbox_unkeep(&task.box);
    assert_int_equal(number(grove__mailbox_pop(&task.box)), 2);
  }
  assert_int_equal(grove__mailbox_count(&task.box), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_what_is_put_back_counts, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(
          test_what_is_put_back_counts_on_account, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_a_place_that_was_taken, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_bytes_that_are_put_back, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_counts_go_round, setup_box, teardown_box),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
