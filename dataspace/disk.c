#include "dataspace/disk.h"

#include <pthread.h>
#include <stdlib.h>

struct disk {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct disk_job *first, **last;
	bool closing;
	pthread_t thread[DISK_THREADS];
	unsigned threads;
};

static void job_back(void *arg)
{
	struct disk_job *j = arg;

	j->done(j);
}

static void job_run(struct disk_job *j)
{
	j->work(j);
	if (j->shard) {
		if (!ds_post(j->d, j->shard, job_back, j)) return;
		j->lost = true;
	}
	j->done(j);
}

static void *disk_thread(void *arg)
{
	struct disk *k = arg;

	pthread_mutex_lock(&k->lock);
	for (;;) {
		struct disk_job *j = k->first;

		if (j) {
			k->first = j->next;
			if (!k->first) k->last = &k->first;
			pthread_mutex_unlock(&k->lock);
			job_run(j);
			pthread_mutex_lock(&k->lock);
		} else if (k->closing) {
			break;
		} else {
			pthread_cond_wait(&k->wake, &k->lock);
		}
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

enum err disk_open(struct disk **ret)
{
	struct disk *k = calloc(1, sizeof *k);

	if (!k) return ERR_NO_MEMORY;
	k->last = &k->first;
	must(!pthread_mutex_init(&k->lock, NULL) && !pthread_cond_init(&k->wake, NULL));
	while (k->threads < DISK_THREADS) {
		if (pthread_create(&k->thread[k->threads], NULL, disk_thread, k)) {
			disk_close(k);
			return ERR_NO_MEMORY;
		}
		k->threads++;
	}
	*ret = k;
	return ERR_OK;
}

void disk_submit(struct disk *k, struct disk_job *j)
{
	j->next = NULL;
	j->lost = false;
	pthread_mutex_lock(&k->lock);
	*k->last = j;
	k->last = &j->next;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
}

void disk_close(struct disk *k)
{
	if (!k) return;
	pthread_mutex_lock(&k->lock);
	k->closing = true;
	pthread_cond_broadcast(&k->wake);
	pthread_mutex_unlock(&k->lock);
	for (unsigned i = 0; i < k->threads; i++) pthread_join(k->thread[i], NULL);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
