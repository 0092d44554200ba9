#include "net/h1_chunk.h"

void h1_chunk_init(struct h1_chunk *c)
{
	*c = (struct h1_chunk){0};
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

static enum err size_octet(struct h1_chunk *c, char o)
{
	int d = hex_digit(o);
	if (d >= 0) {
		/* 15 digits: 2^60 octets are more than anybody sends, and cannot wrap */
		if (++c->digits > 15) return ERR_TOO_LARGE;
		c->left = c->left * 16 + (unsigned)d;
		return ERR_OK;
	}
	if (!c->digits) return ERR_BAD_INPUT;
	if (o == '\r')
		c->state = H1_CHUNK_SIZE_LF;
	else if (o == ';')
		c->state = H1_CHUNK_EXTENSION;
	else
		return ERR_BAD_INPUT;
	return ERR_OK;
}

static bool text_octet(char o)
{
	unsigned char u = (unsigned char)o;
	return u == '\t' || (u >= 0x20 && u != 0x7f);
}

static enum err extension_octet(struct h1_chunk *c, char o)
{
	if (o == '\r')
		c->state = H1_CHUNK_SIZE_LF;
	else if (!text_octet(o))
		return ERR_BAD_INPUT;
	return ++c->line > H1_CHUNK_LINE_MAX ? ERR_TOO_LARGE : ERR_OK;
}

static enum err trailer_octet(struct h1_chunk *c, char o)
{
	if (++c->trailer > H1_TRAILER_MAX) return ERR_TOO_LARGE;
	if (c->state == H1_CHUNK_TRAILER) {
		if (o == '\r')
			c->state = H1_CHUNK_LAST_LF;
		else if (o == ' ' || !text_octet(o) || o == '\t')
			return ERR_BAD_INPUT;
		else
			c->state = H1_CHUNK_TRAILER_LINE;
		return ERR_OK;
	}
	if (o == '\r')
		c->state = H1_CHUNK_TRAILER_LF;
	else if (!text_octet(o))
		return ERR_BAD_INPUT;
	return ERR_OK;
}

static enum err after_size(struct h1_chunk *c)
{
	c->state = c->left ? H1_CHUNK_DATA : H1_CHUNK_TRAILER;
	c->digits = c->line = 0;
	return ERR_OK;
}

static enum err framing_octet(struct h1_chunk *c, char o)
{
	static const struct {
		char octet;
		enum h1_chunk_state next;
	} fixed[] = {[H1_CHUNK_DATA_CR] = {'\r', H1_CHUNK_DATA_LF},
		     [H1_CHUNK_DATA_LF] = {'\n', H1_CHUNK_SIZE},
		     [H1_CHUNK_TRAILER_LF] = {'\n', H1_CHUNK_TRAILER},
		     [H1_CHUNK_LAST_LF] = {'\n', H1_CHUNK_DONE}};
	switch (c->state) {
	case H1_CHUNK_SIZE: return size_octet(c, o);
	case H1_CHUNK_EXTENSION: return extension_octet(c, o);
	case H1_CHUNK_SIZE_LF: return o == '\n' ? after_size(c) : ERR_BAD_INPUT;
	case H1_CHUNK_TRAILER:
	case H1_CHUNK_TRAILER_LINE: return trailer_octet(c, o);
	default: break;
	}
	if (o != fixed[c->state].octet) return ERR_BAD_INPUT;
	c->state = fixed[c->state].next;
	return ERR_OK;
}

enum err h1_chunk_next(struct h1_chunk *c, struct str *in, struct str *ret_piece)
{
	*ret_piece = STR_NONE;
	while (in->n && c->state != H1_CHUNK_DONE) {
		if (c->state == H1_CHUNK_DATA) {
			*ret_piece = str_first(*in, c->left < in->n ? (size_t)c->left : in->n);
			*in = str_skip(*in, ret_piece->n);
			c->left -= ret_piece->n;
			if (!c->left) c->state = H1_CHUNK_DATA_CR;
			return ERR_OK;
		}
		enum err e = framing_octet(c, in->p[0]);
		if (e) return e;
		*in = str_skip(*in, 1);
	}
	return ERR_OK;
}
