/* Errors: one table for the whole program.
 *
 * Purpose: every function that can fail returns an `enum err`; 0 is success. The table carries
 * what each edge needs to turn the error into an answer: HTTP status, DNS RCODE (RFC 1035 4.1.1),
 * Handle response code (RFC 3652 2.2.2.3) and a sentence in English and Chinese.
 *
 * A `struct flaw` says where and why: the offset, field or rule that was broken. Functions that
 * read a peer's or a user's input take one as their last argument but one; NULL is allowed.
 * A programming error is never an `enum err`: it is a `must()` that stops the process. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

/* name, HTTP status, DNS RCODE, Handle response code, English, Chinese */
#define ERR_TABLE(X)                                                                                       \
	X(OK, 200, 0, 1, "success", "成功")                                                                \
	X(BAD_INPUT, 400, 1, 4, "the input is malformed", "输入格式错误")                                  \
	X(BAD_ID, 400, 1, 102, "the identifier is malformed", "标识格式错误")                              \
	X(BAD_JSON, 400, 1, 4, "the JSON text is malformed", "JSON 格式错误")                              \
	X(BAD_PROTO, 400, 1, 4, "the protobuf message is malformed", "protobuf 消息格式错误")              \
	X(BAD_MESSAGE, 400, 1, 4, "a required member is missing or of the wrong kind",                     \
	  "缺少必需成员或类型不符")                                                                        \
	X(BAD_POLICY, 400, 1, 4, "the policy is malformed or over a limit", "策略格式错误或超限")          \
	X(BAD_STATE, 400, 1, 4, "the state does not allow this", "当前状态不允许此操作")                   \
	X(BAD_SIGNATURE, 400, 1, 404, "the signature does not verify", "签名验证失败")                     \
	X(BAD_CONF, 500, 2, 2, "the configuration is invalid", "配置无效")                                 \
	X(BAD_KEY, 500, 2, 2, "the key file is unreadable, unsafe or locked by another secret",            \
	  "密钥文件不可读、不安全或口令不符")                                                              \
	X(UNAUTHORISED, 401, 5, 402, "credentials are needed", "需要凭证")                                 \
	X(FORBIDDEN, 403, 5, 400, "these credentials do not allow this", "凭证权限不足")                   \
	X(POLICY_DENIED, 403, 5, 401, "the policy does not allow this", "策略不允许")                      \
	X(EXPIRED, 403, 5, 404, "the term has ended", "已过期")                                            \
	X(REVOKED, 403, 5, 404, "it was revoked", "已撤销")                                                \
	X(NOT_FOUND, 404, 3, 100, "not found", "未找到")                                                   \
	X(NOT_RESPONSIBLE, 421, 5, 301, "this node is not responsible for the prefix",                     \
	  "本节点不负责该前缀")                                                                            \
	X(BAD_METHOD, 405, 4, 5, "the method is not allowed here", "不允许的方法")                         \
	X(NOT_ACCEPTABLE, 406, 4, 5, "none of the accepted media types can be given",                      \
	  "无法提供所要求的媒体类型")                                                                      \
	X(CONFLICT, 409, 6, 101, "it conflicts with what is there", "与现有内容冲突")                      \
	X(EXISTS, 409, 6, 101, "it exists already", "已存在")                                              \
	X(GONE, 410, 3, 100, "it was retired", "已注销")                                                   \
	X(PRECONDITION, 412, 8, 4, "it changed since it was read", "内容已被修改")                         \
	X(TOO_LARGE, 413, 1, 4, "it is larger than allowed", "超过大小限制")                               \
	X(URI_TOO_LONG, 414, 1, 4, "the request target is too long", "请求地址过长")                       \
	X(BAD_TYPE, 415, 1, 4, "the media type is not understood here", "不支持的媒体类型")                \
	X(BAD_RANGE, 416, 1, 4, "the range lies outside the content", "范围越界")                          \
	X(HEADERS_TOO_LARGE, 431, 1, 4, "the header section is too large", "请求头过大")                   \
	X(QUOTA, 429, 5, 603, "a limit is reached", "达到限额")                                            \
	X(BOGUS, 502, 2, 2, "the chain of signatures is broken", "签名链验证失败")                         \
	X(UPSTREAM, 502, 2, 2, "the other node did not answer properly", "对端节点应答异常")               \
	X(TIMEOUT, 504, 2, 2, "the other node did not answer in time", "对端节点超时")                     \
	X(LOOP, 502, 2, 6, "the delegations run in a circle or too deep", "委托链成环或过深")              \
	X(BUSY, 503, 2, 3, "too busy, try again", "繁忙，请重试")                                          \
	X(NO_MEMORY, 503, 2, 3, "a memory limit is reached", "达到内存上限")                               \
	X(STOPPING, 503, 2, 3, "the node is stopping", "节点正在停止")                                     \
	X(NO_SPACE, 507, 2, 2, "the disk or the map is full", "磁盘或映射空间已满")                        \
	X(IO, 500, 2, 2, "input or output failed", "读写失败")                                             \
	X(CORRUPT, 500, 2, 2, "stored data does not verify", "存储数据校验失败")                           \
	X(LOCKED, 500, 2, 2, "another daemon uses this folder", "该目录已被其他守护进程占用")              \
	X(UNSUPPORTED, 501, 4, 5, "this is not supported", "不支持")                                       \
	X(INTERNAL, 500, 2, 2, "internal error", "内部错误")

enum err {
#define X(name, http, rcode, handle, en, zh) ERR_##name,
	ERR_TABLE(X)
#undef X
	    ERR_COUNT
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

const char *err_name(enum err e);    /* "BAD_ID" */
const char *err_text(enum err e);    /* English sentence */
const char *err_text_zh(enum err e); /* Chinese sentence */
int err_http(enum err e);
int err_dns(enum err e);
int err_handle(enum err e);
/* errno of a failed system call as an enum err: ENOSPC → NO_SPACE, ENOMEM → NO_MEMORY, else IO. */
enum err err_errno(int errnum);

#define FLAW_NO_OFFSET ((size_t)-1)

/* Where and why input was refused. Texts are NUL-terminated and owned by the struct. */
struct flaw {
	enum err err;
	size_t offset;  /* octet of the input, or FLAW_NO_OFFSET */
	char at[96];    /* field, header, parameter or setting; "" if the offset says it all */
	char rule[48];  /* stable name of the rule broken, kebab-case: "check-digit" */
	char text[200]; /* a sentence for people, English */
};

/* Nothing found yet: cheaper than zeroing all of it, for paths that mostly find nothing. */
static inline void flaw_init(struct flaw *f)
{
	f->err = ERR_OK;
	f->offset = FLAW_NO_OFFSET;
	f->at[0] = f->rule[0] = f->text[0] = 0;
}

/* Fills *f (unless NULL) and returns e, so that parsers can `return flaw_set(...)`. */
enum err flaw_set(struct flaw *f, enum err e, size_t offset, const char *at, const char *rule,
		  const char *fmt, ...) PRINTF_LIKE(6, 7);

/* An invariant of our own code, on in production: prints and aborts; the supervisor restarts. */
#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))
_Noreturn void must_failed(const char *cond, const char *file, int line);

#endif
