#include "tools/kanhed/settings.h"

#include "resolver/resolver.h"

#define MIB INT64_C(1048576)
#define TIB (MIB * MIB)
#define SECOND INT64_C(1000000)
#define DAY (SECOND * 86400)

/* section, key, kind, default, min, max, choices, help, Chinese help */
#define SETTINGS(X)                                                                                        \
	X(node, name, CONF_TEXT, "node", 0, 64, NULL, "name of this node in logs, traces and metrics",     \
	  "节点名称，用于日志、轨迹与指标")                                                                \
	X(node, url, CONF_TEXT, NULL, 0, 512, NULL,                                                        \
	  "public base URL, without a slash at its end; the node's DID follows from it",                   \
	  "对外基础地址，末尾无斜杠；节点的 DID 由此得出")                                                 \
	X(node, data, CONF_PATH, "data", 0, 0, NULL, "folder of the stores and of dataset contents",       \
	  "数据库与数据集内容所在目录")                                                                    \
	X(node, key, CONF_PATH, "keys/node.key", 0, 0, NULL, "the node's private key, encrypted",          \
	  "节点私钥（加密存放）")                                                                          \
	X(node, unlock, CONF_PATH, "keys/unlock", 0, 0, NULL,                                              \
	  "secret that opens the key files, mode 0600", "解锁密钥文件的秘密，权限 0600")                   \
	X(node, passphrase, CONF_PATH, "", 0, 0, NULL,                                                     \
	  "file whose first line is a passphrase, instead of `unlock`; opening takes about 0.1 s and 64 "  \
	  "MiB",                                                                                           \
	  "口令文件（取首行），代替 unlock；开启约需 0.1 秒、64 MiB 内存")                                 \
	X(net, https, CONF_LISTEN, "127.0.0.1:8443", 0, 0, NULL,                                           \
	  "listener for HTTP/2 and HTTP/1.1 over TLS", "TLS 监听地址（HTTP/2 与 HTTP/1.1）")               \
	X(net, http, CONF_LISTEN, "off", 0, 0, NULL, "listener in clear text, HTTP/2 by prior knowledge",  \
	  "明文监听地址（HTTP/2 先验知识）")                                                               \
	X(net, certificate, CONF_PATH, "tls/node.pem", 0, 0, NULL, "PEM chain of the server certificate",  \
	  "服务器证书链（PEM）")                                                                           \
	X(net, certificate_key, CONF_PATH, "tls/node-key.pem", 0, 0, NULL,                                 \
	  "PEM key of the certificate, mode 0600", "证书私钥（PEM，权限 0600）")                           \
	X(net, client_ca, CONF_PATH, "", 0, 0, NULL,                                                       \
	  "PEM authority of client certificates; empty: none are asked for",                               \
	  "客户端证书的签发机构（PEM）；留空则不索取")                                                     \
	X(net, shards, CONF_NUMBER, "0", 0, 256, NULL, "threads that serve; 0: one per core",              \
	  "服务线程数；0 表示每核一个")                                                                    \
	X(net, connections, CONF_NUMBER, "16384", 1, 1048576, NULL, "open connections per shard, at most", \
	  "每线程最大连接数")                                                                              \
	X(net, idle_timeout, CONF_DURATION, "120s", SECOND, DAY, NULL,                                     \
	  "an idle connection is closed after", "空闲连接关闭时间")                                        \
	X(net, header_timeout, CONF_DURATION, "10s", SECOND / 10, DAY, NULL,                               \
	  "handshake and header section must arrive within", "握手与请求头的到达时限")                     \
	X(net, stall_timeout, CONF_DURATION, "30s", SECOND / 10, DAY, NULL,                                \
	  "a body that does not move is cut after", "停滞的请求体或应答的切断时间")                        \
	X(net, grace, CONF_DURATION, "10s", 0, DAY, NULL, "running requests may take this long at a stop", \
	  "停止时等待未完成请求的时间")                                                                    \
	X(out, ca, CONF_PATH, "", 0, 0, NULL,                                                              \
	  "PEM authorities trusted for outbound TLS; empty: the system's",                                 \
	  "对外 TLS 信任的机构（PEM）；留空用系统自带")                                                    \
	X(out, client_cert, CONF_PATH, "", 0, 0, NULL,                                                     \
	  "PEM certificate presented to partners that demand one, e.g. tls/node.pem",                      \
	  "向要求客户端证书的伙伴出示的证书（PEM），如 tls/node.pem")                                      \
	X(out, client_key, CONF_PATH, "", 0, 0, NULL,                                                      \
	  "PEM key of that certificate, e.g. tls/node-key.pem",                                            \
	  "该证书的私钥（PEM），如 tls/node-key.pem")                                                      \
	X(out, private, CONF_SWITCH, "no", 0, 0, NULL,                                                     \
	  "allow outbound connections to loopback and private addresses", "允许对外连接环回与私有地址")    \
	X(resolver, authority, CONF_LIST, "", 0, 65536, NULL,                                              \
	  "prefixes this node answers for, e.g. 88.118.8 gs1:950600",                                      \
	  "本节点负责的前缀，如 88.118.8 gs1:950600")                                                      \
	X(resolver, recursive, CONF_SWITCH, "no", 0, 0, NULL, "resolve foreign identifiers for clients",   \
	  "为客户端递归解析其他节点的标识")                                                                \
	X(resolver, anchors, CONF_LIST, "", 0, 65536, NULL,                                                \
	  "trust anchors, each PREFIX=KEY@URL, e.g. 88=z6Mk…@https://top.example",                         \
	  "信任锚，形如 前缀=公钥@地址")                                                                   \
	X(resolver, cache, CONF_SIZE, "16MiB", MIB, TIB, NULL, "answers of other nodes kept in memory",    \
	  "其他节点应答的缓存")                                                                            \
	X(resolver, answer_validity, CONF_DURATION, "1h", SECOND * 60, DAY * 30, NULL,                     \
	  "validity of a signed answer", "签名应答的有效期")                                               \
	X(resolver, ttl, CONF_NUMBER, "3600", 1, 604800, NULL,                                             \
	  "seconds an answer may be kept, where its values say nothing", "应答默认可缓存秒数")             \
	X(resolver, ttl_negative, CONF_NUMBER, "60", 1, 86400, NULL, "seconds a not-found may be kept",    \
	  "未找到应答可缓存秒数")                                                                          \
	X(resolver, find_types, CONF_LIST, RS_FIND_TYPES, 0, 8192, NULL,                                   \
	  "types of values that /find searches; dropped and new ones are dealt with in the background",    \
	  "/find 可检索的值类型；增删后在后台处理索引")                                                    \
	X(enterprise, applications, CONF_SWITCH, "no", 0, 0, NULL,                                         \
	  "anybody may apply to be an enterprise here; no: at the registrar's desk only",                  \
	  "任何人可在线申请成为企业；否则仅由注册管理员受理")                                              \
	X(enterprise, quota, CONF_NUMBER, "1000000", 0, INT64_MAX, NULL,                                   \
	  "identifiers an enterprise may register when it is given no quota of its own; 0: no limit",      \
	  "企业默认可注册的标识数量；0 表示不限")                                                          \
	X(limit, reads, CONF_NUMBER, "0", 0, 1000000, NULL,                                                \
	  "resolutions and other reads a second for each client and thread; 0: no limit",                  \
	  "每客户端（每线程）每秒读取与解析次数；0 表示不限")                                              \
	X(limit, reads_burst, CONF_NUMBER, "0", 0, 1000000, NULL,                                          \
	  "reads at once, after a pause; 0: those of one second", "读取突发上限；0 表示一秒的量")          \
	X(limit, changes, CONF_NUMBER, "0", 0, 1000000, NULL,                                              \
	  "changes a second for each credential and thread, each record of a batch one; 0: no limit",      \
	  "每凭证（每线程）每秒变更次数，批量按条计；0 表示不限")                                          \
	X(limit, changes_burst, CONF_NUMBER, "0", 0, 1000000, NULL,                                        \
	  "changes at once, after a pause; 0: those of one second", "变更突发上限；0 表示一秒的量")        \
	X(limit, anonymous, CONF_NUMBER, "1", 0, 1000000, NULL,                                            \
	  "applications and proofs a second for each address and thread; 0: no limit",                     \
	  "每地址（每线程）每秒的申请与密钥证明次数；0 表示不限")                                          \
	X(limit, anonymous_burst, CONF_NUMBER, "20", 0, 1000000, NULL,                                     \
	  "applications and proofs at once, after a pause; 0: those of one second",                        \
	  "申请与密钥证明突发上限；0 表示一秒的量")                                                        \
	X(limit, clients, CONF_NUMBER, "16384", 64, 16777216, NULL,                                        \
	  "clients remembered per thread and kind of limit", "每线程每类限速记住的客户端数")               \
	X(resolver, china, CONF_SWITCH, "yes", 0, 0, NULL,                                                 \
	  "serve the SNMS interface and DOIP over HTTP of China's nodes",                                  \
	  "提供 SNMS 兼容接口与 DOIP/HTTP 接口")                                                           \
	X(report, to, CONF_TEXT, "", 0, 256, NULL,                                                         \
	  "URL of the superior or disaster-recovery node to report to; empty: none",                       \
	  "上级或容灾节点的地址，向其上报；留空则不上报")                                                  \
	X(report, token, CONF_PATH, "", 0, 0, NULL,                                                        \
	  "file with the token that the superior gave, mode 0600", "上级所发令牌的文件，权限 0600")        \
	X(report, driver, CONF_CHOICE, "json", 0, 0, "json", "form of what is reported", "上报格式")       \
	X(report, every, CONF_DURATION, "1h", SECOND, DAY * 30, NULL, "a report goes up every",            \
	  "上报周期")                                                                                      \
	X(report, sync, CONF_SWITCH, "yes", 0, 0, NULL, "hand core data up too, as it changes",            \
	  "同时同步核心数据")                                                                              \
	X(space, enabled, CONF_SWITCH, "yes", 0, 0, NULL, "serve the data space", "启用数据空间")          \
	X(space, participant, CONF_TEXT, "", 0, 63, NULL,                                                  \
	  "participant that `kanhe` acts for when --as is not given",                                      \
	  "`kanhe` 未给出 --as 时所代表的参与方")                                                          \
	X(space, auto_agree, CONF_SWITCH, "yes", 0, 0, NULL,                                               \
	  "agree to requests that match a published offer", "自动同意与已发布要约一致的请求")              \
	X(space, token_validity, CONF_DURATION, "300s", SECOND * 10, DAY, NULL,                            \
	  "validity of self-issued tokens", "自签令牌有效期")                                              \
	X(space, dsp, CONF_CHOICE, "both", 0, 0, "both|2025-1|2024-1",                                     \
	  "versions of the Dataspace Protocol that are spoken", "所用数据空间协议版本")                    \
	X(space, content_max, CONF_SIZE, "1TiB", 1, TIB * 1024, NULL, "size of one dataset, at most",      \
	  "单个数据集的最大字节数")                                                                        \
	X(space, data_token, CONF_DURATION, "1h", SECOND, DAY * 7, NULL,                                   \
	  "validity of access tokens in data addresses; their holders renew them",                         \
	  "数据地址中访问令牌的有效期；持有方可自行续期")                                                  \
	X(space, kit, CONF_TEXT, "", 0, 63, NULL,                                                          \
	  "TEST ONLY: participant that lets anybody in as the DSP conformance kit and acts by its script", \
	  "仅供测试：该参与方接受任何调用者作为 DSP 一致性测试工具，并按其脚本行事")                       \
	X(space, kit_delay, CONF_DURATION, "500ms", SECOND / 100, SECOND * 60, NULL,                       \
	  "pause before each step of that script", "脚本每一步之前的停顿")                                 \
	X(space, iam_mock, CONF_TEXT, "", 0, 200, NULL,                                                    \
	  "TEST ONLY: DID of a partner with EDC's iam-mock: whoever calls himself so is let in unproven",  \
	  "仅供测试：使用 EDC iam-mock 的伙伴 DID，自称该 DID 者无需任何证明即被接受")                     \
	X(space, outbox_age, CONF_DURATION, "24h", SECOND * 60, DAY * 90, NULL,                            \
	  "a message that a partner does not answer is given up, and is a dead letter, after",             \
	  "伙伴未答复的消息在此时间后放弃，成为死信")                                                      \
	X(space, outbox_retry, CONF_DURATION, "250ms", SECOND / 100, SECOND * 10, NULL,                    \
	  "pause before a message is sent again; doubles with each attempt", "消息重发前的间隔，逐次加倍") \
	X(space, outbox_retry_max, CONF_DURATION, "60s", SECOND * 10, DAY, NULL, "that pause at most",     \
	  "重发间隔的上限")                                                                                \
	X(space, outbox_tries, CONF_NUMBER, "7", 1, 100, NULL,                                             \
	  "attempts when the partner answers 401, 404 or 409, before the message is a dead letter",        \
	  "伙伴答复 401、404 或 409 时的尝试次数，之后成为死信")                                           \
	X(space, inbox_wait, CONF_DURATION, "7d", SECOND, DAY * 365, NULL,                                 \
	  "a request that waits for a decision is declined after; what waits already keeps its time",      \
	  "等待人工决定的请求在此时间后视为拒绝；已在等待者不受更改影响")                                  \
	X(space, flow_wait, CONF_DURATION, "5s", 0, SECOND * 60, NULL,                                     \
	  "prepare and start of an outside control plane are answered 202, and called back, after",        \
	  "外部控制面的 prepare 与 start 在此时间后答复 202，就绪后再回调")                                \
	X(space, flow_ready, CONF_DURATION, "1h", SECOND, DAY * 7, NULL,                                   \
	  "a data flow that is not ready by then ends", "数据流在此时间内未就绪则终止")                    \
	X(store, map_max, CONF_SIZE, "4TiB", MIB * 64, TIB * 64, NULL,                                     \
	  "address space a store may grow to", "数据库映射上限")                                           \
	X(store, feed_keep, CONF_NUMBER, "0", 0, INT64_MAX, NULL,                                          \
	  "entries of the change feed kept; 0: all", "保留的变更流条目数；0 为全部")                       \
	X(store, queue, CONF_NUMBER, "65536", 16, 16777216, NULL,                                          \
	  "changes waiting to be written, at most", "等待写入的变更上限")                                  \
	X(metrics, public, CONF_SWITCH, "no", 0, 0, NULL, "show /metrics to anybody",                      \
	  "任何人可读取 /metrics")                                                                         \
	X(log, level, CONF_CHOICE, "info", 0, 0, "error|warn|info|debug",                                  \
	  "least level of the lines logged", "日志级别")                                                   \
	X(identity, accept, CONF_LIST, "did", 0, 64, NULL,                                                 \
	  "how partners may prove who they are: did, dcp, pinned, tls",                                    \
	  "接受的伙伴身份方式：did、dcp、pinned、tls")                                                     \
	X(identity, issuers, CONF_LIST, "", 0, 65536, NULL,                                                \
	  "trusted issuers of credentials, each DID or DID=Type",                                          \
	  "信任的凭证签发方，形如 DID 或 DID=类型")                                                        \
	X(identity, require, CONF_LIST, "", 0, 4096, NULL,                                                 \
	  "types of credentials that every partner must present (with dcp)",                               \
	  "每个伙伴必须出示的凭证类型（需 dcp）")                                                          \
	X(identity, partners, CONF_LIST, "", 0, 65536, NULL,                                               \
	  "pinned partners, each DID=z6Mk…@DSP-URL or DID=sha256:HEX of a client certificate",             \
	  "固定的伙伴，形如 DID=z6Mk…@DSP地址 或 DID=sha256:客户端证书指纹")                               \
	X(identity, present, CONF_SWITCH, "yes", 0, 0, NULL,                                               \
	  "tokens let their receiver ask for credentials that are held here",                              \
	  "令牌允许接收方查询本方持有的凭证")                                                              \
	X(identity, ask, CONF_LIST, "", 0, 4096, NULL,                                                     \
	  "types of credentials that partners are asked for but admitted without; policies may name them", \
	  "向伙伴询问但不强制的凭证类型，供策略引用")                                                      \
	X(identity, schemas, CONF_SWITCH, "yes", 0, 0, NULL,                                               \
	  "credentials must keep to the JSON Schema that they name", "凭证须符合其所指明的 JSON Schema")   \
	X(identity, disclose, CONF_LIST, "", 0, 4096, NULL,                                                \
	  "types of credentials that partners may ask for; empty: every one that is held",                 \
	  "允许伙伴查询的凭证类型；留空为持有的全部")

const struct conf_row settings_rows[] = {
#define X(section, key, kind, standard, min, max, choices, help, help_zh)                                  \
	{#section, #key, kind, standard, min, max, choices, help, help_zh},
    SETTINGS(X)
#undef X
};
const size_t settings_n = sizeof settings_rows / sizeof *settings_rows;
