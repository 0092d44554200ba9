/* Imports and exports over HTTP: exactly once, bounded reports, requests that cross each other, exports
 * that outlive their snapshot. */
#include "tests/resolver/desk.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/ledger.h"
#include "base/wire.h"
#include "resolver/import.h"
#include "resolver/import_run.h"

enum { PATIENCE = 120, ROOM = 4096 };

static struct http_reply import(const char *token, const char *query, struct str body)
{
	char path[512];
	snprintf(path, sizeof path, "/imports?%s", query);
	return http_call(
	    &node,
	    &(struct http_call){
		.method = "POST", .path = path, .token = token, .body = body, .content_type = "text/csv"});
}

static uint64_t number(const struct http_reply *r, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(r->json, name));
}

static void report_is_bounded_and_counts_are_exact(void **state)
{
	(void)state;
	enum { LINES = IMPORT_FLAWS_MAX + 2500 };
	struct buf b = BUF_INIT(8 << 20);
	buf_add(&b, STR("id,URL\n88.118.8/good,u\n"));
	for (int i = 0; i < LINES; i++) buf_printf(&b, "88.999/x%d,u\n", i);
	struct http_reply r = import(registrar, "name=flawed&format=csv", buf_str(&b));
	EXPECT(r, 200);
	assert_int_equal(number(&r, "refused"), LINES);
	assert_int_equal(number(&r, "errors_kept"), IMPORT_FLAWS_MAX);
	assert_int_equal(number(&r, "created"), 1);
	assert_int_equal(number(&r, "read"), LINES + 1);
	http_done(&r);
	r = get(registrar, "/imports/flawed/report?limit=1000&cursor=9500");
	EXPECT(r, 200);
	json_t *errors = json_object_get(r.json, "errors");
	/* lines 3 to 10,002 are kept */
	assert_int_equal(json_array_size(errors), 502);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(errors, 501), "line")), 10002);
	assert_string_equal(http_text(&r, "next"), "");
	http_done(&r);
	r = del(registrar, "/imports/flawed");
	EXPECT(r, 204);
	http_done(&r);
	r = get(registrar, "/imports/flawed/report");
	EXPECT(r, 404);
	http_done(&r);
	buf_clear(&b);
	/* the name is free again, and nothing of the old report is left */
	buf_add(&b, STR("id,URL\n88.118.8/good,u\n"));
	r = import(registrar, "name=flawed&format=csv", buf_str(&b));
	EXPECT(r, 200);
	assert_int_equal(number(&r, "unchanged"), 1);
	http_done(&r);
	r = get(registrar, "/imports/flawed/report");
	assert_int_equal(json_array_size(json_object_get(r.json, "errors")), 0);
	http_done(&r);
	buf_done(&b);
}

static void ledger_tells_of_beginning_and_end(void **state)
{
	(void)state;
	uint64_t feed, before, after;
	site_heads(&node, &feed, &before);
	struct http_reply r =
	    import(enterprise, "name=told&format=csv", STR("id,URL\n88.118.8.2/told,u\n"));
	EXPECT(r, 200);
	http_done(&r);
	site_heads(&node, &feed, &after);
	assert_int_equal(after, before + 3); /* import.started, record.batch, import.finished */
	r = del(enterprise, "/imports/told");
	EXPECT(r, 204);
	http_done(&r);
	site_heads(&node, &feed, &after);
	assert_int_equal(after, before + 4);
}

/* ---- digests of batches ----------------------------------------------------------------- */

/* What the history says of the changes of one ledger entry. */
struct entry_seen {
	uint64_t leaf, n;
	struct hash *hash;
};

enum { ENTRIES = 64 };

struct history_seen {
	struct store_txn *txn;
	struct entry_seen entries[ENTRIES];
	size_t n;
	struct str key;
};

static enum err see_change(void *arg, uint64_t leaf, struct str digests)
{
	struct history_seen *h = arg;
	unsigned char line[2 + ID_KEY_MAX + HISTORY_DIGEST];
	struct wire w = wire_writer(line, sizeof line);
	size_t i = 0;
	while (i < h->n && h->entries[i].leaf != leaf) i++;
	if (i == h->n) {
		assert_true(h->n < ENTRIES);
		h->entries[h->n++] = (struct entry_seen){.leaf = leaf, .hash = hash_new()};
	}
	wire_put_u16(&w, (uint16_t)h->key.n);
	wire_put(&w, h->key);
	wire_put(&w, digests);
	hash_add(h->entries[i].hash, wire_str(&w));
	h->entries[i].n++;
	return ERR_OK;
}

static bool see_record(void *arg, struct str key, struct str packed)
{
	struct history_seen *h = arg;
	(void)packed;
	h->key = key;
	assert_int_equal(registry_history(h->txn, &(struct id){.key = key}, see_change, h), ERR_OK);
	return true;
}

static bool says(struct str entry, const char *name, const char *value)
{
	char text[128];
	int n = snprintf(text, sizeof text, "\"%s\":%s", name, value);
	return memmem(entry.p, entry.n, text, (size_t)n) != NULL;
}

/* How many of the entries of batches are of so many changes; of each the digest is checked. */
static size_t check_entries(struct history_seen *h, const char *import_name, uint64_t n)
{
	size_t found = 0;
	char quoted[64], hex[2 + 2 * HASH_SHA256 + 1] = {'"', [1 + 2 * HASH_SHA256] = '"'}, number[24];
	snprintf(quoted, sizeof quoted, "\"%s\"", import_name);
	for (size_t i = 0; i < h->n; i++) {
		unsigned char digest[HASH_SHA256];
		struct ledger_leaf leaf;
		assert_int_equal(ledger_read(h->txn, h->entries[i].leaf, &leaf), ERR_OK);
		hash_finish(h->entries[i].hash, digest);
		hash_free(h->entries[i].hash);
		if (!says(leaf.entry, "import", quoted)) continue;
		hex_write(digest, sizeof digest, hex + 1);
		snprintf(number, sizeof number, "%llu", (unsigned long long)h->entries[i].n);
		assert_true(says(leaf.entry, "digest", hex) && says(leaf.entry, "n", number));
		found += h->entries[i].n == n;
	}
	return found;
}

/* Whether rows were made ahead, all of them or some, or are looked for in the registry. */
static void each_batch_has_the_digest_of_its_changes(void **state)
{
	(void)state;
	enum { BATCH = IMPORT_BATCH_RECORDS, MORE = 9 };
	struct history_seen h = {.n = 0};
	struct id_prefix prefix;
	struct arena *a = arena_new(1 << 16);
	struct buf b = BUF_INIT(8 << 20);
	buf_add(&b, STR("id,URL\n"));
	for (int i = 0; i < BATCH; i += MORE) buf_printf(&b, "88.118.8/dig%05d,u\n", BATCH + i);
	struct http_reply r = import(registrar, "name=there&format=csv", buf_str(&b));
	EXPECT(r, 200);
	http_done(&r);
	buf_clear(&b);
	buf_add(&b, STR("id,URL\n"));
	/* the second batch finds some as they are, and replaces some */
	for (int i = 0; i < 3 * BATCH + MORE; i++)
		buf_printf(&b, "88.118.8/dig%05d,%s\n", i, i % 2 ? "u" : "v");
	r = import(registrar, "name=digests&format=csv", buf_str(&b));
	EXPECT(r, 200);
	assert_true(number(&r, "unchanged") > 0 && number(&r, "replaced") > 0);
	http_done(&r);
	assert_int_equal(store_read(node.store, &h.txn), ERR_OK);
	assert_int_equal(id_prefix_parse(a, STR("88.118.8/"), NULL, &prefix), ERR_OK);
	assert_int_equal(registry_list(h.txn, prefix.key, STR_NONE, see_record, &h), ERR_OK);
	assert_int_equal(check_entries(&h, "digests", BATCH), 2);
	store_read_end(h.txn);
	arena_free(a);
	buf_done(&b);
}

static void kept_imports_are_limited(void **state)
{
	(void)state;
	char query[64], path[64];
	struct http_reply r;
	for (int i = 0; i < IMPORT_KEPT_MAX; i++) {
		snprintf(query, sizeof query, "name=kept%03d&format=csv", i);
		r = import(enterprise, query, STR("id\n"));
		EXPECT(r, 200);
		http_done(&r);
	}
	r = import(enterprise, "name=over&format=csv", STR("id\n"));
	EXPECT(r, 429);
	assert_string_equal(http_text(&r, "rule"), "imports-kept");
	http_done(&r);
	r = get(enterprise, "/imports?limit=200");
	assert_int_equal(json_array_size(json_object_get(r.json, "imports")), 200);
	assert_string_equal(http_text(&r, "next"), "kept199");
	http_done(&r);
	r = get(enterprise, "/imports?limit=200&cursor=kept199");
	assert_int_equal(json_array_size(json_object_get(r.json, "imports")), IMPORT_KEPT_MAX - 200);
	http_done(&r);
	for (int i = 0; i < IMPORT_KEPT_MAX; i++) {
		snprintf(path, sizeof path, "/imports/kept%03d", i);
		r = del(enterprise, path);
		http_done(&r);
	}
}

/* ---- streams ---------------------------------------------------------------------------- */

static int dial(void)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_port = htons(node.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof a));
	return fd;
}

static void say_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
		if (n <= 0) return; /* the other side has closed: the test looks at what it said */
		s = str_skip(s, (size_t)n);
	}
}

static int begin_stream(const char *name, uint64_t length)
{
	char head[512];
	int fd = dial();
	int n =
	    snprintf(head, sizeof head,
		     "POST /imports?name=%s&format=csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
		     "Content-Length: %llu\r\n\r\n",
		     name, registrar, (unsigned long long)length);
	say_all(fd, str_n(head, (size_t)n));
	return fd;
}

static int status_of(int fd)
{
	char line[ROOM] = "";
	size_t n = 0;
	while (n < 12) {
		ssize_t k = recv(fd, line + n, sizeof line - 1 - n, 0);
		if (k <= 0) return 0;
		n += (size_t)k;
	}
	return (int)strtol(line + 9, NULL, 10);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Waits until the import has read so many records; false: it was answered before. */
static bool await_read_or_answer(int fd, const char *name, uint64_t n)
{
	char path[128], peeked;
	snprintf(path, sizeof path, "/imports/%s", name);
	for (int i = 0; i < PATIENCE * 100; i++) {
		struct http_reply r = get(registrar, path);
		bool there = r.status == 200 && number(&r, "read") >= n;
		http_done(&r);
		if (there) return true;
		if (recv(fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) > 0) return false;
		pause_ms(10);
	}
	fail_msg("%s has not come to %llu records", name, (unsigned long long)n);
	return false;
}

/* A newer request for an import ends the older one, which may no longer change anything. */
static void newer_request_takes_over(void **state)
{
	(void)state;
	static const char first[] = "id,URL\n88.118.8/over1,u\n";
	int fd = begin_stream("over", 1000);
	say_all(fd, str_of(first));
	assert_true(await_read_or_answer(fd, "over", 1));
	struct http_reply r = get(registrar, "/imports/over");
	char query[256];
	snprintf(query, sizeof query, "name=over&format=csv&from=%llu&digest=%s",
		 (unsigned long long)number(&r, "offset"), http_text(&r, "digest"));
	assert_int_equal(number(&r, "offset"), sizeof first - 1);
	http_done(&r);
	r = import(registrar, query, STR("88.118.8/over2,u\n"));
	EXPECT(r, 200);
	assert_int_equal(number(&r, "created"), 2);
	http_done(&r);
	/* told with its next piece */
	say_all(fd, STR("88.118.8/late,u\n"));
	assert_int_equal(status_of(fd), 409);
	close(fd);
	r = get(registrar, "/registry/88.118.8/late");
	EXPECT(r, 404);
	http_done(&r);
}

static void clients_that_leave_leave_nothing_behind(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof name, "left%d", i);
		int fd = begin_stream(name, 100000);
		say_all(fd, STR("id,URL\n88.118.8/left,u\n"));
		/* those before may still be ending: then it is refused */
		if (i % 2 && !await_read_or_answer(fd, name, 1)) i--;
		close(fd);
	}
	/* each run has ended: two of this credential may run again, at once */
	for (int i = 0; i < PATIENCE * 100; i++) {
		struct http_reply r =
		    import(registrar, "name=after&format=csv", STR("id,URL\n88.118.8/after,u\n"));
		int status = r.status;
		http_done(&r);
		if (status == 200) return;
		assert_int_equal(status, 429);
		pause_ms(10);
	}
	fail_msg("runs of clients that left do not end");
}

struct sender {
	pthread_t thread;
	int i, status;
	uint64_t created;
};

static void *send_many(void *arg)
{
	struct sender *s = arg;
	struct buf b = BUF_INIT(8 << 20);
	char query[64], *const tokens[] = {registrar, enterprise};
	buf_add(&b, STR("id,URL\n"));
	for (int i = 0; i < 20000; i++) buf_printf(&b, "88.118.8.2/at-once-%d-%d,u\n", s->i, i);
	snprintf(query, sizeof query, "name=at-once-%d&format=csv", s->i);
	struct http_reply r = import(tokens[s->i % 2], query, buf_str(&b));
	s->status = r.status;
	s->created = number(&r, "created");
	http_done(&r);
	buf_done(&b);
	return NULL;
}

static void several_at_once(void **state)
{
	(void)state;
	struct sender senders[4] = {{.i = 0}, {.i = 1}, {.i = 2}, {.i = 3}};
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_many, &senders[i]), 0);
	for (int i = 0; i < 4; i++) pthread_join(senders[i].thread, NULL);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(senders[i].status, 200);
		assert_int_equal(senders[i].created, 20000);
	}
}

/* ---- exports ---------------------------------------------------------------------------- */

struct taken {
	size_t lines, fresh, changed, twice;
	char last[64];
};

static void take_line(struct taken *t, struct str line)
{
	if (!str_starts(line, STR("{\"id\":\"88.118.8.2/at-once-"))) return;
	struct str id = str_first(str_skip(line, 7), str_find(str_skip(line, 7), '"'));
	t->lines++;
	t->twice += str_eq(id, str_of(t->last));
	snprintf(t->last, sizeof t->last, "%.*s", STR_ARG(id));
	t->fresh += str_find(id, '_') < id.n;
	t->changed += memmem(line.p, line.n, "\"changed\"", 9) != NULL;
}

/* A client that takes its time: the export gives its snapshot up, goes on in a newer one, and what was
 * registered meanwhile is not in it. (Needs the records of several_at_once.) */
static void export_outlives_its_snapshot(void **state)
{
	(void)state;
	char head[512];
	struct taken t = {0};
	struct buf b = BUF_INIT(64 << 20);
	int fd = dial(); /* 19 MB: more than the sockets take */
	int n = snprintf(
	    head, sizeof head,
	    "GET /exports?prefix=88.118.8.2&format=ndjson HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer %s"
	    "\r\n\r\n",
	    registrar);
	say_all(fd, str_n(head, (size_t)n));
	char *p = buf_room(&b, ROOM);
	ssize_t k = recv(fd, p, ROOM, 0);
	assert_true(k > 0);
	buf_grew(&b, (size_t)k);
	struct http_reply r =
	    import(registrar, "name=meanwhile&format=csv",
		   STR("id,URL\n88.118.8.2/at-once-3-9999_fresh,u\n88.118.8.2/at-once-3-9998,changed\n"));
	EXPECT(r, 200);
	assert_int_equal(number(&r, "created") + number(&r, "replaced"), 2);
	http_done(&r);
	pause_ms(2500); /* EXPORT_SNAPSHOT */
	while (k > 0) {
		p = buf_room(&b, 65536);
		k = recv(fd, p, 65536, 0);
		if (k > 0) buf_grew(&b, (size_t)k);
	}
	if (k < 0) perror("recv");
	close(fd);
	struct str rest = buf_str(&b), line;
	while (str_split(&rest, '\n', &line)) take_line(&t, line);
	if (t.lines != 80000) fprintf(stderr, "%zu octets, last %s\n", b.n, t.last);
	assert_int_equal(t.lines, 80000);
	assert_int_equal(t.fresh, 0);
	assert_int_equal(t.twice, 0);
	assert_int_equal(t.changed, 1); /* the newer snapshot's: so the old one was given up */
	buf_done(&b);
}

static void exports_are_limited(void **state)
{
	(void)state;
	int fds[9];
	char head[512];
	int n = snprintf(
	    head, sizeof head,
	    "GET /exports?prefix=88.118.8.2&format=ndjson HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer %s"
	    "\r\n\r\n",
	    registrar);
	int small = 4096;
	for (int i = 0; i < 9; i++) {
		fds[i] = dial();
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
		say_all(fds[i], str_n(head, (size_t)n));
		assert_int_equal(status_of(fds[i]), i < 8 ? 200 : 429);
	}
	for (int i = 0; i < 9; i++) close(fds[i]);
	for (int i = 0; i < PATIENCE * 100; i++) {
		struct http_reply r = get(registrar, "/exports?prefix=88.118.8.2/none&format=csv");
		int status = r.status;
		http_done(&r);
		if (status != 429) return;
		pause_ms(10);
	}
	fail_msg("exports whose clients left do not end");
}

/* A node that stops while imports and exports are under way. */
static void stops_in_the_middle(void **state)
{
	(void)state;
	int a = begin_stream("stopped-1", 100000), b = begin_stream("stopped-2", 100000);
	say_all(a, STR("id,URL\n88.118.8/s1,u\n"));
	say_all(b, STR("id,URL\n88.118.8/s2,u\n88.118"));
	assert_true(await_read_or_answer(a, "stopped-1", 1));
	site_close(&node);
	close(a);
	close(b);
	assert_int_equal(setup(NULL), 0); /* for teardown */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(report_is_bounded_and_counts_are_exact),
	    cmocka_unit_test(ledger_tells_of_beginning_and_end),
	    cmocka_unit_test(each_batch_has_the_digest_of_its_changes),
	    cmocka_unit_test(kept_imports_are_limited),
	    cmocka_unit_test(newer_request_takes_over),
	    cmocka_unit_test(clients_that_leave_leave_nothing_behind),
	    cmocka_unit_test(several_at_once),
	    cmocka_unit_test(export_outlives_its_snapshot),
	    cmocka_unit_test(exports_are_limited),
	    cmocka_unit_test(stops_in_the_middle),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
