/* store-victim FOLDER: changes a store while its disk fails, and says on standard output what it
 * was promised. tests/base/test_crash.c runs it under disk_fault.c and looks at what is left.
 *
 * Command i puts row i in table a and its mirror in table b, adds to a counter and appends leaf i,
 * so that a trace of half a command shows. Lines: "ok i" and "no i ERROR" once i is answered,
 * "root SIZE HEX" of what a reader then sees, "calls n" at the end. With VICTIM_STARTS in the
 * environment it only opens the store and closes it again. Some groups go past the journal. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ledger.h"
#include "base/sign.h"
#include "base/store_env.h"
#include "base/writer.h"
#include "tests/base/disk_fault.h"
#include "tests/base/folder.h"
#include "tests/base/victim.h"

struct change {
	struct writer_cmd cmd;
	unsigned i;
	bool undecided; /* fails after it has written */
	atomic_bool done;
	enum err result;
};

static enum err add_to_counter(struct store_txn *t)
{
	struct str v;
	unsigned char n[8];
	enum err e = store_get(t, TABLE_A, STR("counter"), &v);
	if (e && e != ERR_NOT_FOUND) return e;
	return store_put(t, TABLE_A, STR("counter"), store_key_u64(n, (e ? 0 : store_u64(v)) + 1));
}

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct change *x = (struct change *)c;
	unsigned char k[8];
	struct str key = store_key_u64(k, x->i);
	static char row[VICTIM_ROW_MAX]; /* the writer's thread is the only one here */
	size_t n = victim_row(x->i, row);
	enum err e = store_put(t->store, TABLE_A, key, str_n(row, n));
	if (!e) e = add_to_counter(t->store);
	if (!e) e = ledger_append(t->ledger, t->store, key, NULL);
	if (!e && x->undecided) return ERR_CONFLICT;
	return e ? e : store_put(t->store, TABLE_B, key, str_n(row, 8));
}

static void done(struct writer_cmd *c, enum err result)
{
	struct change *x = (struct change *)c;
	char line[64];
	x->result = result;
	int n = snprintf(line, sizeof line, result ? "no %u %s\n" : "ok %u\n", x->i, err_name(result));
	if (!x->undecided) must(write(STDOUT_FILENO, line, (size_t)n) == n); /* in one piece */
	/* as somebody would restart a node that has just refused a change */
	if (result && !x->undecided && getenv("VICTIM_LEAVES")) _exit(0);
	atomic_store(&x->done, true);
}

static void say_root(struct store *s)
{
	struct store_txn *t;
	struct merkle_hash root;
	char hex[2 * MERKLE_HASH + 1] = {0}, line[128];
	if (store_read(s, &t)) return; /* the environment is being opened again */
	must(!ledger_root(t, &root));
	hex_write(root.b, MERKLE_HASH, hex);
	int n = snprintf(line, sizeof line, "root %llu %s\n", (unsigned long long)ledger_size(t), hex);
	store_read_end(t);
	must(write(STDOUT_FILENO, line, (size_t)n) == n);
}

/* Submits three at once, the middle one bound to fail, and waits. */
static void group(struct store *s, struct writer *w, unsigned first)
{
	struct change c[3] = {{.i = first}, {.i = first + 1, .undecided = true}, {.i = first + 2}};
	for (int i = 0; i < 3; i++) {
		c[i].cmd = (struct writer_cmd){.apply = apply,
					       .done = done,
					       .way = victim_direct(first) ? WRITER_DIRECT : WRITER_SOON};
		must(!writer_submit(w, &c[i].cmd));
	}
	for (int i = 0; i < 3; i++)
		while (!atomic_load(&c[i].done)) sched_yield();
	say_root(s);
}

/* A shard's life: snapshots come and go while all this happens. */
struct shard {
	struct store *store;
	atomic_bool stop;
};

static void *read_on(void *arg)
{
	struct shard *r = arg;
	struct store_txn *t;
	must(!store_read(r->store, &t));
	while (!atomic_load(&r->stop)) {
		struct str v;
		uint64_t n = store_get(t, TABLE_A, STR("counter"), &v) ? 0 : store_u64(v);
		must(store_count(t, TABLE_B) == n && ledger_size(t) == n);
		store_read_reset(t);
		usleep(200);
		while (store_read_renew(t)) usleep(1000);
	}
	store_read_end(t);
	return NULL;
}

/* A start after a crash, whose disk fails, too. */
static int start_only(const char *folder)
{
	if (disk_fault_arm) disk_fault_arm(folder);
	store_close(folder_open(folder));
	printf("calls %u\n", disk_fault_calls ? disk_fault_calls() : 0);
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	must(argc == 2 && !sign_setup());
	if (getenv("VICTIM_STARTS")) return start_only(argv[1]);
	struct store *s = folder_open(argv[1]);
	struct writer *w;
	must(!writer_start(&(struct writer_options){.store = s, .origin = "victim", .feed_keep = 20}, &w));
	struct shard shard = {.store = s};
	pthread_create(&thread, NULL, read_on, &shard);
	unsigned i = 0;
	for (; i < VICTIM_CALM; i += 3) group(s, w, i);
	if (disk_fault_arm) disk_fault_arm(argv[1]);
	for (; i < VICTIM_WELL; i += 3) {
		/* that it fails harms nobody: what is to be folded is in the journal */
		if (i == VICTIM_FOLD || i == VICTIM_FOLD_AGAIN) (void)!store__fold_all(s);
		group(s, w, i);
	}
	if (disk_fault_heal) disk_fault_heal();
	for (; i < VICTIM_ALL; i += 3) group(s, w, i);
	printf("calls %u\n", disk_fault_calls ? disk_fault_calls() : 0);
	fflush(stdout);
	atomic_store(&shard.stop, true);
	pthread_join(thread, NULL);
	writer_stop(w);
	store_close(s);
	return 0;
}
