/* bench-register [RECORDS [BATCH [CLIENTS [scattered]]]]: registers over HTTP with durable commits, then
 * prints the rate. A measuring tool, not a test: `ninja bench-register`. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/resolver/site.h"

static struct site node;
static char token[ACCESS_TOKEN_TEXT];
static uint64_t records = 1000000, batch = 1000, clients = 2;
static _Atomic uint64_t next;
static bool scattered;

static struct str batch_of(uint64_t from, struct buf *b)
{
	buf_clear(b);
	buf_printf(b, "{\"records\":[");
	for (uint64_t i = from; i < from + batch && i < records; i++)
		buf_printf(b,
			   "%s{\"id\":\"88.118.8/"
			   "JX%08llu\",\"values\":[{\"index\":1,\"type\":\"URL\",\"data\":{\"format\":"
			   "\"string\",\"value\":\"https://maker.example/machines/"
			   "%08llu\"},\"ttl\":3600},{\"index\":2,"
			   "\"type\":\"DESC\",\"data\":{\"format\":\"string\",\"value\":\"lathe\"}}]}",
			   i > from ? "," : "",
			   (unsigned long long)(scattered ? i * 2654435761u % 100000000u : i),
			   (unsigned long long)i);
	buf_printf(b, "]}");
	return buf_str(b);
}

static void *run(void *arg)
{
	struct buf b = BUF_INIT(64 << 20);
	(void)arg;
	for (;;) {
		uint64_t from = atomic_fetch_add(&next, batch);
		if (from >= records) break;
		struct http_reply r = http_call(&node, &(struct http_call){.method = "POST",
									   .path = "/registry",
									   .token = token,
									   .body = batch_of(from, &b)});
		if (r.status != 200) fprintf(stderr, "%d %.*s\n", r.status, STR_ARG(r.body));
		must(r.status == 200);
		http_done(&r);
	}
	buf_done(&b);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[16];
	struct store_stat st;
	if ((argc > 1 && str_u64(str_of(argv[1]), &records)) ||
	    (argc > 2 && str_u64(str_of(argv[2]), &batch)) ||
	    (argc > 3 && str_u64(str_of(argv[3]), &clients)) || !batch || clients < 1 || clients > 16)
		return 2;
	scattered = argc > 4;
	site_open(&(struct site_options){.name = "bench", .authority = {"88.118.8"}}, &node);
	site_grant(&node, "ent", ROLE_ENTERPRISE, "88.118.8", token);
	usec_t from = clock_mono();
	for (uint64_t i = 0; i < clients; i++) must(!pthread_create(&t[i], NULL, run, NULL));
	for (uint64_t i = 0; i < clients; i++) pthread_join(t[i], NULL);
	double seconds = (double)(clock_mono() - from) / USEC_PER_SEC;
	store_stat(node.store, &st);
	printf("%llu records in %.1f s: %.0f/s, %.0f octets of file each\n", (unsigned long long)records,
	       seconds, (double)records / seconds, (double)st.file_octets / (double)records);
	site_close(&node);
	return 0;
}
