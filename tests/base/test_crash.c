/* The disk fails at every step of a commit, in every way; what is left must be whole.
 *
 * I1 every acknowledged command is there. I2 of no other is there a half: rows, mirrors, counter
 * and leaves agree. I3 every root that was published is one that the ledger's present root follows
 * from. And the store goes on working. */
#include "tests/base/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/ledger.h"
#include "base/sign.h"
#include "base/writer.h"
#include "tests/base/disk_fault.h"
#include "tests/base/folder.h"
#include "tests/base/victim.h"

enum { ROOTS_MAX = 64, OUTPUT_MAX = 64 * 1024 };

struct fault {
	const char *kind;
	unsigned at, more, seed;
};

struct promises {
	bool ok[VICTIM_ALL], no[VICTIM_ALL];
	uint64_t size[ROOTS_MAX];
	struct merkle_hash root[ROOTS_MAX];
	unsigned roots, calls, refused;
	int status;
};

static void set_number(const char *name, unsigned n)
{
	char text[16];
	snprintf(text, sizeof text, "%u", n);
	setenv(name, text, 1);
}

static void become_victim(const char *folder, const struct fault *f, const char *image, int out)
{
	setenv("LD_PRELOAD", DISK_FAULT, 1);
	setenv("FAULT", f->kind, 1);
	set_number("FAULT_AT", f->at);
	set_number("FAULT_MORE", f->more);
	set_number("FAULT_SEED", f->seed);
	if (image)
		setenv("FAULT_IMAGE", image, 1);
	else
		unsetenv("FAULT_IMAGE");
	dup2(out, STDOUT_FILENO);
	execl(VICTIM, VICTIM, folder, (char *)NULL);
	_exit(127);
}

static void note_line(struct promises *p, struct str line)
{
	struct str word[3] = {STR_NONE, STR_NONE, STR_NONE};
	uint64_t n = 0;
	for (int i = 0; i < 3 && str_split(&line, ' ', &word[i]); i++)
		;
	assert_int_equal(str_u64(word[1], &n), ERR_OK);
	if (str_is(word[0], "calls")) {
		p->calls = (unsigned)n;
	} else if (str_is(word[0], "root")) {
		assert_true(p->roots < ROOTS_MAX);
		p->size[p->roots] = n;
		assert_int_equal(hex_parse(word[2], p->root[p->roots++].b, MERKLE_HASH), ERR_OK);
	} else {
		assert_true(n < VICTIM_ALL);
		*(str_is(word[0], "ok") ? &p->ok[n] : &p->no[n]) = true;
		if (!str_is(word[0], "ok")) p->refused++;
	}
}

static struct promises run_victim(const char *folder, const struct fault *f, const char *image)
{
	static char out[OUTPUT_MAX];
	struct promises p = {0};
	int pipes[2];
	size_t n = 0;
	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();
	if (!child) become_victim(folder, f, image, pipes[1]);
	close(pipes[1]);
	for (ssize_t got; (got = read(pipes[0], out + n, sizeof out - n)) > 0;) n += (size_t)got;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &p.status, 0), child);
	struct str rest = str_n(out, n), line;
	while (str_split(&rest, '\n', &line))
		if (line.n) note_line(&p, line);
	return p;
}

/* I1 and I2. Returns the number of commands that are there. */
static uint64_t check_rows(struct store_txn *t, const struct promises *p, bool refused_may_be)
{
	static char row[VICTIM_ROW_MAX];
	bool in_ledger[VICTIM_ALL] = {0};
	uint64_t n = 0;
	struct ledger_leaf leaf;
	for (uint64_t i = 0; i < ledger_size(t); i++) {
		assert_int_equal(ledger_read(t, i, &leaf), ERR_OK);
		uint64_t which = store_u64(leaf.entry);
		assert_true(which < VICTIM_ALL && !in_ledger[which]);
		in_ledger[which] = true;
	}
	for (unsigned i = 0; i < VICTIM_ALL; i++) {
		unsigned char k[8];
		struct str a, b, key = store_key_u64(k, i);
		bool there = !store_get(t, TABLE_A, key, &a);
		assert_int_equal(!store_get(t, TABLE_B, key, &b), there);
		assert_int_equal(in_ledger[i], there);
		if (p->ok[i]) assert_true(there);
		if (p->no[i] && !refused_may_be) assert_false(there);
		if (i % 3 == 1) assert_false(there);
		if (!there) continue;
		assert_true(str_eq(a, str_n(row, victim_row(i, row))));
		assert_true(str_eq(b, str_first(a, 8)));
		n++;
	}
	return n;
}

static void check_counter(struct store_txn *t, uint64_t n)
{
	struct str v;
	assert_int_equal(store_get(t, TABLE_A, STR("counter"), &v), ERR_OK);
	assert_int_equal(store_u64(v), n);
	assert_int_equal(ledger_size(t), n);
	assert_int_equal(store_count(t, TABLE_A), n + 1);
	assert_int_equal(store_count(t, TABLE_B), n);
}

/* I3. */
static void check_roots(struct store_txn *t, const struct promises *p)
{
	struct merkle_hash now;
	struct merkle_proof proof;
	assert_int_equal(ledger_root(t, &now), ERR_OK);
	for (unsigned i = 0; i < p->roots; i++) {
		if (!p->size[i]) continue;
		assert_int_equal(ledger_prove_consistency(t, p->size[i], ledger_size(t), &proof), ERR_OK);
		assert_int_equal(
		    merkle_verify_consistency(p->size[i], ledger_size(t), &proof, &p->root[i], &now),
		    ERR_OK);
	}
}

static enum err apply_more(struct writer_cmd *c, struct writer_txn *t)
{
	(void)c;
	enum err e = store_put(t->store, TABLE_A, STR("more"), STR("row"));
	return e ? e : ledger_append(t->ledger, t->store, STR("more"), NULL);
}

static void check_folder(const char *folder, const struct promises *p, bool refused_may_be)
{
	struct store *s = folder_open(folder);
	struct store_txn *t;
	assert_int_equal(store_read(s, &t), ERR_OK);
	check_counter(t, check_rows(t, p, refused_may_be));
	check_roots(t, p);
	uint64_t size = ledger_size(t);
	store_read_end(t);
	struct writer *w;
	struct writer_cmd more = {.apply = apply_more};
	assert_int_equal(writer_start(&(struct writer_options){.store = s, .origin = "victim"}, &w),
			 ERR_OK);
	assert_int_equal(writer_run(w, &more), ERR_OK);
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(ledger_size(t), size + 1);
	check_roots(t, p);
	store_read_end(t);
	writer_stop(w);
	store_close(s);
}

/* How the batches fall differs from run to run, and with it the number of calls: a sweep ends once
 * this many steps in a row were beyond the last call. */
enum { BEYOND = 3 };

static void nothing_fails_without_a_fault(void **state)
{
	(void)state;
	struct folder f = folder_new();
	struct promises p = run_victim(f.path, &(struct fault){.kind = "exit"}, NULL);
	assert_true(WIFEXITED(p.status) && WEXITSTATUS(p.status) == 0);
	for (unsigned i = 0; i < VICTIM_ALL; i++) assert_int_equal(p.ok[i], i % 3 != 1);
	assert_int_equal(p.refused, 0);
	assert_true(p.calls > 20);
	check_folder(f.path, &p, false);
	folder_remove(f.path);
}

static void take_images(const char *images, const char *folder)
{
	static const char *const names[] = DISK_FILES;
	char from[128], to[128];
	for (int i = 0; i < DISK_FILES_N; i++)
		assert_int_equal(
		    rename(folder_file(images, names[i], from), folder_file(folder, names[i], to)), 0);
}

/* True: the victim came to the step and died there. */
static bool die_at(unsigned n, unsigned seed, bool power, unsigned *acked)
{
	struct folder f = folder_new(), images = folder_new();
	const struct fault fault = {.kind = "exit", .at = n, .seed = seed};
	struct promises p = run_victim(f.path, &fault, power ? images.path : NULL);
	assert_true(WIFEXITED(p.status));
	bool died = WEXITSTATUS(p.status) == DISK_FAULT_EXIT;
	if (!died) assert_int_equal(WEXITSTATUS(p.status), 0);
	if (died && power) take_images(images.path, f.path);
	check_folder(f.path, &p, true);
	folder_remove(f.path);
	folder_remove(images.path);
	for (unsigned i = VICTIM_CALM; i < VICTIM_ALL; i++) *acked += p.ok[i];
	return died;
}

static void killed_at_every_step(void **state)
{
	(void)state;
	unsigned n = 0, deaths = 0, acked = 0;
	for (unsigned beyond = 0; beyond < BEYOND; n++) {
		bool died = die_at(n + 1, 0, false, &acked);
		beyond = died ? 0 : beyond + 1;
		deaths += died;
	}
	printf("killed at each of %u steps; %u commands were acknowledged meanwhile\n", deaths, acked);
	assert_true(deaths > 20 && acked > 0);
}

static void the_power_fails_at_every_step(void **state)
{
	(void)state;
	enum { SEEDS = 3 };
	unsigned deaths = 0, acked = 0;
	for (unsigned n = 1, beyond = 0; beyond < BEYOND; n++) {
		unsigned died = 0;
		for (unsigned seed = 0; seed < SEEDS; seed++)
			died += die_at(n, seed * 1000 + n, true, &acked);
		beyond = died ? 0 : beyond + 1;
		deaths += died;
	}
	printf("the power failed %u times; %u commands were acknowledged meanwhile\n", deaths, acked);
	assert_true(deaths > 20 * SEEDS && acked > 0);
}

/* Dies while the journal holds something, then once more while that is put back. */
static bool die_twice_at(unsigned n, unsigned seed, uint64_t *acked)
{
	struct folder f = folder_new(), images = folder_new();
	struct promises p = run_victim(f.path, &(struct fault){.kind = "exit", .at = 9}, NULL), second;
	assert_int_equal(WEXITSTATUS(p.status), DISK_FAULT_EXIT);
	const struct fault again = {.kind = "exit", .at = n, .seed = seed};
	setenv("VICTIM_STARTS", "1", 1);
	second = run_victim(f.path, &again, images.path);
	unsetenv("VICTIM_STARTS");
	bool died = WEXITSTATUS(second.status) == DISK_FAULT_EXIT;
	if (died) take_images(images.path, f.path);
	check_folder(f.path, &p, true);
	folder_remove(f.path);
	folder_remove(images.path);
	for (unsigned i = 0; i < VICTIM_ALL; i++) *acked += p.ok[i];
	return died;
}

static void a_start_dies_at_every_step(void **state)
{
	(void)state;
	enum { SEEDS = 3 };
	unsigned deaths = 0, died = SEEDS;
	uint64_t acked = 0;
	for (unsigned n = 1; died; n++) {
		died = 0;
		for (unsigned seed = 0; seed < SEEDS; seed++)
			died += die_twice_at(n, seed * 1000 + n, &acked);
		deaths += died;
	}
	printf("%u starts died putting commits back\n", deaths);
	assert_true(deaths >= 3 * SEEDS && acked > 0); /* pages, flush, meta page */
}

/* The process lives on: each command is answered, and what is answered with an error is not there. */
static void fails_at_every_step(const char *kind, unsigned more)
{
	unsigned refused = 0, n = 1, last = 0;
	do {
		struct folder f = folder_new();
		struct promises p =
		    run_victim(f.path, &(struct fault){.kind = kind, .at = n, .more = more}, NULL);
		if (p.status)
			fprintf(stderr, "%s at %u and %u more: status %x\n", kind, n, more,
				(unsigned)p.status);
		assert_true(WIFEXITED(p.status) && WEXITSTATUS(p.status) == 0);
		for (unsigned i = 0; i < VICTIM_ALL; i++) assert_int_equal(p.ok[i] + p.no[i], i % 3 != 1);
		for (unsigned i = VICTIM_WELL; i < VICTIM_ALL; i++) assert_int_equal(p.ok[i], i % 3 != 1);
		check_folder(f.path, &p, false);
		folder_remove(f.path);
		refused += p.refused;
		last = p.calls;
	} while (n++ < last);
	printf("%s at each of %u steps (%u more): %u commands were refused\n", kind, n - 1, more, refused);
	assert_true(refused > 0);
}

/* Not even the next start brings back what was refused. */
static void what_was_refused_stays_away(void **state)
{
	(void)state;
	unsigned refused = 0, n = 1, beyond = 0;
	setenv("VICTIM_LEAVES", "1", 1);
	for (; beyond < 3 * BEYOND; n++) { /* a folding that fails refuses nothing */
		struct folder f = folder_new();
		struct promises p = run_victim(f.path, &(struct fault){.kind = "EIO", .at = n}, NULL);
		assert_int_equal(p.status, 0);
		check_folder(f.path, &p, false);
		folder_remove(f.path);
		refused += p.refused;
		beyond = p.calls ? beyond + 1 : 0; /* it came to its end */
	}
	unsetenv("VICTIM_LEAVES");
	printf("left after each of %u commands was refused\n", refused);
	assert_true(refused > 0);
}

static void the_disk_is_full_at_every_step(void **state)
{
	(void)state;
	fails_at_every_step("ENOSPC", 0);
	fails_at_every_step("ENOSPC", 12);
}

static void the_disk_errs_at_every_step(void **state)
{
	(void)state;
	fails_at_every_step("EIO", 0);
	fails_at_every_step("EIO", 12);
}

static void a_write_is_torn_at_every_step(void **state)
{
	(void)state;
	fails_at_every_step("short", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_fails_without_a_fault),  cmocka_unit_test(killed_at_every_step),
	    cmocka_unit_test(the_power_fails_at_every_step),  cmocka_unit_test(a_start_dies_at_every_step),
	    cmocka_unit_test(the_disk_is_full_at_every_step), cmocka_unit_test(the_disk_errs_at_every_step),
	    cmocka_unit_test(a_write_is_torn_at_every_step),  cmocka_unit_test(what_was_refused_stays_away),
	};
	if (sign_setup()) return 1;
	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
