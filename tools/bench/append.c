/* bench-append FOLDER CLIENTS SECONDS serial|random: durable changes through a store's writer, for
 * tools/bench/append.
 *
 * Each client is a thread that hands in one command after the other and waits for each: a put of
 * 300 octets under the next key or a random one, and a ledger leaf that tells of it. Prints one
 * JSON object. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/ledger.h"
#include "base/sign.h"
#include "base/writer.h"

enum { CLIENTS_MAX = 1024, PAYLOAD = 300, KEY = 8, TABLE = STORE_APP };

struct client {
	struct writer_cmd cmd;
	struct writer *writer;
	pthread_t thread;
	usec_t until;
	unsigned char key[KEY], payload[PAYLOAD];
	char entry[256];
	uint64_t n, usec_max, usec_total;
};

static bool random_keys;
static uint64_t next_key; /* the writer's thread's */

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct client *x = (struct client *)c;
	if (!random_keys) store_key_u64(x->key, next_key++);
	enum err e = store_put(t->store, TABLE, str_n(x->key, KEY), str_n(x->payload, PAYLOAD));
	return e ? e : ledger_append(t->ledger, t->store, str_of(x->entry), NULL);
}

static void *run(void *arg)
{
	struct client *x = arg;
	char key[2 * KEY + 1] = {0};
	for (usec_t from = clock_mono(); from < x->until;) {
		random_bytes(x->key, KEY);
		hex_write(x->key, KEY, key);
		snprintf(x->entry, sizeof x->entry,
			 "{\"kind\":\"record.changed\",\"id\":\"88.118.8/"
			 "%s\",\"who\":\"registrar\",\"after\":\"%s%s%s%s\"}",
			 key, key, key, key, key);
		must(!writer_run(x->writer, &x->cmd));
		usec_t now = clock_mono();
		uint64_t took = (uint64_t)(now - from);
		if (took > x->usec_max) x->usec_max = took;
		x->usec_total += took;
		x->n++;
		from = now;
	}
	return NULL;
}

static void report(struct writer *w, const struct client *clients, size_t n, double seconds)
{
	struct writer_stat st;
	struct rusage ru;
	uint64_t done = 0, max = 0, total = 0;
	for (size_t i = 0; i < n; i++) {
		done += clients[i].n;
		total += clients[i].usec_total;
		if (clients[i].usec_max > max) max = clients[i].usec_max;
	}
	writer_stat(w, &st);
	(void)getrusage(RUSAGE_SELF, &ru);
	double cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
		     (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
	printf("{\"clients\":%zu,\"seconds\":%.3f,\"changes\":%llu,\"rate\":%.1f,\"batches\":%llu,"
	       "\"usec_mean\":%.1f,\"usec_max\":%llu,\"cpu_usec\":%.2f,\"commit_usec\":%.1f}\n",
	       n, seconds, (unsigned long long)done, (double)done / seconds, (unsigned long long)st.batches,
	       done ? (double)total / (double)done : 0, (unsigned long long)max,
	       done ? cpu * 1e6 / (double)done : 0,
	       st.batches ? (double)st.commit_usec_total / (double)st.batches : 0);
}

static struct client *clients_new(struct writer *w, size_t n)
{
	struct client *clients = calloc(n, sizeof *clients);
	must(clients != NULL);
	for (size_t i = 0; i < n; i++) {
		clients[i].writer = w;
		clients[i].cmd.apply = apply;
		random_bytes(clients[i].payload, PAYLOAD);
	}
	return clients;
}

static int bench(const char *folder, size_t n, double seconds)
{
	static const struct store_table table = {"record"};
	struct store *s;
	struct writer *w;
	struct flaw f;
	if (store_open(
		&(struct store_options){.folder = folder, .tables = &table, .tables_n = 1, .format = 1}, &f,
		&s)) {
		fprintf(stderr, "bench-append: %s\n", f.text);
		return 1;
	}
	must(!writer_start(&(struct writer_options){.store = s, .origin = "bench/append"}, &w));
	struct store_txn *t;
	must(!store_read(s, &t));
	next_key = store_count(t, TABLE); /* after those of the run before */
	store_read_end(t);
	struct client *clients = clients_new(w, n);
	usec_t from = clock_mono();
	for (size_t i = 0; i < n; i++) {
		clients[i].until = from + (usec_t)(seconds * USEC_PER_SEC);
		must(!pthread_create(&clients[i].thread, NULL, run, &clients[i]));
	}
	for (size_t i = 0; i < n; i++) pthread_join(clients[i].thread, NULL);
	report(w, clients, n, (double)(clock_mono() - from) / USEC_PER_SEC);
	writer_stop(w);
	store_close(s);
	free(clients);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t n;
	char *end = NULL;
	double seconds = argc == 5 ? strtod(argv[3], &end) : 0;
	bool known = argc == 5 && (!strcmp(argv[4], "serial") || !strcmp(argv[4], "random"));
	if (!known || str_u64(str_of(argv[2]), &n) || !n || n > CLIENTS_MAX || *end || seconds <= 0) {
		fprintf(stderr, "usage: bench-append FOLDER CLIENTS SECONDS serial|random\n");
		return 2;
	}
	random_keys = !strcmp(argv[4], "random");
	return sign_setup() ? 1 : bench(argv[1], n, seconds);
}
