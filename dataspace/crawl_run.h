/* One crawl, as the files that make it share it (crawl.h). Threads: the crawler's shard. */
#ifndef DATASPACE_CRAWL_RUN_H
#define DATASPACE_CRAWL_RUN_H

#include "dataspace/crawl.h"
#include "dataspace/federated.h"
#include "dataspace/federation.h"
#include "net/courier.h"

struct crawl {
	struct crawler *c;
	struct crawl *next;
	struct arena *arena; /* of the crawl: what the source's row said */
	struct arena *page;  /* of the page in hand */
	struct str participant, did, base, url, feed, etag;
	uint32_t dialect;              /* the version spoken there: enum ds_dialect */
	struct str got_feed, got_etag; /* what to remember in the end */
	bool whole, unchanged, one_page;
	size_t pages, barren; /* asked for; in a row that brought nothing new */
	uint64_t octets;      /* of all answers */
	struct str mark; /* a page come by, to notice circles: moved on when `pages` is a power of two */
	struct buf seen; /* 16 octets a dataset, of a whole crawl */
	int64_t added, gone;
	unsigned char swept[16];
	bool sweeping;
	/* the answer in hand, in page */
	void (*then)(void *arg);
	enum err err;
	int status;
	struct str body, link, tag;
	char text[SOURCE_ERROR_MAX];
};

struct crawler {
	struct ds *d;
	struct net_shard *shard;
	struct crawl *running;
	size_t n;
};

/* ---- what a crawl has the writer do: a page, a sweep, the end (crawl_deed.c) ---- */

struct deed {
	struct crawl *crawl; /* touched on the shard only */
	struct str participant, did;
	struct federated_entry *put;
	size_t put_n;
	unsigned char (*drop)[16];
	size_t drop_n;
	int64_t added, gone;
	/* the end */
	bool ok, whole, unchanged;
	struct str error, feed, etag, base;
	void (*then)(struct crawl *x, enum err e, const struct deed *d);
	enum err result;
};

struct deed *crawl_deed_new(struct crawl *x, struct ds_job **ret); /* NULL without memory */
/* ERR_NOT_FOUND: the owner has removed the source meanwhile; ERR_TOO_LARGE: it has too many entries. */
enum err crawl_page_work(struct ds_job *j, struct writer_txn *t);
enum err crawl_end_work(struct ds_job *j, struct writer_txn *t);

/* ---- which version the partner speaks (crawl_version.c) ---- */

/* Calls crawl_page_ask once x->base and x->dialect are known, or crawl_end. */
void crawl_version_find(struct crawl *x, const struct ds_did *doc);

/* crawl.c */
void crawl_page_ask(struct crawl *x);
void crawl_end(struct crawl *x, const char *error); /* NULL: it went well */
/* Sends what it holds with a token of ours; err, status, body and so on are set when `then` runs. */
enum err crawl_fetch(struct crawl *x, struct courier_req *q, void (*then)(void *arg));

#endif
