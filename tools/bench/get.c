/* bench-get FOLDER TABLE COUNT: LMDB's own random gets in a node's store, for tools/bench/resolve.
 *
 * Reads all keys, asks for COUNT of them in random order with a snapshot renewed every 64 gets (as a
 * shard renews its own each turn), touches each value, and prints processor nanoseconds a get. */
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"

enum { RENEW_EVERY = 64, KEY_ROOM = 64 };

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t next_random(uint64_t *s) /* xorshift64* */
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(2685821657736338717);
}

struct key {
	unsigned char n, octets[KEY_ROOM - 1];
};

static size_t read_keys(MDB_txn *txn, MDB_dbi table, struct key **ret)
{
	MDB_cursor *c;
	MDB_val k, v;
	MDB_stat st;
	size_t n = 0;
	must(mdb_stat(txn, table, &st) == 0 && st.ms_entries);
	*ret = malloc(st.ms_entries * sizeof **ret);
	must(*ret && mdb_cursor_open(txn, table, &c) == 0);
	while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
		if (k.mv_size > KEY_ROOM - 1) continue;
		(*ret)[n].n = (unsigned char)k.mv_size;
		memcpy((*ret)[n++].octets, k.mv_data, k.mv_size);
	}
	mdb_cursor_close(c);
	return n;
}

int main(int argc, char **argv)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	struct key *keys;
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15), sum = 0;
	if (argc != 4) {
		fprintf(stderr, "usage: bench-get FOLDER TABLE COUNT\n");
		return 2;
	}
	size_t count = (size_t)strtoull(argv[3], NULL, 10);
	must(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 64) == 0);
	must(mdb_env_set_mapsize(env, (size_t)1 << 40) == 0);
	must(mdb_env_open(env, argv[1], MDB_RDONLY | MDB_NORDAHEAD, 0600) == 0);
	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0);
	must(mdb_dbi_open(txn, argv[2], 0, &table) == 0);
	must(mdb_txn_commit(txn) == 0); /* keeps the table open for the transactions to come */
	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0);
	size_t n = read_keys(txn, table, &keys);
	must(n > 0);
	double from = cpu_ns();
	for (size_t i = 0; i < count; i++) {
		if (i % RENEW_EVERY == 0) {
			mdb_txn_reset(txn);
			must(mdb_txn_renew(txn) == 0);
		}
		struct key *k = &keys[next_random(&seed) % n];
		MDB_val v, kv = {k->n, k->octets};
		must(mdb_get(txn, table, &kv, &v) == 0);
		sum += ((const unsigned char *)v.mv_data)[v.mv_size / 2];
	}
	printf("%.1f %zu %llu\n", (cpu_ns() - from) / (double)count, n, (unsigned long long)sum);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	free(keys);
	return 0;
}
