/* One request of a courier, from submission to its answer. Private to net/courier*.c.
 *
 * Ownership: courier_job_new copies the request; the courier's lists hold the job. Threads: the
 * caller's until it is handed over, then the courier's. */
#ifndef NET_COURIER_JOB_H
#define NET_COURIER_JOB_H

#include <curl/curl.h>
#include <stdio.h>

#include "base/buf.h"
#include "net/courier.h"

enum {
	COURIER_DEADLINE = 30,        /* seconds */
	COURIER_BODY_MAX = 1 << 20,   /* octets */
	COURIER_CONNECT_MAX = 10,     /* seconds for one attempt to connect: leaves time for another */
	COURIER_LINK_MAX = 16384,     /* several of them */
	COURIER_FIELD_MAX = 8192,     /* octets of a header field of the answer that is kept */
	COURIER_BACKOFF_FIRST = 100,  /* milliseconds before the first retry, doubling */
	COURIER_BACKOFF_MAX = 10000,  /* milliseconds */
	COURIER_PIECE_MAX = 64 * 1024 /* octets read at once; fewer under a slow rate */
};

enum courier_job_state {
	COURIER_NEW,     /* in the inbox */
	COURIER_WAITING, /* for its turn, in its origin's line */
	COURIER_RUNNING, /* with libcurl */
	COURIER_BACKOFF  /* until retry_at */
};

enum { COURIER_H1, COURIER_H2, COURIER_LANES };

struct courier_origin;

struct courier_job {
	uint64_t ticket;
	enum courier_job_state state;
	struct courier_job *next, *prev;           /* of all the courier's jobs, or the inbox */
	struct courier_job *line_next, *line_prev; /* of its origin's line */
	struct courier_origin *origin;

	struct courier_req q; /* its strings are the job's copies */
	char *method, *url, *body, *body_file;
	struct curl_slist *headers;
	size_t piece; /* octets at once */

	CURL *easy;
	FILE *file;
	bool allow_private, refused_address, delivered;
	enum err err;                           /* set inside a callback, which then ended the exchange */
	usec_t born, deadline, moved, retry_at; /* monotonic */
	usec_t due, resume_at; /* of a bounded rate: the next piece; 0, or when a pause ends */
	struct buf content, content_type, location, retry_after, etag, link;
	char address[64], why[CURL_ERROR_SIZE];
	struct courier_result result;
};

void courier_job_set_up(void); /* once per process */
/* ERR_BAD_INPUT (a method or header that could not be sent as it stands), ERR_NO_MEMORY. */
enum err courier_job_new(const struct courier_req *q, bool allow_private,
			 struct courier_job **ret) MUST_USE;
void courier_job_free(struct courier_job *j);
/* The version it is sent with, in which lane. */
unsigned courier_job_lane(const struct courier_job *j);

/* Prepares j->easy (given by the caller, as new) for one attempt. ERR_NO_MEMORY, ERR_NOT_FOUND,
 * ERR_IO (body_file). */
enum err courier_job_prepare(struct courier_job *j, const struct courier_options *o, usec_t now) MUST_USE;
/* What the attempt came to, in j->result. */
void courier_job_conclude(struct courier_job *j, CURLcode code, usec_t now);
/* Whether and when to try again: microseconds from now, or -1. */
usec_t courier_job_retry(const struct courier_job *j, CURLcode code, usec_t now);
/* A stream that has not moved for its deadline, or anything past it that does not run. */
bool courier_job_overdue(const struct courier_job *j, usec_t now);

#endif
