/* What we do in a transfer: steps and announcements. Private to transfer*.c; in commands. The caller
 * puts the row afterwards. */
#ifndef DATASPACE_TRANSFER_ACT_H
#define DATASPACE_TRANSFER_ACT_H

#include "dataspace/transfer.h"

enum { TRANSFER_FORMAT = 1 };

/* A state is reached: history, ledger entry, effects, and the data plane's part at an end. */
enum err transfer_step(const struct turn *u, Ds__Transfer *x, enum dsp_transfer_state to, bool by_peer,
		       struct str detail) MUST_USE;
enum err transfer_acknowledged(const struct turn *u, Ds__Transfer *x) MUST_USE;
enum err transfer_forget(const struct turn *u, Ds__Transfer *x) MUST_USE;
/* Provider: sends the start message with a fresh address. */
enum err transfer_open(const struct turn *u, Ds__Transfer *x) MUST_USE;
/* The same with the address of an outside data plane (NULL: none), also to go on. */
enum err transfer_open_at(const struct turn *u, Ds__Transfer *x, json_t *address) MUST_USE;
/* Provider, STARTED: the outside data plane has another address now. */
enum err transfer_readdress(const struct turn *u, Ds__Transfer *x, json_t *address) MUST_USE;
/* Provider: the consumer has gone on by itself. One that signs nothing, as an Eclipse connector, counts it
 * as started only when the provider starts it: it is told the address that it has, with a new token if that
 * one has expired. */
enum err transfer_gone_on(const struct turn *u, Ds__Transfer *x) MUST_USE;
/* Consumer: sends the request, with the address to push to (NULL: none). */
enum err transfer_ask(const struct turn *u, Ds__Transfer *x, json_t *address) MUST_USE;
/* Sends the termination message that x->code and x->reason give. */
enum err transfer_tell_end(const struct turn *u, const Ds__Transfer *x) MUST_USE;
enum err transfer_tell(const struct turn *u, const Ds__Transfer *x, enum ds_event_kind kind, bool by_peer,
		       struct str reason, json_t *report) MUST_USE;
/* Before a suspended transfer goes on at the provider: what the agreement and its policy say now, this
 * transfer itself being counted already. ERR_REVOKED, ERR_EXPIRED, ERR_POLICY_DENIED with the reason. */
enum err transfer_judge_again(const struct turn *u, const Ds__Transfer *x) MUST_USE;

/* The data plane has everything: COMPLETED is announced. Nothing when it ended meanwhile. */
enum err transfer_finish(const struct turn *u, struct str pid) MUST_USE;

#endif
