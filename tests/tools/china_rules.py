"""China's application interfaces beside the printed examples: attributes told again and unique, keys of SM2, kanhe
identity, and what is refused: wrong roles, sessions that ended, bad input, quotas."""
import base64
import os
import struct
import subprocess
import urllib.parse

from china_kit import (EXAMPLES, PREFIXES, SECRET, call, credential, doip, hs_pubkey, identity, is_token, log_in, native, node, sign,
                       template)
from node import check, finish


def prepare():
    """An application with a session, templates to register under, a record of each interface."""
    identity("88.608.8889/App_ceshi", "测试应用")
    app = log_in("88.608.8889/App_ceshi")
    template("88.608.8889", "META_zxczxc", [{"index": 2000, "name": "zxc"}])
    got = doip("0.DOIP/Op.Create", "88.608.8889/open-1", {"type": "88.608.8889/META_zxczxc", "attributes": {"content": {"zxc": "v"}}}, app)
    check("a record to be looked at", got["code"] == 10000, got)
    got = call("POST", "/snms/api/v5/template", {**EXAMPLES[17], "version": "1.0.1"}, SECRET)
    check("a template to register under", got["status"] == 1, got)
    return app


def told_again(token):
    """What a client says of an attribute it is told again, in the members that the guide's tables name."""
    base = {"required": 1, "comment": "c", "definition": "d", "inputNecessary": 0, "listItemNecessary": 1}
    schemas = [({"dataType": 1, "minLength": 0, "maxLength": 4000, "charRange": "字符型值域"}, 1),
               ({"dataType": 2, "minLength": 0, "maxLength": 38, "accuracy": 1, "numberRange": "[1,10]"}, 1),
               ({"dataType": 3, "dateFormat": "YYYY-MM-DD"}, 1),
               ({"dataType": 4, "maxFileCount": 1, "fileRange": 2, "fileType": "1,6", "selfDefFileSuffix": "pem"}, 0),
               ({"dataType": 5, "referenceType": 1}, 1)]
    sent = [{**base, "itemCode": f"code{i}", "englishName": f"en{i}", "chineseName": f"zh{i}", "uniqueField": u, "itemSchemaCreateDTO": s,
             "itemReferenceDTO": {"referenceMetaHandle": "88.608.8889/META_12345"} if s["dataType"] == 5 else {}} for i, (s, u) in enumerate(schemas)]
    got = call("POST", "/api/v1/open/meta/create", {**EXAMPLES[36], "metaHandle": "88.608.8889/META_told", "metaItemCreateDTOS": sent}, token)
    check("metadata of all kinds", got["code"] == 1, got)
    got = call("GET", "/api/v1/open/meta/info?metaHandle=88.608.8889/META_told", token=token)["data"]["itemVOS"]
    for i, (was, now) in enumerate(zip(sent, got)):
        want = {k: v for k, v in was.items() if not k.endswith("DTO")}
        want.update(itemIndex=2000 + i, itemState=0, itemSchemaVO=was["itemSchemaCreateDTO"],
                    **({"itemReferenceVO": was["itemReferenceDTO"]} if was["itemReferenceDTO"] else {}))
        check(f"attribute {i} is told as it was said", now == want, f"{now} instead of {want}")


def unique(token):
    """Attributes that no two records of a template share, on every way in."""
    items = [{**EXAMPLES[36]["metaItemCreateDTOS"][0], "englishName": n, "uniqueField": u} for n, u in (("sn", 1), ("colour", 0))]
    made = call("POST", "/api/v1/open/meta/create", {**EXAMPLES[36], "metaHandle": "88.608.8889/META_unique", "metaItemCreateDTOS": items}, token)
    check("metadata with a unique attribute", made["code"] == 1, made)
    call("PUT", "/api/v1/open/meta/publish-or-withdraw", {"metaHandleList": ["88.608.8889/META_unique"], "opType": "publish"}, token)
    got = call("GET", "/api/v1/open/meta/info?metaHandle=88.608.8889/META_unique", token=token)
    check("is told as such", [i["uniqueField"] for i in got["data"]["itemVOS"]] == [1, 0], got)
    got = doip("0.DOIP/Op.Retrieve", "88.608.8889/META_unique", token=token, method="GET")
    check("and by its name", got["data"]["attributes"]["content"]["uniqueness"] == ["sn"], got)

    def put(op, handle, **content):
        return doip("0.DOIP" + op, "88.608.8889/" + handle, {"type": "88.608.8889/META_unique", "attributes": {"content": content}}, token)

    taken = {"code": 601, "message": "属性sn（索引2000）的值须唯一，已被其他标识使用"}
    check("one", put("/Op.Create", "u-1", sn="7", colour="red")["code"] == 10000)
    check("the other attribute may say the same", put("/Op.Create", "u-2", sn="8", colour="red")["code"] == 10000)
    before = node.state()
    check("the same value once more", put("/Op.Create", "u-3", sn="7", colour="blue") == taken)
    check("by an update", put("/Op.Update", "u-2", sn="7", colour="red") == taken)
    check("of one attribute", put(".EXTEND/Op.Update.Non.Overlay", "u-2", sn="7") == taken)
    check("nothing changed", node.state() == before)
    check("its own value again", put("/Op.Update", "u-1", sn="7", colour="green")["code"] == 10000)
    check("another value", put("/Op.Update", "u-1", sn="9", colour="green")["code"] == 10000)
    check("sets the old one free", put("/Op.Create", "u-3", sn="7", colour="blue")["code"] == 10000)
    check("so does deleting", doip("0.DOIP/Op.Delete", "88.608.8889/u-3", token=token)["code"] == 10000 and put("/Op.Update", "u-2", sn="7", colour="x")["code"] == 10000)
    check("what is deleted may not come back beside it", put("/Op.Create", "u-3", sn="7", colour="x") == taken)
    # the same on the node's own interface and in its batches, whose records stand or fall together
    record = lambda sn: {"values": [{"index": 1000, "type": "TEMPLATE_ID", "data": "88.608.8889/META_unique"}, {"index": 2000, "type": "sn", "data": sn}]}
    send = lambda method, path, body: node.request(method, path, body, headers={"Authorization": "Bearer " + SECRET})
    status, got, _ = send("PUT", "/registry/88.608.8889/u-4", record("7"))
    check("natively", status == 400 and got["rule"] == "template-unique" and got.get("field") == "values[1]", (status, got))
    before = node.state()
    for values in (["100", "7"], ["100", "100"]):
        status, got, _ = send("POST", "/registry", {"records": [{"id": f"88.608.8889/b-{i}", **record(v)} for i, v in enumerate(values)]})
        check("in a batch", status == 400 and got["rule"] == "template-unique" and got.get("field", "").startswith("records[1]."), (status, got))
    check("and none of it is registered", node.state() == before)
    status, got, _ = send("POST", "/registry", {"records": [{"id": f"88.608.8889/b-{i}", **record(v)} for i, v in enumerate(["100", "101"])]})
    check("a batch of different values", status in (200, 201), (status, got))
    status, got, _ = send("PUT", "/series/" + urllib.parse.quote("88.608.8889/s-{0001..0010}", safe=""), record("s"))
    check("members of a series cannot differ", status == 400 and got["rule"] == "template-unique", (status, got))
    got = call("PUT", "/api/v1/open/meta/update-item", {"metaHandle": "88.608.8889/META_unique", "metaItemDTOS": [{**items[0], "uniqueField": 0, "itemIndex": 2000}, {**items[1], "itemIndex": 2001}]}, token)
    check("while it is used, it stays unique", got == {"code": 601, "message": "元数据已被使用，不能修改已有属性"}, got)
    # SNMS: each record of a batch on its own
    native("PUT", "/templates/88.101.5/unique", {"attributes": [{"name": "ip", "unique": True}]}, SECRET)
    one = lambda n, v: {"handle": f"88.101.5/u{n}", "templateVersion": "unique", "value": [{"index": 2000, "type": "ip", "auth": "", "data": {"format": "string", "value": v}}]}
    got = call("POST", "/identityv2/data/batchCreate", [one(1, "a"), one(2, "a"), one(3, "b")], SECRET)
    check("the second of them is refused", [x["msg"] for x in got["data"]] == ["success", "属性ip（索引2000）的值须唯一，已被其他标识使用", "success"], got)
    got = call("PUT", "/identityv2/data", one(3, "a"), SECRET)
    check("an update as well", got == {"message": "属性ip（索引2000）的值须唯一，已被其他标识使用", "status": -2, "data": None}, got)


def national_keys():
    """An identity with a key of SM2 logs in with a signature of SM2 and SM3."""
    key = os.path.join(node.top, "sm2.pem")
    subprocess.run(["openssl", "ecparam", "-name", "SM2", "-genkey", "-noout", "-out", key], check=True, capture_output=True)
    spki = subprocess.run(["openssl", "ec", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    field = lambda b: struct.pack(">I", len(b)) + b
    handle = "88.608.8889/App_sm2"
    credential("App_sm2@88.608.8889", "enterprise", "88.608.8889")
    value = field(b"SM2_PUB_KEY") + b"\0\0" + field(spki)
    native("PUT", "/registry/" + handle, {"values": [{"index": 300, "type": "HS_PUBKEY", "data": {"format": "base64", "value": base64.b64encode(value).decode()}}]}, SECRET)

    def sm2_sign(nonce, name="1234567812345678"):
        out = subprocess.run(["openssl", "dgst", "-sm3", "-sign", key, "-sigopt", "distid:" + name], input=nonce.encode(), check=True, capture_output=True).stdout
        return base64.b64encode(out).decode()

    nonce = call("GET", "/api/v1/doip/public/challenge?handle=" + handle)["data"]
    for what, signature in (("of another key", sign(nonce)), ("of another nonce", sm2_sign(nonce + "0")), ("for another signer's name", sm2_sign(nonce, "8765432187654321"))):
        got = call("POST", "/api/v1/doip/public/verify-response", {"handle": handle, "signature": signature})
        check(f"SM2: a signature {what} is refused", got == {"code": 102, "message": "客户端认证失败"}, got)
    got = call("POST", "/api/v1/doip/public/verify-response", {"handle": handle, "signature": sm2_sign(nonce)})
    check("SM2: the right one logs in", got["code"] == 1 and is_token(got["data"]["token"]), got)
    token = got["data"]["token"]
    # a record may hold keys without end; what is looked at is not
    others = [{"index": 400 + i, "type": "HS_PUBKEY", "data": {"format": "base64", "value": base64.b64encode(hs_pubkey()).decode()}} for i in range(8)]
    mine = {"index": 300, "type": "HS_PUBKEY", "data": {"format": "base64", "value": base64.b64encode(value).decode()}}
    for index, code in ((500, 102), (300, 1)):
        native("PUT", "/registry/" + handle, {"values": sorted(others + [{**mine, "index": index}], key=lambda v: v["index"])}, SECRET)
        nonce = call("GET", "/api/v1/doip/public/challenge?handle=" + handle)["data"]
        got = call("POST", "/api/v1/doip/public/verify-response", {"handle": handle, "signature": sm2_sign(nonce)})
        check("SM2: of eight keys, not of the ninth", got["code"] == code, got)
    got = doip("0.DOIP/Op.Create", "88.608.8889/by-sm2", {"type": "88.608.8889/META_zxczxc", "attributes": {"content": {"zxc": "1"}}}, token)
    check("SM2: and registers", got["code"] == 10000, got)


def by_command():
    """kanhe identity: an application from its public key, and away again; a refusal leaves nothing behind."""
    def pair(name, *make):
        private, public = (os.path.join(node.top, f"{name}.{x}") for x in ("pem", "pub"))
        subprocess.run(["openssl", *make, "-out", private], check=True, capture_output=True)
        with open(public, "wb") as f:
            f.write(subprocess.run(["openssl", "pkey", "-in", private, "-pubout"], check=True, capture_output=True).stdout)
        return private, public

    def log_in_as(handle, digest, private):
        nonce = call("GET", "/api/v1/doip/public/challenge?handle=" + handle)["data"]
        out = subprocess.run(["openssl", "dgst", *digest, "-sign", private], input=nonce.encode(), check=True, capture_output=True).stdout
        return call("POST", "/api/v1/doip/public/verify-response", {"handle": handle, "signature": base64.b64encode(out).decode()})

    for name, make, digest in (("cmd_rsa", ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"), ("-sha256",)),
                               ("cmd_sm2", ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"), ("-sm3", "-sigopt", "distid:1234567812345678"))):
        private, public = pair(name, *make)
        handle = "88.608.8889/App_" + name
        status, secret, err = node.kanhe("identity", "add", handle, "--key", public, "--name", "命令", "--company", "某某厂")
        check(f"{name}: an identity by one command", status == 0 and secret.startswith("kt_"), err)
        check(f"{name}: logs in by its key", log_in_as(handle, digest, private)["code"] == 1)
        got = call("POST", "/identity/token", {"username": handle, "password": secret.strip()})
        check(f"{name}: and by its secret", got["status"] == 1, got)
        token = got["data"]["token"]
        got = call("GET", "/api/v1/open/handle-user-group/list", token=token)
        mine = [u for u in got["data"] if u["userHandle"] == handle]
        check(f"{name}: with its name", mine == [{"name": "命令", "userHandle": handle, "belongCompany": "某某厂"}], mine)
        before = node.state()
        status, out, err = node.kanhe("identity", "add", handle, "--key", public)
        check(f"{name}: not twice", status == 1 and "name-taken" in err and node.state() == before, err)
        status, out, err = node.kanhe("identity", "remove", handle)
        check(f"{name}: it goes", status == 0, err)
        check(f"{name}: with its sessions", call("GET", "/api/v1/open/handle-user-group/list", token=token)["code"] == 101)
        got = call("GET", "/api/v1/doip/public/challenge?handle=" + handle)
        check(f"{name}: and no nonce is given for it", "data" not in got and got["code"] in (102, 104), got)
    names = lambda: node.kanhe("node", "token", "list")[1]
    before = names()
    for words, why in ((("--key", os.path.join(node.top, "cmd_rsa.pem")), "-pubout"), (("--expires", "never"), "expires")):
        status, out, err = node.kanhe("identity", "add", "88.608.8889/App_bad", *words)
        check(f"refused: {why}", status == 1 and why in err and not out, err)
    status, out, err = node.kanhe("identity", "add", "88.608.8889/open-1")
    check("a record of something else is not taken over", status == 1 and "absent" in err, err)
    check("and no credential is left", names() == before, names())
    for words in (("add",), ("add", "88.608.8889"), ("add", "/x"), ("give", "88.1/x"), ()):
        check(f"wrong use: {words}", node.kanhe("identity", *words)[0] == 2)


def rights():
    """A wrong role is refused by every route, and changes nothing."""
    routes = [("GET", "/identityv2/data/detail?handle=88.101.5/x"), ("POST", "/identityv2/data"), ("PUT", "/identityv2/data"), ("DELETE", "/identityv2/data"),
              ("POST", "/identityv2/data/batchCreate"), ("PUT", "/identityv2/data/batchUpdate"), ("DELETE", "/identityv2/data/batchDelete")]
    routes += [(m, f"/snms/api/{v}/template") for v in ("v3", "v5") for m in ("GET", "POST", "PUT", "DELETE")]
    open_routes = [("POST", "/api/v1/doip?targetId=88.101.5/x&operationId=0.DOIP/Op.Create")]
    open_routes += [("POST", "/api/v1/open/" + p) for p in ("meta/create", "meta/baseon-create", "meta/grant/info", "classes-grant/item/batch-public",
                                                            "classes-grant/authorization")]
    open_routes += [("PUT", "/api/v1/open/meta/" + p) for p in ("update-basic-info", "update-item", "publish-or-withdraw")]
    open_routes += [("GET", "/api/v1/open/" + p) for p in ("meta/info", "meta/page", "meta/classify-query", "handle/page", "handle-user-group/list",
                                                           "message/appMessage")]
    open_routes += [("DELETE", "/api/v1/open/meta/delete"), ("POST", "/api/v1/single-handle/authorization")]
    owner = credential("somebody", "owner", "@somebody")
    expired = SECRET[:-1] + ("A" if SECRET[-1] != "A" else "B")
    before = node.state()
    for method, path in routes:
        body = {} if method != "GET" else None
        for token, want in ((None, -1), (expired, -1), ("x.y.z", -1), (owner, -3)):
            got = call(method, path, body, token)
            check(f"{method} {path} with {token and token[:4]}", got.get("status") == want and got.get("data") is None, got)
    for method, path in open_routes:
        body = {} if method in ("POST", "PUT") else None
        for token, want in ((None, 101), (expired, 101), ("x.y.z", 101), (owner, 103)):
            got = call(method, path, body, token)
            check(f"{method} {path} with {token and token[:4]}", got.get("code") == want, got)
    check("and nothing changed", node.state() == before)


def sessions():
    """Who loses the credential loses its sessions; a session by key does no more than its prefix allows."""
    secret = identity("88.608.8889/App_short")
    got = call("POST", "/identity/token", {"username": "88.608.8889/App_short", "password": secret})
    by_secret, by_key = got["data"]["token"], log_in("88.608.8889/App_short")
    wide = credential("App_wide@88.608.8889", "registrar enterprise", " ".join(PREFIXES))
    native("PUT", "/registry/88.608.8889/App_wide", {"values": [{"index": 300, "type": "HS_PUBKEY", "data": {
        "format": "base64", "value": base64.b64encode(hs_pubkey()).decode()}}]}, SECRET)
    narrow = log_in("88.608.8889/App_wide")
    one = {"handle": "88.101.5/n", "templateVersion": "1.0.1", "value": [{"index": 2000, "type": "ip", "data": {"format": "string", "value": "1"}}]}
    check("by key: not under other prefixes", call("POST", "/identityv2/data", one, narrow)["status"] == -3)
    check("by its secret: there too", call("POST", "/identityv2/data", one, wide)["status"] == 1)
    for token in (by_secret, by_key):
        check("a session reads", call("GET", "/identityv2/data/detail?handle=88.608.8889/App_short", token=token)["status"] == 1)
    node.kanhe("node", "restart")
    check("after a restart as well", call("GET", "/identityv2/data/detail?handle=88.608.8889/App_short", token=by_secret)["status"] == 1)
    node.kanhe("node", "token", "revoke", "App_short@88.608.8889")
    for token in (by_secret, by_key):
        got = call("GET", "/identityv2/data/detail?handle=88.608.8889/App_short", token=token)
        check("a revoked credential has no sessions", got["status"] == -1, got)
    credential("App_short@88.608.8889", "enterprise", "88.608.8889")
    for token in (by_secret, by_key):
        got = call("GET", "/identityv2/data/detail?handle=88.608.8889/App_short", token=token)
        check("nor does another of its name revive them", got["status"] == -1, got)


def bad_input():
    """Each fault has its sentence, and nothing changes."""
    value = lambda **m: [{"index": 2000, "type": "ip", "auth": "", "data": {"format": "string", "value": "x"}, **m}]
    base = {"handle": "88.101.5/bad", "templateVersion": "1.0.1", "value": value()}
    rows = [({**base, "handle": ""}, "缺少必要的请求参数: handle"), ({**base, "handle": 7}, "请求参数类型错误: handle"),
            ({**base, "handle": "88.101.5/" + "x" * 247}, "请求参数长度超限: handle"), ({**base, "templateVersion": None}, "缺少必要的请求参数: templateVersion"),
            ({**base, "templateVersion": "nope"}, "模板不存在"), ({**base, "value": value(index=1001)}, "索引1001为预留索引: value[0].index"),
            ({**base, "value": value(index=2007)}, "非法操作，索引2007在模板中不存在"), ({**base, "value": value(index=100)}, "非法操作，索引100在模板中不存在"),
            ({**base, "value": value(type="other")}, "属性other（索引2000）类型与模板不一致"),
            ({**base, "value": value(data={"format": "base64", "value": "x"})}, "只支持string格式: value[0].data.format"),
            ({**base, "value": value(data={"format": "string", "value": "x" * 11})}, "属性ip（索引2000）长度超过最大长度"),
            ({**base, "value": value(data={"format": "string", "value": "x" * 256})}, "请求参数长度超限: value[0].data.value"),
            ({**base, "value": value() + value()}, "标识属性索引重复: value[1].index"),
            ({**base, "handle": "88.101.5"}, "标识格式异常"), ({**base, "handle": "99.1/x"}, "非本企业标识")]
    before = node.state()
    for body, message in rows:
        got = call("POST", "/identityv2/data", body, SECRET)
        check(message, got == {"message": message, "status": -2, "data": None}, got)
    malformed = {"message": "请求参数格式错误", "status": -2, "data": None}
    for path in ("/identity/token", "/identity/token/v1", "/identityv2/data", "/snms/api/v5/template"):
        got = node.request("POST", path, b"{", headers={"Authorization": "Bearer " + SECRET, "Content-Type": "application/json"})[1]
        check(f"no JSON: {path}", got == malformed, got)
    wrong = lambda name: {"code": 106, "message": "请求入参错误：" + name}
    page, handles = "/api/v1/open/meta/page?", "/api/v1/open/handle/page?"
    for path, name in ((page, "classifyCode"), (page + "classifyCode=g&page=x", "page"), (page + "classifyCode=g&size=1001", "size"),
                       (page + "classifyCode=g&metaState=2", "metaState"), (page + "classifyCode=g&startTime=today", "startTime"),
                       (handles, "metaHandle"), (handles + "metaHandle=88.608.8889/META_zxczxc&endTime=today", "endTime"), ("/api/v1/open/meta/info", "metaHandle"),
                       ("/api/v1/doip/public/challenge", "handle"), ("/api/v1/doip?operationId=0.DOIP/Op.Retrieve", "targetId"), ("/api/v1/doip?targetId=88.608.8889/x", "operationId")):
        got = call("GET", path, token=app)
        check(f"the parameter is named: {path}", got == wrong(name), got)
    for body, name in (({}, "handle"), ({"handle": 5, "signature": "x"}, "handle"), ({"handle": "88.608.8889/App_ceshi"}, "signature")):
        got = call("POST", "/api/v1/doip/public/verify-response", body)
        check(f"the member is named: {name}", got == wrong(name), got)
    got = call("POST", "/identityv2/data/batchCreate", [base] * 2001, SECRET)
    check("2,001 at once", got == {"message": "批量操作最多支持2000条", "status": -2, "data": None}, got)
    check("nothing changed", node.state() == before)


def enterprises():
    """What holds for an enterprise holds here too: its quota, its suspension."""
    code = "91350100M000100Y43"
    status, out, err = node.kanhe("enterprise", "apply", code, "Example Works", "--person", "Li", "--phone", "0591", "--email", "li@works.example")
    check("an enterprise applies", status == 0, err)
    status, out, err = node.kanhe("enterprise", "approve", code, "--review", "seen", "--prefix", "88.101.5.7", "--quota", "1")
    check("and is approved", status == 0, err)
    template("88.101.5.7", "q", [{"name": "a"}])
    one = lambda n: {"handle": f"88.101.5.7/{n}", "templateVersion": "q", "value": []}
    check("within its quota", call("POST", "/identityv2/data", one(1), SECRET)["status"] == 1)
    got = call("POST", "/identityv2/data", one(2), SECRET)
    check("not beyond", got == {"message": "达到限额", "status": -2, "data": None}, got)
    got = call("POST", "/identityv2/data/batchCreate", [one(1), one(3)], SECRET)
    check("nor in a batch", [x["msg"] for x in got["data"]] == ["标识已存在", "达到限额"], got)
    identity_secret = credential("App_q@88.101.5.7", "enterprise", "88.101.5.7")
    status, out, err = node.kanhe("enterprise", "suspend", code, "--reason", "overdue")
    check("it is suspended", status == 0, err)
    got = call("PUT", "/identityv2/data", {**one(1), "value": [{"index": 2000, "type": "a", "data": {"format": "string", "value": "x"}}]}, identity_secret)
    check("and changes nothing any more", got["status"] in (-2, -3), got)


def switched_off():
    """Without the interfaces there is nothing of them."""
    with open(os.path.join(node.folder, "kanhed.conf"), "a") as f:
        f.write("\n[resolver]\nchina = no\n")
    node.kanhe("node", "restart")
    for method, path in (("POST", "/identity/token"), ("GET", "/api/v1/doip?targetId=88.101.5/x&operationId=0.DOIP/Op.Retrieve"),
                         ("GET", "/api/v1/open/meta/page"), ("GET", "/snms/api/v5/template")):
        status, got, _ = node.request(method, path, {} if method == "POST" else None)
        check(f"off: {path}", status == 404, (status, got))
    check("templates stay", node.request("GET", "/templates?prefix=88.101.5", token="registrar")[0] in (200, 403))


try:
    app = prepare()
    told_again(app)
    unique(app)
    national_keys()
    by_command()
    rights()
    sessions()
    bad_input()
    enterprises()
    switched_off()
finally:
    node.close()
finish()
