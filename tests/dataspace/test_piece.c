/* Pieces of data that do not end: each is found by any octet of its own, and none beyond the last. */
#include "dataspace/piece.h"

#include "tests/dataspace/world.h"

enum { SIZES = 4 };
static const uint64_t sizes[SIZES] = {1, 1000, 7, 300};

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_open(&w);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void digest_of(const char *id, size_t i, unsigned char out[32])
{
	memset(out, id[0], 32);
	out[0] = (unsigned char)i;
}

/* The same pieces for a dataset, and for the one that comes behind it in the table. */
static enum err add_fn(const struct turn *u, void *arg)
{
	static char *const ids[] = {"line", "lines"};
	unsigned char digest[32];
	Ds__Dataset s;
	enum err e = ERR_OK;

	(void)arg;
	for (size_t k = 0; k < 2; k++) {
		ds__dataset__init(&s);
		s.id = ids[k];
		for (size_t i = 0; i < SIZES && !e; i++) {
			digest_of(ids[k], i, digest);
			e = piece_add(u->t, u->a, u->self->id, &s, digest, sizes[i]);
		}
		assert_int_equal(piece_add(u->t, u->a, u->self->id, &s, digest, 0), ERR_BAD_INPUT);
		assert_int_equal(piece_add(u->t, u->a, u->self->id, &s, digest, UINT64_MAX / 2), ERR_QUOTA);
		assert_int_equal(s.size, 1308);
	}
	return e;
}

static enum err find_fn(const struct turn *u, void *arg)
{
	unsigned char digest[32];
	uint64_t begins = 0, from;
	Ds__Piece *p;

	(void)arg;
	for (size_t i = 0; i < SIZES; begins += sizes[i++]) {
		const uint64_t places[] = {begins, begins + sizes[i] / 2, begins + sizes[i] - 1};

		digest_of("line", i, digest);
		for (size_t k = 0; k < 3; k++) {
			assert_int_equal(
			    piece_find(u->t->store, u->a, u->self->id, STR("line"), places[k], &p, &from),
			    ERR_OK);
			assert_int_equal(from, begins);
			assert_int_equal(p->size, sizes[i]);
			assert_memory_equal(p->digest.data, digest, 32);
		}
	}
	assert_int_equal(piece_find(u->t->store, u->a, u->self->id, STR("line"), begins, &p, &from),
			 ERR_NOT_FOUND);
	assert_int_equal(piece_find(u->t->store, u->a, u->self->id, STR("lin"), 0, &p, &from),
			 ERR_NOT_FOUND);
	return ERR_OK;
}

static void test_finds_the_piece_of_every_octet(void **state)
{
	(void)state;
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, add_fn, NULL, NULL), ERR_OK);
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, find_fn, NULL, NULL), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_finds_the_piece_of_every_octet, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
