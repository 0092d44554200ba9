/* Types of values switched on and off: their indexes are built and dropped in the background. */
#include "tests/resolver/records.h"

#include <stdlib.h>
#include <unistd.h>

#include "resolver/registry.h"
#include "resolver/reverse_build.h"

static struct reverse_types types_now(struct store_txn *t)
{
	struct reverse_types types;
	assert_int_equal(reverse_types_read(t, &types), ERR_OK);
	return types;
}

static enum reverse_state state_of(const char *type)
{
	struct store_txn *t;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	struct reverse_types types = types_now(t);
	const struct reverse_type *found = reverse_type_find(&types, str_of(type));
	enum reverse_state s = found ? found->state : REVERSE_NONE;
	store_read_end(t);
	return s;
}

static void until_state(const char *type, enum reverse_state want)
{
	usec_t from = clock_mono();
	while (state_of(type) != want) {
		assert_true(clock_mono() - from < 60 * USEC_PER_SEC);
		usleep(1000);
	}
}

static void rows_of_number(unsigned char number, uint64_t *ret)
{
	struct store_txn *t;
	struct store_cursor *c;
	struct str key, value;
	*ret = 0;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	assert_int_equal(store_cursor_open(t, RS_TABLE_reverse, &c), ERR_OK);
	for (enum err e = store_cursor_seek(c, str_n(&number, 1), &key, &value);
	     !e && (unsigned char)key.p[0] == number; e = store_cursor_next(c, &key, &value))
		++*ret;
	store_cursor_close(c);
	store_read_end(t);
}

static void a_type_switched_on_is_built_and_off_is_dropped(void **state)
{
	static const char *const with_colour[] = {"URL", "Colour", "RETIRED"}, *const without[] = {"URL"};
	enum { COLOURS = 5000 };
	uint64_t rows;
	(void)state;
	load_colours(COLOURS);
	node.options.find_types = with_colour;
	node.options.find_types_n = 3;
	site_restart(&node);
	/* no answer while it would not be whole */
	struct http_reply r = get(NULL, "/find?type=COLOUR&value=7");
	if (r.status == 503) assert_string_equal(http_text(&r, "rule"), "index-building");
	http_done(&r);
	/* changes while it is being built: of what was looked at already, and of what was not yet */
	made("88.118.8/c4007", PUBLIC("COLOUR", "8007"));
	made("88.118.8/c1007", PUBLIC("COLOUR", "8007"));
	until_state("COLOUR", REVERSE_READY);
	expect_found(NULL, "type=COLOUR&value=8007", "88.118.8/c1007 88.118.8/c4007");
	expect_found(NULL, "type=COLOUR&value=7", "88.118.8/c2007 88.118.8/c3007 88.118.8/c7");
	/* what a tombstone says is not a value of the identifier */
	made("88.118.8/lost", PUBLIC("COLOUR", "10000"));
	r = del(registrar, "/registry/88.118.8/lost?reason=lost");
	EXPECT(r, 200);
	http_done(&r);
	expect_found(registrar, "type=RETIRED&value=lost", "");
	/* those that are not named any more: their rows go, and are not asked for */
	until_state("LOT", REVERSE_NONE);
	r = get(NULL, "/find?type=LOT&value=1");
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "rule"), "type-not-indexed");
	http_done(&r);
	node.options.find_types = without;
	node.options.find_types_n = 1;
	site_restart(&node);
	until_state("COLOUR", REVERSE_NONE);
	for (unsigned number = 1; number < 256; number++) {
		rows_of_number((unsigned char)number, &rows);
		if (rows) assert_int_equal(state_of("URL"), REVERSE_READY);
		/* 129: hidden ones of the first */
		if (number > 1 && number != 129) assert_int_equal(rows, 0);
	}
	/* off and on again in the middle of dropping */
	node.options.find_types = with_colour;
	node.options.find_types_n = 3;
	site_restart(&node);
	until_state("COLOUR", REVERSE_READY);
	expect_found(NULL, "type=COLOUR&value=8007", "88.118.8/c1007 88.118.8/c4007");
}

struct stepping {
	struct writer_cmd cmd;
	struct arena *arena;
	struct str type; /* to be built anew first */
	const char *const *wanted;
	size_t wanted_n;
	bool more;
};

static enum err apply_set(struct writer_cmd *c, struct writer_txn *t)
{
	struct stepping *s = (struct stepping *)c;
	return reverse_types_set(t->store, s->arena, s->wanted, s->wanted_n, &s->more);
}

static enum err apply_step(struct writer_cmd *c, struct writer_txn *t)
{
	struct stepping *s = (struct stepping *)c;
	enum err e = s->type.n ? reverse_types_rebuild(t->store, s->arena, s->type) : ERR_OK;
	return e ? e : reverse_build_step(t, s->arena, &s->more);
}

static enum err apply_old_layout(struct writer_cmd *c, struct writer_txn *t)
{
	static const char types[] = "\1\1\3url", hidden[] = "\1\3h:o\1x", index[4] = {0, 0, 0, 1};
	(void)c;
	enum err e =
	    store_put(t->store, RS_TABLE_reverse_type, STR("types"), str_n(types, sizeof types - 1));
	return e ? e
		 : store_put(t->store, RS_TABLE_reverse, str_n(hidden, sizeof hidden - 1),
			     str_n(index, sizeof index));
}

/* As older nodes left it: hidden rows among the public ones. */
static void an_index_of_the_older_layout_is_built_anew(void **state)
{
	static const char *const url[] = {"URL"};
	struct writer_cmd old = {.apply = apply_old_layout};
	uint64_t rows, hidden;
	(void)state;
	made("88.118.8/o1", HIDDEN("URL", "h:old"));
	made("88.118.8/o2", PUBLIC("URL", "h:old"));
	node.options.find_types = url;
	node.options.find_types_n = 1;
	site_restart(&node);
	until_state("COLOUR", REVERSE_NONE);
	until_state("RETIRED", REVERSE_NONE);
	rows_of_number(1, &rows);
	rows_of_number(129, &hidden);
	assert_true(rows && hidden);
	assert_int_equal(writer_run(node.writer, &old), ERR_OK);
	assert_int_equal(state_of("URL"), REVERSE_CLEARING);
	site_restart(&node);
	until_state("URL", REVERSE_READY);
	uint64_t rows2, hidden2;
	rows_of_number(1, &rows2);
	rows_of_number(129, &hidden2);
	assert_int_equal(rows2, rows);
	assert_int_equal(hidden2, hidden);
	expect_found(registrar, "type=URL&value=h%3Aold", "88.118.8/o2 88.118.8/o1!");
}

/* One step at a time and a stop between: the next start goes on where it stood. */
static void building_goes_on_after_a_stop(void **state)
{
	struct stepping s = {
	    .cmd = {.apply = apply_step}, .arena = arena_new(8 << 20), .type = STR("colour")};
	struct store_txn *t;
	struct reverse_place place;
	(void)state;
	until_state("RETIRED", REVERSE_READY); /* the node's own builder has come to rest */
	for (int i = 0; i < 5; i++) {          /* three drop its rows, two look at 2,000 records each */
		assert_int_equal(writer_run(node.writer, &s.cmd), ERR_OK);
		assert_true(s.more);
		s.type = STR_NONE;
	}
	assert_int_equal(state_of("COLOUR"), REVERSE_BUILDING);
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	struct reverse_types types = types_now(t);
	unsigned char number = reverse_type_find(&types, STR("COLOUR"))->number;
	assert_int_equal(reverse_place_read(t, number, &place), ERR_OK);
	assert_int_equal(place.records, 2 * REVERSE_STEP);
	store_read_end(t);
	made("88.118.8/c4007", PUBLIC("COLOUR", "9007"));
	struct http_reply r = get(registrar, "/find?type=COLOUR&value=7");
	EXPECT(r, 503);
	assert_string_equal(http_text(&r, "rule"), "index-building");
	http_done(&r);
	site_restart(&node);
	until_state("COLOUR", REVERSE_READY);
	expect_found(NULL, "type=COLOUR&value=9007", "88.118.8/c4007");
	expect_found(NULL, "type=COLOUR&value=8007", "88.118.8/c1007");
	expect_found(NULL, "type=COLOUR&value=7", "88.118.8/c2007 88.118.8/c3007 88.118.8/c7");
	/* switched off and on again before a row was dropped: changes in between were not noted */
	s.cmd = (struct writer_cmd){.apply = apply_set};
	assert_int_equal(writer_run(node.writer, &s.cmd), ERR_OK);
	assert_int_equal(state_of("COLOUR"), REVERSE_LEAVING);
	made("88.118.8/c4007", PUBLIC("COLOUR", "10007"));
	s.cmd = (struct writer_cmd){.apply = apply_set};
	s.wanted = node.options.find_types;
	s.wanted_n = node.options.find_types_n;
	assert_int_equal(writer_run(node.writer, &s.cmd), ERR_OK);
	assert_true(s.more);
	site_restart(&node);
	until_state("COLOUR", REVERSE_READY);
	expect_found(NULL, "type=COLOUR&value=9007", "");
	expect_found(NULL, "type=COLOUR&value=10007", "88.118.8/c4007");
	arena_free(s.arena);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(a_type_switched_on_is_built_and_off_is_dropped),
	    cmocka_unit_test(building_goes_on_after_a_stop),
	    cmocka_unit_test(an_index_of_the_older_layout_is_built_anew),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
