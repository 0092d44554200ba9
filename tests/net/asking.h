/* Asking the small server of answering.h through a courier: one of each for a test program, and what came
 * back. Threads: the test's; outcomes are filled on the courier's. */
#ifndef TESTS_NET_ASKING_H
#define TESTS_NET_ASKING_H

#include "tests/base/cases.h"

#include <pthread.h>

#include "net/courier.h"
#include "tests/net/answering.h"

extern struct answering server;

/* Of the group: the server starts, and stops. */
int set_up(void **state);
int tear_down(void **state);

/* What came back, copied: the result itself ends with done. */
struct outcome {
	pthread_mutex_t lock;
	pthread_cond_t came;
	int done;
	enum err err, data_err;
	int status, pieces;
	unsigned attempts;
	usec_t took;
	size_t stop_after, got;
	char body[4096], text[200], content_type[64], location[64];
};
void outcome_init(struct outcome *o);
void on_done(void *arg, const struct courier_result *r); /* arg: the outcome */
enum err on_data(void *arg, const struct courier_result *r, struct str piece);
void wait_done(struct outcome *o);

const char *url_of(const char *path); /* until the next call */
struct courier *start(void);          /* one that may call private addresses */
struct courier_req get(const char *path);
struct courier_req stream(const char *path); /* taken piece by piece */
uint64_t submit(struct courier *c, struct courier_req r, struct outcome *o);
void ask(struct courier *c, struct courier_req r, struct outcome *o); /* submits and waits */

#endif
