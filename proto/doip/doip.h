/* DOIP over HTTP as China's enterprise nodes speak it: objects, metadata templates, keys.
 *
 * Purpose: its bodies ⇄ values and templates. Answers are {"code","message","data"}.
 * Ownership: slices borrow from the JSON tree or the arena. Threads: any.
 * Errors: ERR_BAD_MESSAGE with the field and the sentence that the interface gives for it
 * ("validate.bind.error" lists them), ERR_NOT_FOUND: an attribute that the template has not,
 * ERR_UNSUPPORTED, ERR_NO_MEMORY. */
#ifndef PROTO_DOIP_DOIP_H
#define PROTO_DOIP_DOIP_H

#include "proto/template/template.h"

/* name, code, sentence */
#define DOIP_CODES(X)                                                                                      \
	X(OK, 1, "成功")                                                                                   \
	X(DONE, 10000, "成功") /* of what changes something */                                             \
	X(BAD_REQUEST, 101, "请求无效")                                                                    \
	X(BAD_TOKEN, 101, "无效的token")                                                                   \
	X(BAD_CLIENT, 102, "客户端认证失败")                                                               \
	X(UNAUTHORISED, 103, "客户端认证成功，但未被授权")                                                 \
	X(NOT_FOUND, 104, "标识对象不存在")                                                                \
	X(EXISTS, 105, "标识对象已存在")                                                                   \
	X(BAD_PARAMETER, 106, "请求入参错误")                                                              \
	X(NO_VIEW, 403, "没有权限查看数据")                                                                \
	X(NO_OPERATION, 404, "操作类型不存在")                                                             \
	X(BAD_OPERATION, 405, "不支持的操作类型")                                                          \
	X(NO_EDIT, 406, "没有权限编辑数据")                                                                \
	X(FAILED, 500, "发生了其他的错误")                                                                 \
	X(NOT_PUBLISHED, 600, "元数据未发布")                                                              \
	X(BAD_ITEM, 601, "元数据输入项错误")                                                               \
	X(NOT_OF_META, 603, "实体不属于该元数据")                                                          \
	X(NO_META, 604, "元数据不存在")                                                                    \
	X(NO_META_RIGHT, 605, "暂无当前元数据的管理权限")                                                  \
	X(META_NOT_DELETED, 606, "元数据删除失败")                                                         \
	X(NO_DELETE, 700, "没有权限删除标识")                                                              \
	X(FOREIGN, 701, "非本企业标识")                                                                    \
	X(NOT_ALLOWED, 702, "标识不允许操作")                                                              \
	X(NOT_APP, 901, "授权的标识用户不是应用身份")                                                      \
	X(BIND, 30000, "validate.bind.error")                                                              \
	X(BAD_HANDLE, 40508, "标识格式异常")                                                               \
	X(META_MISSING, 60005, "接口参数错误:入参metaHandle异常：要修改的元数据不存在!")                   \
	X(META_HIDDEN, 60001, "没有权限查看数据")

enum doip_code {
#define X(name, code, text) DOIP_##name,
	DOIP_CODES(X)
#undef X
};
int doip_code_number(enum doip_code c);
const char *doip_code_text(enum doip_code c);

#define DOIP_META_TYPE "0.TYPE/DO.DOIPMETA"
enum { DOIP_HANDLE_MAX = 255, DOIP_CONTENT_MAX = TEMPLATE_ATTRIBUTES_MAX };

/* ---- objects ---------------------------------------------------------------------------- */

struct doip_object {
	struct str type; /* handle of the template */
	json_t *content; /* attribute names and values */
};
enum err doip_object_read(json_t *j, struct flaw *f, struct doip_object *ret) MUST_USE;
/* Values at their indexes, readable by administrators only: this interface opens data by grants. naming:
 * the value that names the template goes with them. */
enum err doip_object_values(struct arena *a, const struct template *t, const struct doip_object *o,
			    bool naming, struct flaw *f, struct value **ret, size_t *ret_n) MUST_USE;
json_t *doip_object_write(const struct doip_object *o); /* as it is answered; a new reference */

/* Which values of a record the caller may see. */
typedef bool doip_view_fn(void *arg, const struct value *v, const struct template_attribute *x);
struct doip_view {
	doip_view_fn *may;
	void *arg;
};
/* {"id","type","attributes":{"id","type","elements":[…]}}; t NULL: a record without a template.
 * *ret_hidden: attributes that the view leaves out. A new reference. */
json_t *doip_record_write(const struct record *r, const struct template *t, struct str type,
			  const struct doip_view *view, size_t *ret_hidden);

/* ---- grants ----------------------------------------------------------------------------- */

/* Whom one record is opened to: the value GRANT. */
struct doip_grant {
	bool single; /* false: the grants of its template count */
	bool open;
	struct template_names readers, writers;
};
enum err doip_grant_read(struct arena *a, struct str data, struct doip_grant *ret) MUST_USE;
struct str doip_grant_write(struct arena *a, const struct doip_grant *g); /* p NULL without memory */
/* Adds and removes names; the arena holds the new list. ERR_BAD_MESSAGE: too many, or no list of texts. */
enum err doip_names_change(struct arena *a, json_t *add, json_t *remove, struct template_names *n) MUST_USE;

/* ---- metadata --------------------------------------------------------------------------- */

/* Body of meta/create. prefix: used with a made name when metaHandle is absent; suffix: of that name. */
enum err doip_meta_read(struct arena *a, json_t *j, struct flaw *f, struct template *ret) MUST_USE;
/* The basic members alone (update-basic-info); the items alone (update-item, "metaItemDTOS"). */
enum err doip_meta_basic_read(json_t *j, struct flaw *f, struct template *ret) MUST_USE;
enum err doip_meta_items_read(struct arena *a, json_t *list, const char *key, struct flaw *f,
			      struct template *ret) MUST_USE;
/* "metaHandle" of a body into prefix and version. ERR_BAD_MESSAGE. */
enum err doip_meta_handle_read(json_t *j, const char *key, struct flaw *f, struct template *ret) MUST_USE;
struct doip_times { /* as text of the interface, made by the caller */
	const char *created, *modified, *published;
	struct str creator, class_name;
};
json_t *doip_meta_object_write(const struct template *t,
			       const struct doip_times *w); /* answer of Op.Retrieve */
json_t *doip_meta_info_write(const struct template *t, const struct doip_times *w); /* of meta/info */
json_t *doip_meta_line_write(const struct template *t, const struct doip_times *w); /* of meta/page */
/* Tree of classes out of [{"code","name","parent"?,"id"?,"sort"?}], the unclassified first. Classes without
 * a number get one, those without a place that behind the one before. A new reference. */
json_t *doip_classes_write(json_t *list);

/* ---- keys ------------------------------------------------------------------------------- */

/* HS_PUBKEY of the Handle System: an RSA key, or one of SM2. Slices borrow from the value. */
struct doip_key {
	struct str n, e;  /* RSA: modulus and exponent, big-endian */
	struct str point; /* SM2: base/sm2.h; else empty */
};
/* bytes "RSA_PUB_KEY", int2 flags, bytes e, bytes n, and what the reference library leaves behind it; or
 * bytes "SM2_PUB_KEY", int2 flags, bytes SubjectPublicKeyInfo. ERR_BAD_KEY. */
enum err doip_key_read(struct str data, struct doip_key *ret) MUST_USE;
/* The value of such a key; p NULL without memory. */
struct str doip_key_write(struct arena *a, const struct doip_key *k);
/* A public key as `openssl pkey -pubout` prints it: PEM, RSA of 2048 to 8192 bits or SM2. ERR_BAD_KEY,
 * ERR_NO_MEMORY.
 */
enum err doip_key_pem_read(struct arena *a, struct str pem, struct doip_key *ret) MUST_USE;
/* RSA with SHA-256 (PKCS #1 v1.5), SM2 with SM3 (DER). ERR_BAD_KEY, ERR_BAD_SIGNATURE. */
enum err doip_key_verify(const struct doip_key *k, struct str msg, struct str sig) MUST_USE;

#endif
