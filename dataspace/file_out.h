/* A file as the body of an answer: read ahead on the disk's threads, sent as the peer takes it.
 *
 * Purpose: bounded memory whatever the sizes and speeds: two buffers, one being sent while the other is
 * filled. Embedded in the caller's own struct.
 * Life: file_out_open → opened → file_out_reply or file_out_drop → closed. After `closed` nothing of the
 * file_out is in use by anybody and the struct may be freed. The caller clears req when the client has
 * gone before the reply.
 * Threads: the request's shard; closed may come on a disk's thread once the shard's loop has ended. */
#ifndef DATASPACE_FILE_OUT_H
#define DATASPACE_FILE_OUT_H

#include "dataspace/disk.h"

enum { FILE_OUT_BUFFER = 256 << 10 /* of each of the two: a disk read worth its seek */ };

struct file_out {
	struct net_source source; /* first */
	struct disk_job job;
	struct ds *d;
	struct disk *disk;
	struct net_req *req; /* NULL once the client has gone */
	/* How many of the next `want` octets may leave now; 0: wait for file_out_go. An error cuts the
	 * answer. NULL: all may. */
	enum err (*pass)(struct file_out *f, size_t want, size_t *ret_n);
	void (*opened)(struct file_out *f,
		       enum err e);        /* size is known; not called when req is NULL: closed is */
	void (*ended)(struct file_out *f); /* the answer is over: `at` octets of the file were handed out */
	void (*closed)(struct file_out *f);
	const char *path; /* lives until opened */
	int fd;
	uint64_t size;
	uint64_t at, to, read_at; /* next octet to send, end, next to read */
	struct file_piece {
		char *p;
		size_t n, used;
	} ready, ahead;
	bool working, replied, over;
	enum err err;
};

/* Fields d, disk, req, path, opened, closed are set; submits. */
void file_out_open(struct file_out *f);
/* Octets [from, to). Headers have been set. */
void file_out_reply(struct file_out *f, int status, const char *type, uint64_t from, uint64_t to);
/* After opened, instead of a reply of the file. */
void file_out_drop(struct file_out *f);
/* The answer to HEAD: like file_out_reply, without the body. type lives until it is sent. */
void file_out_head(struct net_req *r, int status, const char *type, uint64_t length);
/* Accept-Ranges, and Content-Range of a part; Content-Range of error 416. */
void file_out_headers(struct net_req *r, bool part, uint64_t from, uint64_t to, uint64_t size);
void file_out_unsatisfied(struct net_req *r, uint64_t size);
/* More may leave now. */
void file_out_go(struct file_out *f);

#endif
